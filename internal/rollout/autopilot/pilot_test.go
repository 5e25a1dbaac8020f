package autopilot_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/rollout/autopilot"
	"github.com/stranglerfig/strangler/internal/rollout/gate"
	"github.com/stranglerfig/strangler/internal/rollout/sequential"
)

func TestARouteMovesByEvidenceFromShadowToEverything(t *testing.T) {
	w := newWorld(t, "routes:\n"+route("orders", easy))
	w.let("orders", autopilot.On)
	pilot := w.pilot("a")
	for _, want := range []string{"shadow", "1%", "5%", "25%", "50%", "100%"} {
		w.look(pilot)
		w.stands("orders", want)
		if want == "shadow" || want == "100%" {
			continue
		}
		w.look(pilot) // nothing was served
		w.stands("orders", want)
		w.serve(served{route: "orders", side: "new", requests: 4}, served{route: "orders", side: "legacy", requests: 100})
		w.look(pilot) // too little
		w.stands("orders", want)
		w.serve(served{route: "orders", side: "new", requests: 1, instance: "b"})
	}
	event := w.newest("orders")
	if event.Cause != rollout.CauseAutopilot || event.Actor != autopilot.Actor || event.Verb != rollout.VerbPromote {
		t.Errorf("the event says %s by %s, cause %s", event.Verb, event.Actor, event.Cause)
	}
	var kept struct {
		Findings []gate.Finding `json:"findings"`
	}
	if err := json.Unmarshal(event.Evidence, &kept); err != nil || gate.Verdict(kept.Findings) != sequential.Pass || len(kept.Findings) < 4 {
		t.Errorf("its evidence is %s, %v", event.Evidence, err)
	}
	if w.moved != 6 {
		t.Errorf("the routers were woken %d times, want 6", w.moved)
	}
}

// Nobody promotes what nobody has switched on; and no data is no evidence.
func TestWhatTheAutopilotLeavesWhereItStands(t *testing.T) {
	for name, test := range map[string]struct {
		more    string
		arrange func(*world)
		want    string
	}{
		"off":                     {easy, func(w *world) { w.let("orders", autopilot.Off) }, "5%"},
		"disarmed":                {easy, func(w *world) { w.let("orders", autopilot.Disarmed) }, "5%"},
		"paused":                  {easy, func(w *world) { w.person("orders", rollout.Command{Verb: rollout.VerbPause}) }, "5%+paused"},
		"rolled back by somebody": {easy, func(w *world) { w.person("orders", rollout.Command{Verb: rollout.VerbRollback}) }, "shadow+rolled_back"},
		"bake time":               {"plan: {bake: 1h}, " + easy, nil, "5%"},
		"parity not known":        {"gates: {slowness: off, errors: {min: 5}}", nil, "5%"},
		"parity missed":           {"gates: {slowness: off, errors: {min: 5}}", func(w *world) { w.parity = map[string]gate.Compared{"orders": {Compared: 5000, Mismatched: 500}} }, "5%"},
		"writes on two sides":     {"data: separate, match: {path: /orders}, " + easy, nil, "5%"},
		"frozen": {easy, func(w *world) {
			w.control(func(c *fleet.Controls, at time.Time) { c.Freeze = &fleet.Freeze{Actor: "ana", At: at, Reason: "sale"} })
		}, "5%"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "routes:\n"+definition(test.more))
			w.let("orders", autopilot.On)
			w.promote("orders", "5%")
			if test.arrange != nil {
				test.arrange(w)
			}
			pilot := w.pilot("a")
			w.look(pilot)
			w.serve(served{route: "orders", side: "new", requests: 50}, served{route: "orders", side: "legacy", requests: 500})
			before := w.snapshot().Revision
			w.look(pilot)
			w.look(pilot)
			w.stands("orders", test.want)
			if got := w.snapshot().Revision; got != before {
				t.Errorf("revision %d became %d", before, got)
			}
			all, err := w.evaluator().Judge(t.Context(), []string{"orders"})
			if err != nil || all["orders"].Held == "" {
				t.Errorf("it does not say why: %+v, %v", all["orders"], err)
			}
			t.Log(all["orders"].Held)
		})
	}
}

// definition is a route with keys that route does not have.
func definition(more string) string {
	text := "  - {name: orders, legacy: old, new: fresh, "
	if !strings.Contains(more, "match:") {
		text += "match: {path: /orders, methods: [GET]}, "
	}
	if !strings.Contains(more, "plan:") {
		text += "plan: {bake: 0s}, "
	}
	return text + more + "}\n"
}

// failing is a canary on which new fails half of the time, and legacy does not.
func (w *world) failing(route string) {
	w.t.Helper()
	w.serve(
		served{route: route, side: "new", requests: 40, failed: 20, ids: []string{"id-1", "id-2"}, build: "v7"},
		served{route: route, side: "legacy", requests: 120, failed: 1},
	)
}

