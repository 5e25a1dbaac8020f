package storetest

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/notify"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/rollout/autopilot"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/store"
)

func testLeases(t *testing.T, backend Backend) {
	for name, test := range map[string]func(*testing.T, Backend){
		"are one router's at a time":                 leasesHeld,
		"expire by the store's clock":                leasesExpire,
		"are given back":                             leasesReleased,
		"are taken once, however many want one":      leasesRaced,
		"fence whatever is written by them":          leasesFence,
		"are not taken while one writes by them":     leasesWait,
		"of nobody let nobody write":                 leasesOfNobody,
		"are not for a name that no database keeps":  leasesText,
		"fence a change before it is decided at all": leasesDecide,
		"do not let decide by an old table":          leasesOvertaken,
	} {
		t.Run(name, func(t *testing.T) { test(t, backend) })
	}
}

// taken is a lease of holder for a minute.
func taken(t *testing.T, s store.Store, holder string) autopilot.Lease {
	t.Helper()
	lease, err := s.Lease(t.Context(), holder, time.Minute)
	if err != nil {
		t.Fatalf("take the lease: %v", err)
	}
	return lease
}

// leasesOvertaken has something switched between the reading of a table and a change
// that was decided by it.
func leasesOvertaken(t *testing.T, backend Backend) {
	f := applied(t, backend)
	seen := f.load(nil).Revision
	f.control(func(now fleet.Controlling) fleet.Controls {
		now.Controls.Freeze = &fleet.Freeze{Actor: "olga", At: now.At}
		return now.Controls
	})
	before := f.load(nil)
	asked := false
	change := func(table routing.Revision) error {
		_, err := f.Change(t.Context(), rollout.Selection{Routes: []string{"cart"}, Table: &table}, func(rec rollout.Record) (rollout.Decision, error) {
			asked = true
			return moveTo(at(500))(rec)
		})
		return err
	}
	if err := change(seen); !errors.Is(err, rollout.ErrOvertaken) || asked {
		t.Errorf("by revision %d, while %d is the newest: %v, asked: %v", seen, before.Revision, err, asked)
	}
	f.unchanged(before)
	if err := change(before.Revision); err != nil {
		t.Errorf("by the newest revision: %v", err)
	}
}

// expire lets the lease expire now.
func (f *fixture) expire() {
	f.t.Helper()
	f.mustBehind(`UPDATE autopilot_lease SET expires_at = (SELECT changed_at FROM routes WHERE name = 'cart')`)
}

// fenced is a promotion of cart to 5 % that says by whose lease it is.
func (f *fixture) fenced(fence rollout.Fence) (rollout.Committed, error) {
	return f.Change(f.t.Context(), rollout.Selection{Routes: []string{"cart"}, Fence: &fence}, func(rollout.Record) (rollout.Decision, error) {
		return rollout.Decision{Changed: true, Next: at(500), Event: rollout.Event{
			Verb: rollout.VerbPromote, Actor: "autopilot", Cause: rollout.CauseAutopilot, Evidence: json.RawMessage(`{}`),
		}}, nil
	})
}

func leasesHeld(t *testing.T, backend Backend) {
	f := applied(t, backend)
	other := f.reopen()
	if none, err := f.CurrentLease(t.Context()); err != nil || none != (autopilot.Lease{}) {
		t.Errorf("before anybody had it: %+v, %v", none, err)
	}
	first := taken(t, f.Store, "a")
	if first.Fence != (rollout.Fence{Holder: "a", Number: 1}) || first.Expires.Sub(first.Read) != time.Minute {
		t.Errorf("%+v, want lease 1 of a for a minute", first)
	}
	seen := taken(t, other, "b")
	if seen.Fence != first.Fence || !seen.Expires.Equal(first.Expires) || seen.Read.Before(first.Read) {
		t.Errorf("b has %+v, want %+v", seen, first)
	}
	longer := taken(t, f.Store, "a")
	if longer.Fence != first.Fence || longer.Expires.Sub(longer.Read) != time.Minute || longer.Expires.Before(first.Expires) {
		t.Errorf("prolonged it is %+v, want %+v for a minute from now", longer, first)
	}
	current, err := other.CurrentLease(t.Context())
	if err != nil || current.Fence != first.Fence || !current.Expires.Equal(longer.Expires) {
		t.Errorf("the lease is %+v, %v; want %+v", current, err, longer)
	}
	if f.load(nil).Revision != 1 {
		t.Error("a lease made a revision")
	}
}

