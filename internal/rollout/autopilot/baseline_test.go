package autopilot_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout/autopilot"
	"github.com/stranglerfig/strangler/internal/rollout/gate"
	"github.com/stranglerfig/strangler/internal/rollout/sequential"
)

// What legacy does is measured while it serves, tells the routers what is slow,
// and stays the measure when it serves hardly anything any more.
func TestWhatLegacyDidIsTheMeasure(t *testing.T) {
	w := newWorld(t, "routes:\n"+route("orders", "gates: {parity: off, fallbacks: off, errors: {min: 5}, slowness: {min: 5}}"))
	w.promote("orders", "shadow")
	w.ago(10*time.Minute, func() { w.serve(served{route: "orders", side: "legacy", requests: 5000, failed: 5}) })
	pilot := w.pilot("a")
	if err := w.FoldWindows(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.look(pilot)
	slow, err := w.Thresholds(t.Context())
	if err != nil || slow["orders"] < 5*time.Millisecond || slow["orders"] > 5200*time.Microsecond {
		t.Errorf("slow is over %v, want a little more than 5ms; %v", slow, err)
	}

	// All of new fails like one in ten: legacy is no measure any more, but was one.
	w.promote("orders", "100%")
	w.look(pilot)
	w.serve(served{route: "orders", side: "new", requests: 200, failed: 20})
	w.look(pilot)
	w.stands("orders", "shadow+rolled_back")
	if reason := w.newest("orders").Reason; reason != "errors: 10% of 200 key-minutes on new, none on legacy; evidence over 1,000,000 of 100, against what legacy did before" {
		t.Errorf("the reason is %q", reason)
	}
}

// As much as legacy did, new may do when it is alone.
func TestNewMayFailAsLegacyDid(t *testing.T) {
	w := newWorld(t, "routes:\n"+route("orders", "gates: {parity: off, fallbacks: off, errors: {min: 5}, slowness: off}"))
	w.promote("orders", "shadow")
	w.ago(10*time.Minute, func() { w.serve(served{route: "orders", side: "legacy", requests: 900, failed: 100}) })
	if err := w.FoldWindows(t.Context()); err != nil {
		t.Fatal(err)
	}
	pilot := w.pilot("a")
	w.look(pilot)
	w.promote("orders", "100%")
	w.look(pilot)
	w.serve(served{route: "orders", side: "new", requests: 200, failed: 22})
	w.look(pilot)
	w.stands("orders", "100%")
	if found := w.finding("orders", gate.NameErrors); found.Verdict != sequential.Pass {
		t.Errorf("got %s: %s", found.Verdict, found.Text)
	}
}

// ago has something seen in the past.
func (w *world) ago(ago time.Duration, do func()) {
	w.t.Helper()
	now := w.at
	w.at = now.Add(-ago)
	do()
	w.at = now
}

// Slow requests are told from others only once legacy's p95 is known, and how often
// legacy is slow only some minutes later: that is asked for as well.
func TestLegacysSlownessIsLookedForUntilItIsKnown(t *testing.T) {
	w := newWorld(t, "routes:\n"+route("orders", "gates: {parity: off, fallbacks: off, errors: off, slowness: {min: 5}}"))
	w.promote("orders", "shadow")
	w.ago(10*time.Minute, func() { w.serve(served{route: "orders", side: "legacy", requests: 400}) })
	if err := w.FoldWindows(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.look(w.pilot("a"))
	if got := w.account("orders"); got.Legacy.Errors == 0 || got.Legacy.Slowness != 0 || got.Legacy.Measured.IsZero() {
		t.Fatalf("at first: %+v", got.Legacy)
	}
	w.amend("orders", func(account *autopilot.Account) { // as it stands ten minutes later
		account.Legacy.Measured = account.Legacy.Measured.Add(-20 * time.Minute)
		account.Legacy.Asked = account.Legacy.Asked.Add(-10 * time.Minute)
	})
	w.look(w.pilot("a"))
	if got := w.account("orders"); got.Legacy.Slowness == 0 {
		t.Errorf("ten minutes later: %+v", got.Legacy)
	}
}

// account is what the store has of a route.
func (w *world) account(route string) autopilot.Account {
	w.t.Helper()
	dossiers, err := w.Dossiers(w.t.Context(), []string{route})
	if err != nil {
		w.t.Fatal(err)
	}
	var account autopilot.Account
	if err := json.Unmarshal(dossiers[route].State, &account); err != nil {
		w.t.Fatal(err)
	}
	account.SlowOver = dossiers[route].SlowOver
	return account
}

// amend changes that behind everybody's back, as a third autopilot.
func (w *world) amend(route string, change func(*autopilot.Account)) {
	w.t.Helper()
	account := w.account(route)
	change(&account)
	state, err := json.Marshal(&account)
	if err != nil {
		w.t.Fatal(err)
	}
	lease, err := w.CurrentLease(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.KeepDossiers(w.t.Context(), lease.Fence, []autopilot.Dossier{{Route: route, SlowOver: account.SlowOver, State: state}}); err != nil {
		w.t.Fatal(err)
	}
}