func TestARouteThatDoesHarmComesBackWithItsEvidence(t *testing.T) {
	w := newWorld(t, "routes:\n"+route("orders", easy)+route("cart", easy))
	w.promote("orders", "25%")
	w.promote("cart", "25%")
	step := w.step("orders")
	pilot := w.pilot("a")
	w.look(pilot)
	w.failing("orders")
	w.serve(served{route: "cart", side: "new", requests: 40}, served{route: "cart", side: "legacy", requests: 120})
	w.look(pilot)
	w.stands("orders", "shadow+rolled_back")
	w.stands("cart", "25%")
	event := w.newest("orders")
	if event.Verb != rollout.VerbRollback || event.Cause != rollout.CauseAutopilot || !strings.HasPrefix(event.Reason, "errors: 50% of 40 key-minutes on new") {
		t.Errorf("the event says %s, cause %s: %s", event.Verb, event.Cause, event.Reason)
	}
	var evidence autopilot.Evidence
	if err := json.Unmarshal(event.Evidence, &evidence); err != nil {
		t.Fatal(err)
	}
	var errs gate.Finding
	for _, f := range evidence.Findings {
		if f.Gate == gate.NameErrors {
			errs = f
		}
	}
	switch {
	case evidence.Route != "orders" || evidence.Step != step || evidence.Weight != 2500 || evidence.Instance != "a" || evidence.Build != "v7":
		t.Errorf("the evidence is of %+v", evidence)
	case len(evidence.Requests) != 2 || evidence.Requests[0] != "id-1":
		t.Errorf("it names the requests %q", evidence.Requests)
	case errs.New == nil || *errs.New != (sequential.Count{Exposures: 40, Events: 20}) || *errs.Legacy != (sequential.Count{Exposures: 120, Events: 1}):
		t.Errorf("it counts %+v and %+v", errs.New, errs.Legacy)
	case errs.Evidence < errs.Threshold || !errs.RollsBack:
		t.Errorf("the process is at %g of %g", errs.Evidence, errs.Threshold)
	}
	w.look(pilot)
	if again := w.newest("orders"); again.ID != event.ID {
		t.Errorf("a second look did %s once more", again.Verb)
	}
}

// Whatever holds a promotion holds no rollback; only disarming does.
func TestARollbackIsArmedWhateverElseIsSwitched(t *testing.T) {
	for name, test := range map[string]struct {
		arrange func(*world)
		want    string
	}{
		"off":    {func(*world) {}, "shadow+rolled_back"},
		"paused": {func(w *world) { w.person("orders", rollout.Command{Verb: rollout.VerbPause}) }, "shadow+rolled_back"},
		"frozen": {func(w *world) {
			w.control(func(c *fleet.Controls, at time.Time) { c.Freeze = &fleet.Freeze{Actor: "ana", At: at} })
		}, "shadow+rolled_back"},
		"all of new": {func(w *world) { w.promote("orders", "99%") }, "shadow+rolled_back"},
		"disarmed":   {func(w *world) { w.let("orders", autopilot.Disarmed) }, "25%"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "routes:\n"+route("orders", easy))
			w.promote("orders", "25%")
			test.arrange(w)
			pilot := w.pilot("a")
			w.look(pilot)
			w.serve(served{route: "orders", side: "new", requests: 900, failed: 900}, served{route: "orders", side: "legacy", requests: 900})
			w.look(pilot)
			w.stands("orders", test.want)
		})
	}
}

func TestHardBrakes(t *testing.T) {
	for name, test := range map[string]struct {
		arrange func(*world)
		reason  string
	}{
		"an open breaker": {func(w *world) {
			w.breakers = map[string][]gate.Breaker{"orders": {{Instance: "b", State: "open", Reason: "5 of 5 failed"}}}
		}, "breaker: open on b (5 of 5 failed)"},
		"no endpoint answers": {func(w *world) {
			w.serve(served{route: "orders", side: "new", requests: 5, failed: 5, class: guard.NotSent})
		}, "breaker: unreachable on every router"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "routes:\n"+route("orders", "gates: {errors: {on_fail: hold}}"))
			w.promote("orders", "1%")
			pilot := w.pilot("a")
			w.look(pilot)
			w.stands("orders", "1%")
			test.arrange(w)
			w.look(pilot)
			w.stands("orders", "shadow+rolled_back")
			if event := w.newest("orders"); event.Cause != rollout.CauseGuard || !strings.HasPrefix(event.Reason, test.reason) {
				t.Errorf("cause %s: %s", event.Cause, event.Reason)
			}
		})
	}
}

