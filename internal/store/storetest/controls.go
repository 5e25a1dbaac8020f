package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

func testControls(t *testing.T, backend Backend) {
	for name, test := range map[string]func(*testing.T, Backend){
		"reach every router as one revision each": controlsKept,
		"end by the store's clock":                controlsEnd,
		"give a decision what it needs":           controlsDecided,
		"change nothing when they need not":       controlsQuiet,
		"go with what they are about":             controlsFitted,
		"leave a retired route its peace":         controlsRetired,
		"are not whom a stale edit lost to":       controlsNoConflict,
	} {
		t.Run(name, func(t *testing.T) { test(t, backend) })
	}
}

// control switches something as olga.
func (f *fixture) control(change func(now fleet.Controlling) fleet.Controls) fleet.Controlled {
	f.t.Helper()
	done, err := f.Control(f.t.Context(), fleet.Control{Actor: "olga", Reason: "game day"}, func(now fleet.Controlling) (fleet.Controls, error) {
		return change(now), nil
	})
	if err != nil {
		f.t.Fatalf("control: %v", err)
	}
	return done
}

// slow starts a fault on the new side of cart.
func slow(lasts time.Duration) func(fleet.Controlling) fleet.Controls {
	return func(now fleet.Controlling) fleet.Controls {
		now.Controls.Faults = append(now.Controls.Faults, fleet.Fault{
			Fault: guard.Fault{
				Route: "cart", Side: "new", Latency: 300 * time.Millisecond, Jitter: 100 * time.Millisecond, Percent: 2000,
				Status: 503, Header: "X-Test", Value: "1",
			},
			StartedAt: now.At, EndsAt: now.At.Add(lasts), Actor: "olga", Reason: "game day",
		})
		return now.Controls
	}
}

func drain(now fleet.Controlling) fleet.Controls {
	now.Controls.Drained = append(now.Controls.Drained, fleet.Drain{Backend: "orders", Endpoint: "http://127.0.0.1:4000", Actor: "olga", At: now.At})
	return now.Controls
}

func reset(now fleet.Controlling) fleet.Controls {
	now.Controls.Resets = []fleet.Reset{{Route: "cart", Side: "new", Generation: now.Next}}
	return now.Controls
}

