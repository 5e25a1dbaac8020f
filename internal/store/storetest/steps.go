package storetest

import (
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
)

func testSteps(t *testing.T, backend Backend) {
	for name, test := range map[string]func(*testing.T, Backend){
		"begin with another stage or weight alone":   stepsBegin,
		"begin anew with a route":                    stepsAnew,
		"are noted of what an older router has done": stepsOfOlder,
	} {
		t.Run(name, func(t *testing.T) { test(t, backend) })
	}
}

// step is since when a route stands where it stands.
type step struct {
	Revision routing.Revision
	At       time.Time
}

func stepOf(r fleet.RouteState) step { return step{r.StepRevision, r.StepAt} }

func stepsBegin(t *testing.T, backend Backend) {
	f := open(t, backend)
	want := step{1, f.apply(shop()).At}
	held := func(stage routing.Stage, weight routing.Weight, hold rollout.HoldKind) rollout.State {
		return rollout.State{Stage: stage, Weight: weight, Hold: rollout.Hold{Kind: hold}}
	}
	known := f.load(nil)
	for _, test := range []struct {
		next rollout.State
		new  bool
	}{
		{held(routing.StageLegacy, 0, rollout.HoldPaused), false},
		{held(routing.StageShadow, 0, rollout.HoldNone), true},
		{held(routing.StageCanary, 100, rollout.HoldNone), true},
		{held(routing.StageCanary, 100, rollout.HoldPaused), false},
		{held(routing.StageCanary, 500, rollout.HoldPaused), true},
		{held(routing.StageLegacy, 0, rollout.HoldRolledBack), true},
		{held(routing.StageLegacy, 0, rollout.HoldNone), false},
	} {
		var before step
		done, err := f.Change(t.Context(), only("cart"), func(r rollout.Record) (rollout.Decision, error) {
			before = step{r.StepRevision, r.StepAt}
			return moveTo(test.next)(r)
		})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "the step that decide saw", before, want)
		if test.new {
			want = step{done.Revision, done.At}
		}
		equal(t, "the step of the change", step{done.Routes[0].StepRevision, done.Routes[0].StepAt}, want)
		equal(t, "the step that is read", stepOf(f.state("cart")), want)
		known = f.load(known)
		equal(t, "the step that is followed", stepOf(known.Routes[0]), want)
		equal(t, "the step of another route", known.Routes[1].StepRevision, 1)
	}
	defs := shop()
	defs.Routes[0].Priority = 7
	f.apply(defs)
	equal(t, "the step after an edit", stepOf(f.state("cart")), want)
}

func stepsAnew(t *testing.T, backend Backend) {
	f := applied(t, backend)
	f.move("cart", at(100))
	without := shop()
	without.Routes = without.Routes[1:]
	f.apply(without)
	back := f.apply(shop())
	equal(t, "the step of the route that came back", stepOf(f.state("cart")), step{back.Revision, back.At})
}

// stepsOfOlder writes as routers do that do not know of steps.
func stepsOfOlder(t *testing.T, backend Backend) {
	f := applied(t, backend)
	move := func(name string, stage routing.Stage, weight, revision string) {
		f.mustBehind(`INSERT INTO routes (name, definition, stage, weight_bp, hold_kind, hold_reason, hold_evidence, revision, changed_by, changed_at, last_event)
			SELECT '` + name + `', definition, '` + stage.String() + `', ` + weight + `, hold_kind, hold_reason, hold_evidence, ` + revision + `, 'old', changed_at, last_event
			FROM routes WHERE name = 'orders-get'
			ON CONFLICT (name) DO UPDATE SET definition = excluded.definition,
			stage = excluded.stage, weight_bp = excluded.weight_bp, hold_kind = excluded.hold_kind,
			hold_reason = excluded.hold_reason, hold_evidence = excluded.hold_evidence,
			revision = excluded.revision, changed_by = excluded.changed_by,
			changed_at = excluded.changed_at, last_event = excluded.last_event`)
	}
	// Both have the definition of orders-get, so they are looked up by their place.
	places := map[string]int{"cart": 0, "fresh": 1}
	for _, test := range []struct {
		name             string
		stage            routing.Stage
		weight, revision string
		want             routing.Revision
	}{
		{"cart", routing.StageCanary, "500", "2", 2},
		{"cart", routing.StageCanary, "500", "3", 2}, // an edit, or a hold
		{"cart", routing.StageLegacy, "0", "4", 4},
		{"cart", routing.StageCanary, "500", "5", 5}, // where it was before
		{"fresh", routing.StageLegacy, "0", "6", 6},
	} {
		move(test.name, test.stage, test.weight, test.revision)
		got := f.load(nil).Routes[places[test.name]]
		equal(t, "the step at revision "+test.revision, step{got.StepRevision, got.StepAt}, step{test.want, got.ChangedAt})
	}
	f.move("cart", at(500))
	equal(t, "the step when this router changes the hold alone", f.load(nil).Routes[0].StepRevision, 5)
}