// Who is promoted again is not judged by what happened before the rollback.
func TestAfterARollbackTheNextTryBeginsAnew(t *testing.T) {
	w := newWorld(t, "routes:\n"+route("orders", easy))
	w.promote("orders", "25%")
	pilot := w.pilot("a")
	w.look(pilot)
	w.failing("orders")
	w.look(pilot)
	w.stands("orders", "shadow+rolled_back")
	w.look(pilot)
	w.promote("orders", "25%")
	w.look(pilot)
	w.serve(served{route: "orders", side: "new", requests: 40, build: "v8"}, served{route: "orders", side: "legacy", requests: 120})
	w.look(pilot)
	w.stands("orders", "25%")
	if found := w.finding("orders", gate.NameErrors); found.Verdict != sequential.Pass || found.New.Exposures != 40 {
		t.Errorf("got %s: %s", found.Verdict, found.Text)
	}
}

// It does not take a look in between: who promotes at once, or by another router's
// autopilot, is not judged by it either.
func TestWhoPromotesAtOnceAfterARollbackBeginsAnew(t *testing.T) {
	w := newWorld(t, "routes:\n"+route("orders", easy))
	w.promote("orders", "25%")
	pilot := w.pilot("a")
	w.look(pilot)
	w.failing("orders")
	w.look(pilot)
	w.stands("orders", "shadow+rolled_back")
	w.promote("orders", "25%")
	w.look(pilot)
	w.stands("orders", "25%")
	w.serve(served{route: "orders", side: "new", requests: 40}, served{route: "orders", side: "legacy", requests: 120})
	w.look(pilot)
	w.stands("orders", "25%")
	if found := w.finding("orders", gate.NameErrors); found.Verdict != sequential.Pass || found.New.Exposures != 40 {
		t.Errorf("got %s: %s", found.Verdict, found.Text)
	}
	w.failing("orders")
	w.look(pilot)
	w.stands("orders", "shadow+rolled_back") // and what it does now counts
}

// A breaker that nobody has tried since the rollback must not undo the next promotion.
func TestABreakerOfBeforeOnlyHolds(t *testing.T) {
	w := newWorld(t, "routes:\n"+route("orders", easy))
	w.promote("orders", "25%")
	w.let("orders", autopilot.On)
	w.breakers = map[string][]gate.Breaker{"orders": {{Instance: "a", State: "half_open", Age: time.Hour}}}
	pilot := w.pilot("a")
	w.look(pilot)
	w.serve(served{route: "orders", side: "new", requests: 40}, served{route: "orders", side: "legacy", requests: 120})
	w.look(pilot)
	w.stands("orders", "25%")
	if found := w.finding("orders", gate.NameBreaker); found.Verdict != sequential.Fail || found.RollsBack {
		t.Errorf("got %s, rolls back: %v", found.Verdict, found.RollsBack)
	}
	w.breakers["orders"][0].Age = 0 // a trial has failed
	w.look(pilot)
	w.stands("orders", "shadow+rolled_back")
}

func (w *world) finding(route string, name gate.Name) gate.Finding {
	w.t.Helper()
	all, err := w.evaluator().Judge(w.t.Context(), []string{route})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range all[route].Findings {
		if f.Gate == name {
			return f
		}
	}
	w.t.Fatalf("no gate %s in %+v", name, all[route].Findings)
	return gate.Finding{}
}

// A new build of the new side answers for itself; an endpoint that still has the
// old one changes nothing.
func TestANewBuildAnswersForItself(t *testing.T) {
	w := newWorld(t, "routes:\n"+route("orders", easy))
	w.promote("orders", "25%")
	pilot := w.pilot("a")
	w.look(pilot)
	w.serve(served{route: "orders", side: "new", requests: 40, failed: 3, build: "v1"}, served{route: "orders", side: "legacy", requests: 120, failed: 1})
	w.look(pilot)
	before := w.finding("orders", gate.NameErrors)
	if before.New.Exposures != 40 || before.Evidence <= 1 {
		t.Fatalf("nothing speaks against the first build: %+v", before)
	}
	w.serve(served{route: "orders", side: "new", requests: 10, build: "v2"}, served{route: "orders", side: "new", requests: 10, build: "v1"})
	w.look(pilot)
	if after := w.finding("orders", gate.NameErrors); after.New.Exposures != 20 || after.Evidence > 1 {
		t.Errorf("of the second build it is held that %+v", after)
	}
}

func TestWindowsOfAnotherStepAreLeftOut(t *testing.T) {
	w := newWorld(t, "routes:\n"+route("orders", easy))
	w.promote("orders", "5%")
	old := w.step("orders")
	w.promote("orders", "25%")
	pilot := w.pilot("a")
	w.look(pilot)
	w.serve(served{route: "orders", side: "new", requests: 40, failed: 40, step: old}, served{route: "orders", side: "new", requests: 7})
	w.look(pilot)
	w.stands("orders", "25%")
	if found := w.finding("orders", gate.NameErrors); found.New.Exposures != 7 {
		t.Errorf("counted %d key-minutes, want 7", found.New.Exposures)
	}
}

