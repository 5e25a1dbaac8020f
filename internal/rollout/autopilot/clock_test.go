package autopilot_test

import (
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout/autopilot"
	"github.com/stranglerfig/strangler/internal/rollout/gate"
	"github.com/stranglerfig/strangler/internal/rollout/sequential"
)

// alone is a route that new serves alone, after legacy has failed for one in ten.
func alone(t *testing.T) (*world, *autopilot.Pilot) {
	t.Helper()
	w := newWorld(t, "routes:\n"+route("orders", "gates: {parity: off, fallbacks: off, errors: {min: 5}, slowness: off}"))
	w.promote("orders", "shadow")
	w.ago(10*time.Minute, func() { w.serve(served{route: "orders", side: "legacy", requests: 5000, failed: 500}) })
	if err := w.FoldWindows(t.Context()); err != nil {
		t.Fatal(err)
	}
	pilot := w.pilot("a")
	w.look(pilot)
	w.promote("orders", "100%")
	w.look(pilot)
	return w, pilot
}

// Who was served in this minute by the last build, and fails by the new one, is an event
// of the new one, and has to be an exposure of it.
func TestABuildThatComesWithinAMinuteIsNoWorseForIt(t *testing.T) {
	w, pilot := alone(t)
	w.serve(served{route: "orders", side: "new", requests: 1000, failed: 50, build: "v1"})
	w.look(pilot)
	w.serve(served{route: "orders", side: "new", again: 5100, requests: 500, failed: 40, build: "v2"})
	w.look(pilot)
	w.stands("orders", "100%")
	if found := w.finding("orders", gate.NameErrors); *found.New != (sequential.Count{Exposures: 500, Events: 40}) {
		t.Errorf("of the second build it counted %+v, want 500 and 40", *found.New)
	}
}

// Another autopilot holds nothing against the second build that the first has done.
func TestWhoeverTakesOverKnowsSinceWhenABuildServes(t *testing.T) {
	w, pilot := alone(t)
	w.ago(20*time.Second, func() {
		w.serve(served{route: "orders", side: "new", requests: 100, failed: 10, build: "v1"})
	})
	w.look(pilot)
	w.serve(served{route: "orders", side: "new", requests: 40, failed: 4, build: "v2"})
	w.look(pilot)
	fence, _ := pilot.Leads()
	if err := w.Release(t.Context(), fence); err != nil {
		t.Fatal(err)
	}
	w.look(w.pilot("b"))
	if found := w.finding("orders", gate.NameErrors); *found.New != (sequential.Count{Exposures: 40, Events: 4}) {
		t.Errorf("it counted %+v, want 40 and 4", *found.New)
	}
}

// A router whose clock is wrong counts for nothing, rather than again at every look.
func TestARouterWhoseClockIsWrong(t *testing.T) {
	for name, off := range map[string]time.Duration{"ahead": 5 * time.Minute, "behind": -20 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "routes:\n"+route("orders", easy))
			w.promote("orders", "25%")
			pilot := w.pilot("a")
			w.look(pilot)
			for minute := range 8 {
				w.ago(-off-time.Duration(minute)*time.Minute, func() {
					w.serve(served{route: "orders", side: "new", requests: 30, failed: 1}, served{route: "orders", side: "legacy", requests: 90, failed: 3})
				})
			}
			w.serve(served{route: "orders", side: "new", requests: 10}, served{route: "orders", side: "legacy", requests: 30})
			for range 5 {
				w.look(pilot)
			}
			if found := w.finding("orders", gate.NameErrors); *found.New != (sequential.Count{Exposures: 10}) || *found.Legacy != (sequential.Count{Exposures: 30}) {
				t.Errorf("it counted %+v and %+v, want 10 and 30", *found.New, *found.Legacy)
			}
		})
	}
}