func leasesExpire(t *testing.T, backend Backend) {
	f := applied(t, backend)
	other := f.reopen()
	first := taken(t, f.Store, "a")
	f.expire()
	if _, err := f.fenced(first.Fence); !errors.Is(err, rollout.ErrFenced) || !strings.Contains(err.Error(), "expired") || !strings.Contains(err.Error(), "nothing was changed") {
		t.Errorf("by a lease that has expired: %v, want ErrFenced", err)
	}
	if again := taken(t, f.Store, "a"); again.Number != 2 {
		t.Errorf("who lets his own expire has number %d, want 2", again.Number)
	}
	f.expire()
	if next := taken(t, other, "b"); next.Fence != (rollout.Fence{Holder: "b", Number: 3}) {
		t.Errorf("%+v, want lease 3 of b", next)
	}
	if late := taken(t, f.Store, "a"); late.Holder != "b" {
		t.Errorf("a took what b has: %+v", late)
	}
}

func leasesReleased(t *testing.T, backend Backend) {
	f := applied(t, backend)
	other := f.reopen()
	first := taken(t, f.Store, "a")
	for _, fence := range []rollout.Fence{{Holder: "b", Number: 1}, {Holder: "a", Number: 2}, {}} {
		if err := other.Release(t.Context(), fence); err != nil {
			t.Errorf("%+v: %v", fence, err)
		}
	}
	if _, err := f.fenced(first.Fence); err != nil {
		t.Errorf("after others gave back what they do not have: %v", err)
	}
	if err := f.Release(t.Context(), first.Fence); err != nil {
		t.Fatal(err)
	}
	if _, err := f.fenced(first.Fence); !errors.Is(err, rollout.ErrFenced) {
		t.Errorf("by a lease that was given back: %v, want ErrFenced", err)
	}
	if next := taken(t, other, "b"); next.Fence != (rollout.Fence{Holder: "b", Number: 2}) {
		t.Errorf("%+v, want lease 2 of b at once", next)
	}
}

func leasesRaced(t *testing.T, backend Backend) {
	const rounds, routers = 5, 6
	f := applied(t, backend)
	stores := []store.Store{f.Store, f.reopen()}
	for round := range rounds {
		leases := make([]autopilot.Lease, routers)
		var all sync.WaitGroup
		for i := range routers {
			all.Go(func() { leases[i] = taken(t, stores[i%2], string(rune('a'+i))) })
		}
		all.Wait()
		for _, lease := range leases {
			if lease.Fence != leases[0].Fence || lease.Number != int64(round+1) {
				t.Errorf("round %d: %+v beside %+v", round, lease, leases[0])
			}
		}
		f.expire()
	}
}