// A key counts once a minute, on however many routers and in however many windows.
func TestAKeyCountsOnceAMinute(t *testing.T) {
	w := newWorld(t, "routes:\n"+route("orders", easy))
	w.promote("orders", "25%")
	pilot := w.pilot("a")
	w.look(pilot)
	for _, instance := range []string{"a", "b"} {
		w.serve(served{route: "orders", side: "new", requests: 9, failed: 2, again: 1000, instance: instance})
		w.look(pilot)
	}
	if found := w.finding("orders", gate.NameErrors); *found.New != (sequential.Count{Exposures: 9, Events: 2}) {
		t.Errorf("counted %+v, want 9 and 2", *found.New)
	}
}

// Another autopilot goes on where the first one was, and counts nothing twice.
func TestTakingOver(t *testing.T) {
	w := newWorld(t, "routes:\n"+route("orders", easy))
	w.promote("orders", "25%")
	first, second := w.pilot("a"), w.pilot("b")
	w.look(first)
	w.serve(served{route: "orders", side: "new", requests: 40, failed: 1}, served{route: "orders", side: "legacy", requests: 100})
	w.look(first)
	w.look(second)
	if _, leads := second.Leads(); leads {
		t.Fatal("two autopilots act")
	}
	fence, leads := first.Leads()
	if !leads {
		t.Fatal("nobody leads")
	}
	before := w.finding("orders", gate.NameErrors)
	w.serve(served{route: "orders", side: "new", requests: 10})
	if err := w.Release(t.Context(), fence); err != nil { // as if it had expired
		t.Fatal(err)
	}
	w.look(second)
	next, leads := second.Leads()
	if !leads || next.Number <= fence.Number {
		t.Fatalf("the second has %+v after %+v", next, fence)
	}
	after := w.finding("orders", gate.NameErrors)
	if before.New.Exposures != 40 || after.New.Exposures != 50 || after.New.Events != 1 || after.Legacy.Exposures != 100 {
		t.Errorf("it went from %+v, %+v to %+v, %+v", before.New, before.Legacy, after.New, after.Legacy)
	}

	// The first one has slept, and still believes that it leads.
	err := w.KeepDossiers(t.Context(), fence, []autopilot.Dossier{{Route: "orders", State: []byte(`{}`)}})
	if !errors.Is(err, rollout.ErrFenced) {
		t.Errorf("it wrote what it had added up: %v", err)
	}
	controller := &rollout.Controller{Ledger: w.Store, History: w.Store}
	_, err = controller.Move(t.Context(), map[string]rollout.Standing{"orders": {Step: w.step("orders")}},
		rollout.Command{Verb: rollout.VerbRollback, Cause: rollout.CauseAutopilot, Actor: autopilot.Actor, Fence: &fence})
	if !errors.Is(err, rollout.ErrFenced) {
		t.Errorf("it moved a route: %v", err)
	}
	w.stands("orders", "25%")
	w.look(first)
	if _, leads := first.Leads(); leads {
		t.Error("it believes so even after it has looked")
	}
}

// Without a store nobody acts.
func TestWithoutAStoreNothingHappens(t *testing.T) {
	w := newWorld(t, "routes:\n"+route("orders", easy))
	w.let("orders", autopilot.On)
	pilot := w.pilot("a")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := pilot.Look(t.Context()); err == nil {
		t.Error("it looked at a store that is closed")
	}
	if _, leads := pilot.Leads(); leads || w.moved > 0 {
		t.Error("it leads, or has moved something")
	}
}

// Whoever waits for Run may close the store: nothing is folded any more.
func TestRunEndsWithEverythingItHasBegun(t *testing.T) {
	w := newWorld(t, "routes:\n"+route("orders", easy))
	folding := &slowFolder{Store: w.Store, began: make(chan struct{})}
	pilot := autopilot.New(autopilot.Config{
		Instance: "a", Store: folding, Mover: &rollout.Controller{Ledger: w.Store, History: w.Store},
		Sources: w.sources(), Moved: func() {}, Logger: slog.New(slog.DiscardHandler),
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); pilot.Run(ctx) }()
	<-folding.began
	stop()
	<-ended
	if !folding.over.Load() {
		t.Error("it folds after Run has ended")
	}
}

// slowFolder folds until nobody wants it any more.
type slowFolder struct {
	autopilot.Store
	began chan struct{}
	over  atomic.Bool
}

func (s *slowFolder) FoldWindows(ctx context.Context) error {
	close(s.began)
	<-ctx.Done()
	s.over.Store(true)
	return ctx.Err()
}