func controlsKept(t *testing.T, backend Backend) {
	f := applied(t, backend)
	before := f.load(nil)
	started := f.control(slow(time.Minute))
	drained, closed := f.control(drain), f.control(reset)
	if started.Revision != 2 || drained.Revision != 3 || closed.Revision != 4 || closed.Previous != 3 {
		t.Errorf("revisions %d, %d and %d after %d, want 2, 3 and 4 after 3", started.Revision, drained.Revision, closed.Revision, closed.Previous)
	}
	after := f.load(before)
	if &after.Definitions.Routes[0] != &before.Definitions.Routes[0] || after.Digest == before.Digest {
		t.Error("want another digest, and the definitions shared")
	}
	events := f.events(rollout.EventQuery{Limit: 3})
	want := fleet.Controls{
		Faults: []fleet.Fault{{
			Fault: guard.Fault{
				ID: events[2].ID, Route: "cart", Side: "new", Latency: 300 * time.Millisecond, Jitter: 100 * time.Millisecond,
				Percent: 2000, Status: 503, Header: "X-Test", Value: "1",
			},
			StartedAt: started.At, EndsAt: started.At.Add(time.Minute), Actor: "olga", Reason: "game day",
		}},
		Drained: []fleet.Drain{{Backend: "orders", Endpoint: "http://127.0.0.1:4000", Actor: "olga", At: drained.At}},
		Resets:  []fleet.Reset{{Route: "cart", Side: "new", Generation: 4}},
	}
	for what, got := range map[string]fleet.Controls{"loaded": after.Controls, "read anew": f.load(nil).Controls, "after a move": f.loadMoved(after).Controls} {
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(guard.Fault{}, "Until")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	told := make([]string, len(events))
	for i, e := range events {
		told[i] = string(e.Verb) + " " + e.Kind + " " + e.Subject + " by " + e.Actor + " " + e.Reason + " " + string(e.After)
	}
	equal(t, "events", told, []string{
		`breaker_reset breaker cart by olga game day {"side":"new"}`,
		`backend_drain backend orders by olga game day {"drained":["http://127.0.0.1:4000"]}`,
		`fault_start fault cart by olga game day {"route":"cart","side":"new","latency":"300ms","jitter":"100ms","percent_bp":2000,"status":503,"header":"X-Test","value":"1","ends_at":"` +
			want.Faults[0].EndsAt.Format(time.RFC3339Nano) + `"}`,
	})
	about := f.events(rollout.EventQuery{Kind: "route", AlsoKinds: []string{"fault", "breaker"}, Subject: "cart", Before: events[0].ID + 1})
	if len(about) != 3 || about[0].Kind != "breaker" || about[1].Kind != "fault" || about[2].Verb != rollout.VerbApply {
		t.Errorf("the history of cart and its guard: %+v", about)
	}
	if found := f.verify(); found.Broken != nil {
		t.Errorf("the chain: %+v", found.Broken)
	}
}

func (f *fixture) loadMoved(known *fleet.Snapshot) *fleet.Snapshot {
	f.t.Helper()
	f.move("orders-get", at(100))
	return f.load(known)
}

func controlsEnd(t *testing.T, backend Backend) {
	f := applied(t, backend)
	f.control(slow(time.Minute))
	f.control(slow(10 * time.Minute))
	earliest := time.Now().Add(9 * time.Minute)
	for i, fault := range f.load(nil).Controls.Faults {
		if left := time.Until(fault.Until); left > time.Duration(1+9*i)*time.Minute {
			t.Errorf("fault %d ends in %s, which is too late", i, left)
		}
	}
	// Both clocks may differ by years: what counts is how much is left by the store's.
	f.mustBehind(`UPDATE faults SET ends_at = started_at WHERE id = (SELECT min(id) FROM faults)`)
	faults := f.load(nil).Controls.Faults
	if len(faults) != 2 || faults[0].Until.After(time.Now()) || faults[1].Until.Before(earliest) {
		t.Errorf("%+v: want one that has ended, since a revision holds what it holds, and one that goes on", faults)
	}
	var seen int
	done := f.control(func(now fleet.Controlling) fleet.Controls {
		seen = len(now.Controls.Faults)
		return drain(now)
	})
	if got := f.load(nil).Controls; seen != 1 || len(done.Controls.Faults) != 1 || len(got.Faults) != 1 || got.Faults[0].ID != faults[1].ID {
		t.Errorf("a decision saw %d faults, and %+v were left: want the one that goes on", seen, got.Faults)
	}
	if events := f.events(rollout.EventQuery{Kind: "fault"}); len(events) != 2 {
		t.Errorf("%d events, want none for a fault that ended by itself", len(events))
	}
}

func controlsDecided(t *testing.T, backend Backend) {
	f := applied(t, backend)
	f.move("cart", at(100))
	before := f.load(nil)
	_, err := f.Control(t.Context(), fleet.Control{Route: "cart", Backend: "orders"}, func(now fleet.Controlling) (fleet.Controls, error) {
		if now.Route.Name != "cart" || now.State.Weight != 100 || now.Backend.Endpoints[0] != "http://127.0.0.1:4000" || now.Next != 3 || now.At.IsZero() {
			t.Errorf("%+v, %+v, %+v", now, now.Route, now.Backend)
		}
		return fleet.Controls{}, errDecide
	})
	if !errors.Is(err, errDecide) {
		t.Errorf("%v, want what the decision said", err)
	}
	for _, unknown := range []string{"", "nobody", "a\x00b"} {
		_, err := f.Control(t.Context(), fleet.Control{Route: unknown, Backend: unknown}, func(now fleet.Controlling) (fleet.Controls, error) {
			if now.Route != nil || now.Backend != nil {
				t.Errorf("%q: %+v, %+v", unknown, now.Route, now.Backend)
			}
			return now.Controls, nil
		})
		if err != nil {
			t.Errorf("%q: %v", unknown, err)
		}
	}
	f.unchanged(before)
}

func controlsQuiet(t *testing.T, backend Backend) {
	f := applied(t, backend)
	f.control(drain)
	before := f.load(nil)
	same := f.control(func(now fleet.Controlling) fleet.Controls { return now.Controls })
	if same.Revision != 2 || same.Previous != 2 || len(same.Changes) != 0 {
		t.Errorf("%+v, want nothing", same)
	}
	would, err := f.Control(t.Context(), fleet.Control{DryRun: true}, func(now fleet.Controlling) (fleet.Controls, error) {
		return slow(time.Minute)(now), nil
	})
	if err != nil || len(would.Changes) != 1 || would.Changes[0].Verb != rollout.VerbFaultStart || would.Revision != 2 {
		t.Errorf("a dry run: %+v, %v", would, err)
	}
	_, err = f.Control(t.Context(), fleet.Control{}, func(now fleet.Controlling) (fleet.Controls, error) {
		now.Controls = slow(time.Minute)(now)
		now.Controls.Faults[0].Value = "a\x00b"
		return now.Controls, nil
	})
	if !errors.Is(err, rollout.ErrText) {
		t.Errorf("a NUL byte: %v, want ErrText", err)
	}
	f.unchanged(before)
}

func controlsFitted(t *testing.T, backend Backend) {
	f := applied(t, backend)
	two := shop()
	two.Backends[1].Endpoints = append(two.Backends[1].Endpoints, "http://127.0.0.1:4001")
	f.apply(two)
	f.control(slow(time.Minute))
	f.control(drain)
	f.control(reset)

	one := shop() // only the drained endpoint is left
	f.apply(one)
	if c := f.load(nil).Controls; len(c.Drained) != 0 || len(c.Faults) != 1 || len(c.Resets) != 1 {
		t.Errorf("%+v: want the endpoint back, since nobody else serves", c)
	}
	one.Routes = slices.DeleteFunc(one.Routes, func(r spec.Route) bool { return r.Name == "cart" })
	f.apply(one)
	equal(t, "controls of a route that is gone", f.load(nil).Controls, fleet.Controls{})
	var verbs []string
	for _, e := range f.events(rollout.EventQuery{Limit: 4}) {
		verbs = append(verbs, string(e.Verb)+" "+e.Subject)
	}
	equal(t, "events", verbs, []string{"fault_stop cart", "apply cart", "backend_ready orders", "apply orders"})
	if found := f.verify(); found.Broken != nil {
		t.Errorf("the chain: %+v", found.Broken)
	}
}

// controlsRetired has no legacy side left that could catch a fault.
func controlsRetired(t *testing.T, backend Backend) {
	f := applied(t, backend)
	f.control(slow(time.Minute))
	f.control(func(now fleet.Controlling) fleet.Controls {
		other := slow(time.Minute)(now)
		other.Faults[1].Route = "orders-get"
		return other
	})
	f.control(drain)
	before := f.load(nil)
	done := f.move("cart", rollout.State{Stage: routing.StageRetired, Weight: routing.FullWeight})
	after := f.load(before)
	if c := after.Controls; len(c.Faults) != 1 || c.Faults[0].Route != "orders-get" || len(c.Drained) != 1 || after.Revision != done.Revision || done.Revision != 5 {
		t.Errorf("revision %d of %d: %+v, want the other route's fault and the drain alone", after.Revision, done.Revision, c)
	}
	events := f.events(rollout.EventQuery{Limit: 2})
	stopped, move := events[0], events[1]
	if stopped.Verb != rollout.VerbFaultStop || stopped.Kind != fleet.KindFault || stopped.Subject != "cart" || stopped.Revision != 5 || stopped.Actor != move.Actor ||
		stopped.Before == nil || move.Kind != spec.KindRoute || f.state("cart").Stage != routing.StageRetired {
		t.Errorf("events %+v", events)
	}
	if found := f.verify(); found.Broken != nil {
		t.Errorf("the chain: %+v", found.Broken)
	}
}

func controlsNoConflict(t *testing.T, backend Backend) {
	f := applied(t, backend)
	two := shop()
	two.Backends[1].Endpoints = append(two.Backends[1].Endpoints, "http://127.0.0.1:4001")
	changed := f.apply(two)
	f.control(drain) // by olga, who has not touched the definition
	_, err := f.Edit(t.Context(), spec.Edit{
		Verb: rollout.VerbApply, Actor: "ben", Precondition: &spec.Precondition{Kind: spec.KindBackend, Name: "orders", Revision: 1},
	}, func(spec.Current) (spec.Definitions, error) { return spec.Definitions{}, errDecide })
	equal(t, "conflict", conflict(t, err), &rollout.Conflict{Kind: spec.KindBackend, Name: "orders", Want: 1, Have: 2, By: "ana", At: changed.At})
}
