package autopilot_test

import (
	"testing"
	"time"

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