// leasesFence has an old holder that slept while another took over.
func leasesFence(t *testing.T, backend Backend) {
	f := applied(t, backend)
	other := f.reopen()
	hooked := shop()
	hooked.Webhooks = oncall()
	f.apply(hooked)
	old := taken(t, f.Store, "a")
	f.expire()
	present := taken(t, other, "b")
	before := f.load(nil)
	write := func(s store.Store, fence rollout.Fence) map[string]error {
		_, changed := (&fixture{Store: s, t: t}).fenced(fence)
		return map[string]error{
			"change":   changed,
			"dossiers": s.KeepDossiers(t.Context(), fence, []autopilot.Dossier{{Route: "cart", SlowOver: time.Second}}),
			"place":    s.KeepPlace(t.Context(), fence, notify.Place{Webhook: "oncall", Event: 99}),
		}
	}
	for _, fence := range []rollout.Fence{old.Fence, {Holder: "b", Number: old.Number}, {Holder: "a", Number: present.Number}, {Holder: "b", Number: present.Number + 1}} {
		for what, err := range write(f.Store, fence) {
			if !errors.Is(err, rollout.ErrFenced) || errors.Is(err, rollout.ErrUnavailable) {
				t.Errorf("%s by %+v: %v, want ErrFenced", what, fence, err)
			}
		}
	}
	f.unchanged(before)
	if dossiers, err := f.Dossiers(t.Context(), nil); err != nil || len(dossiers) != 0 {
		t.Errorf("%+v, %v: want no dossier of the old holder's", dossiers, err)
	}
	if places, err := f.Places(t.Context()); err != nil || places["oncall"].Event == 99 {
		t.Errorf("%+v, %v: want no place of the old holder's", places, err)
	}
	for what, err := range write(other, present.Fence) {
		if err != nil {
			t.Errorf("%s by the present lease: %v", what, err)
		}
	}
	if got := f.state("cart"); got.Weight != 500 || got.Revision != before.Revision+1 {
		t.Errorf("cart is %+v, want one step by the present lease", got)
	}
}

// leasesWait gives the lease away in the middle of a change by it: whoever takes
// it over must see the change.
func leasesWait(t *testing.T, backend Backend) {
	f := applied(t, backend)
	other := f.reopen()
	first := taken(t, f.Store, "a")
	over := make(chan error, 1)
	_, err := f.Change(t.Context(), rollout.Selection{Routes: []string{"cart"}, Fence: &first.Fence}, func(r rollout.Record) (rollout.Decision, error) {
		go func() { over <- takeOver(t, other, first.Fence) }()
		select {
		case err := <-over:
			t.Errorf("the lease was taken over while its holder was writing: %v", err)
			over <- err
		case <-time.After(200 * time.Millisecond): // for a lease that is not guarded
		}
		return moveTo(at(500))(r)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := await(t, "the takeover", over); err != nil {
		t.Error(err)
	}
}

// takeOver makes another router's lease its own, and looks what that one did.
func takeOver(t *testing.T, s store.Store, from rollout.Fence) error {
	if err := s.Release(t.Context(), from); err != nil {
		return err
	}
	lease, err := s.Lease(t.Context(), "b", time.Minute)
	if err != nil || lease.Number != from.Number+1 {
		return errors.Join(errors.New("b does not have the next lease"), err)
	}
	snapshot, err := s.Load(t.Context(), nil)
	if err == nil && snapshot.Revision != 2 {
		err = errors.New("b has the lease, and does not see what was done by the one before")
	}
	return err
}

func leasesOfNobody(t *testing.T, backend Backend) {
	f := applied(t, backend)
	if _, err := f.fenced(rollout.Fence{}); !errors.Is(err, rollout.ErrFenced) {
		t.Errorf("%v, want ErrFenced", err)
	}
}

func leasesText(t *testing.T, backend Backend) {
	f := open(t, backend)
	if _, err := f.Lease(t.Context(), "a\x00b", time.Minute); !errors.Is(err, rollout.ErrText) {
		t.Errorf("%v, want ErrText", err)
	}
}

func leasesDecide(t *testing.T, backend Backend) {
	f := applied(t, backend)
	taken(t, f.Store, "a")
	sel := rollout.Selection{Routes: []string{"nobody"}, Fence: &rollout.Fence{Holder: "b", Number: 1}}
	_, err := f.Change(t.Context(), sel, func(rollout.Record) (rollout.Decision, error) {
		t.Error("a fenced change was decided")
		return rollout.Decision{}, nil
	})
	if !errors.Is(err, rollout.ErrFenced) {
		t.Errorf("%v, want ErrFenced", err)
	}
}
