package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/api"
	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/auth"
)

func operator(h *house) option { return as(h.secrets[auth.Operator]) }

func TestAPromotionSaysWhatItDid(t *testing.T) {
	h := openShop(t)
	h.post("/api/v1/routes/orders-get/promote", `{"to": "5%"}`, operator(h)).want(http.StatusOK)
	answer := h.post("/api/v1/routes/orders-get/promote", `{"reason": "looks well"}`, operator(h)).want(http.StatusOK)
	if tag := answer.header.Get("ETag"); tag != `"3"` {
		t.Errorf("ETag %s, want \"3\"", tag)
	}
	got := decode[wire.Move](answer)
	want := wire.Move{
		Route: "orders-get", Before: wire.State{Stage: wire.StageCanary, WeightBp: 500}, After: wire.State{Stage: wire.StageCanary, WeightBp: 2500},
		PreviousRevision: 2, Revision: 3, Changed: true, Step: 4, Steps: 6, Actor: "olga", At: got.At, Note: got.Note, Findings: got.Findings,
	}
	if verdicts := verdictsOf(got.Findings); !slices.Equal(verdicts, []string{
		"bake insufficient", "parity insufficient", "errors insufficient", "slowness insufficient", "fallbacks insufficient",
		"breaker pass", "window pass", "freeze pass",
	}) {
		t.Errorf("the gates that were asked say %q", verdicts)
	}
	if diff := cmp.Diff(want, got); diff != "" || got.At.IsZero() {
		t.Error(diff, got.At)
	}
}

func TestAnEmptyBodyIsEnoughForEveryVerb(t *testing.T) {
	h := openShop(t)
	for _, step := range []struct {
		verb string
		want wire.State
	}{
		{"promote", wire.State{Stage: wire.StageShadow}},
		{"promote", wire.State{Stage: wire.StageCanary, WeightBp: 100}},
		{"pause", wire.State{Stage: wire.StageCanary, WeightBp: 100, Hold: wire.Hold{Kind: new(wire.HoldKindPaused)}}},
		{"resume", wire.State{Stage: wire.StageCanary, WeightBp: 100}},
		{"rollback", wire.State{Stage: wire.StageShadow, Hold: wire.Hold{Kind: new(wire.HoldKindRolledBack)}}},
		{"undo", wire.State{Stage: wire.StageCanary, WeightBp: 100}},
	} {
		move := decode[wire.Move](h.post("/api/v1/routes/orders-get/"+step.verb, "", operator(h)).want(http.StatusOK))
		if diff := cmp.Diff(step.want, move.After); diff != "" || !move.Changed {
			t.Errorf("%s: %s", step.verb, diff)
		}
	}
}

func TestAVerbThatFindsNothingToDoSaysSoAndSucceeds(t *testing.T) {
	h := openShop(t)
	answer := h.post("/api/v1/routes/orders-get/resume", "", operator(h)).want(http.StatusOK)
	move := decode[wire.Move](answer)
	if move.Changed || move.Revision != 1 || move.PreviousRevision != 1 || !strings.Contains(move.Note, "nothing to do") || answer.header.Get("ETag") != "" {
		t.Errorf("%+v", move)
	}
}

func TestADryRunChangesNothing(t *testing.T) {
	h := openShop(t)
	for _, verb := range []string{"promote", "pause", "rollback"} {
		move := decode[wire.Move](h.post("/api/v1/routes/orders-get/"+verb+"?dry_run=true", "", operator(h)).want(http.StatusOK))
		if !move.Changed || !move.DryRun || move.Revision != 1 || move.Before.Stage != wire.StageLegacy {
			t.Errorf("%s: %+v", verb, move)
		}
	}
	moves := decode[[]wire.Move](h.post("/api/v1/rollback?dry_run=true", "", operator(h)).want(http.StatusOK))
	if len(moves) != 3 || moves[0].Revision != 1 {
		t.Errorf("rollback of all: %+v", moves)
	}
	if status := decode[wire.RouteDetail](h.get("/api/v1/routes/orders-get")); status.Revision != 1 || status.Hold.Kind != nil {
		t.Errorf("it was changed: %+v", status)
	}
}

func TestTheRulesRefuseWithTheirCodeAndWhatToDo(t *testing.T) {
	h := openShop(t)
	h.post("/api/v1/routes/orders-get/pause", `{"reason": "release freeze"}`).want(http.StatusOK)
	for path, want := range map[string]string{
		"orders-get/promote": "paused",
		"everything/promote": "no_new_side",
		"orders-list/retire": "not_new",
		"orders-list/undo":   "nothing_to_undo",
	} {
		p := h.post("/api/v1/routes/"+path, "", operator(h)).problem(http.StatusConflict, want)
		if !strings.Contains(p.Detail, "nothing was changed") || p.Hint == "" {
			t.Errorf("%s: %+v", path, p)
		}
	}
}

func TestOnlyPlacesOnTheWayAreTargets(t *testing.T) {
	h := openShop(t)
	for _, target := range []string{"150", "-5", "12.345", "0", "0%", "canary", "retired", "everywhere", "25 percent"} {
		p := h.post("/api/v1/routes/orders-get/promote", fmt.Sprintf(`{"to": %q}`, target), operator(h)).problem(http.StatusBadRequest, "bad_target")
		if !strings.Contains(p.Detail, target) || !strings.Contains(p.Detail, "nothing was changed") {
			t.Errorf("%q: %+v", target, p)
		}
	}
	if revision := decode[wire.RouteDetail](h.get("/api/v1/routes/orders-get")).Revision; revision != 1 {
		t.Errorf("revision %d, want 1", revision)
	}
}

func TestARouteThatIsNotThereCannotBeMoved(t *testing.T) {
	h := openShop(t)
	for _, verb := range []string{"promote", "pause", "resume", "rollback", "retire", "undo"} {
		p := h.post("/api/v1/routes/order-get/"+verb, "", operator(h)).problem(http.StatusNotFound, "unknown_route")
		if !strings.Contains(p.Hint, "did you mean orders-get") {
			t.Errorf("%s: %+v", verb, p)
		}
	}
}

func TestAStaleMoveIsRefusedAndNamesWhoWasFaster(t *testing.T) {
	h := openShop(t)
	h.post("/api/v1/routes/orders-get/promote", "", operator(h), header("If-Match", `"1"`)).want(http.StatusOK)
	p := h.post("/api/v1/routes/orders-get/promote", "", header("If-Match", `"1"`)).problem(http.StatusPreconditionFailed, "conflict")
	if p.Revision != 2 || p.ChangedBy != "olga" || p.ChangedAt.IsZero() || !strings.Contains(p.Detail, "olga") {
		t.Errorf("%+v", p)
	}
	h.post("/api/v1/routes/orders-list/promote", "", header("If-Match", `"1"`)).want(http.StatusOK) // another route is another matter
	for _, tag := range []string{"1", `W/"1"`, `"x"`, `""`, `"0"`, `"-1"`, "*"} {
		h.post("/api/v1/routes/orders-get/promote", "", header("If-Match", tag)).problem(http.StatusBadRequest, "bad_precondition")
	}
}

func TestOfTwoWritersOneWins(t *testing.T) {
	h := openShop(t)
	const writers = 8
	answers := make([]*answer, writers)
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			answers[i] = h.post("/api/v1/routes/orders-get/promote", fmt.Sprintf(`{"to": "%d%%"}`, i+1), header("If-Match", `"1"`))
		})
	}
	all.Wait()
	won := 0
	for _, a := range answers {
		if a.status == http.StatusOK {
			won++
			continue
		}
		a.problem(http.StatusPreconditionFailed, "conflict")
	}
	if won != 1 {
		t.Errorf("%d writers won, want 1", won)
	}
}

func TestRollbackOfAllIsOneRevision(t *testing.T) {
	h := openShop(t)
	h.post("/api/v1/routes/orders-get/promote", `{"to": "25%"}`).want(http.StatusOK)
	h.post("/api/v1/routes/orders-post/promote", `{"to": "new"}`).want(http.StatusOK)
	moves := decode[[]wire.Move](h.post("/api/v1/rollback", `{"reason": "the new one is down"}`, operator(h)).want(http.StatusOK))
	stages := make(map[string]wire.Stage)
	for _, move := range moves {
		stages[move.Route] = move.After.Stage
		if move.Revision != 4 || move.After.WeightBp != 0 || *move.After.Hold.Kind != wire.HoldKindRolledBack || move.After.Hold.Reason != "the new one is down" {
			t.Errorf("%+v", move)
		}
	}
	want := map[string]wire.Stage{"orders-get": wire.StageShadow, "orders-list": wire.StageLegacy, "orders-post": wire.StageLegacy}
	if diff := cmp.Diff(want, stages); diff != "" {
		t.Error(diff)
	}
}

func TestRollbackWorksWhoeverWasFaster(t *testing.T) {
	h := openShop(t)
	h.post("/api/v1/routes/orders-get/promote", `{"to": "25%"}`).want(http.StatusOK)
	move := decode[wire.Move](h.post("/api/v1/routes/orders-get/rollback", `{"stop_shadow": true}`, operator(h), header("If-Match", `"1"`)).want(http.StatusOK))
	if move.After.Stage != wire.StageLegacy || move.After.WeightBp != 0 {
		t.Errorf("%+v", move)
	}
}

func TestARollbackReadsNoPrecondition(t *testing.T) {
	h := openShop(t)
	h.post("/api/v1/routes/orders-get/promote", `{"to": "25%"}`).want(http.StatusOK)
	h.post("/api/v1/routes/orders-get/rollback", `{}`, header("If-Match", "not a tag")).want(http.StatusOK)
}

func TestTheHistoryTellsTheStory(t *testing.T) {
	h := openShop(t)
	h.post("/api/v1/routes/orders-get/promote", `{"to": "25%"}`, operator(h)).want(http.StatusOK)
	h.post("/api/v1/routes/orders-get/pause", `{"reason": "<img onerror=alert(1)>"}`, operator(h)).want(http.StatusOK)
	h.post("/api/v1/routes/orders-list/promote", "", operator(h)).want(http.StatusOK)
	events := decode[[]wire.Event](h.get("/api/v1/events?route=orders-get").want(http.StatusOK))
	var story []string
	for _, e := range events {
		story = append(story, fmt.Sprintf("%d %s by %s (%s) %s", e.Revision, e.Verb, e.Actor, e.Cause, e.Reason))
	}
	want := []string{"3 pause by olga (operator) <img onerror=alert(1)>", "2 promote by olga (operator) ", "1 apply by ada (operator) "}
	if diff := cmp.Diff(want, story); diff != "" {
		t.Error(diff)
	}
	if string(events[1].Before) != `{"hold":{"kind":null,"reason":""},"stage":"legacy","weight_bp":0}` || string(events[2].Before) != "null" {
		t.Errorf("before %s and %s", events[1].Before, events[2].Before)
	}
	page := decode[[]wire.Event](h.get(fmt.Sprintf("/api/v1/events?limit=1&before=%d", events[0].ID)).want(http.StatusOK))
	if len(page) != 1 || page[0].ID != events[1].ID {
		t.Errorf("the page before %d is %+v", events[0].ID, page)
	}
	if none := string(h.get("/api/v1/events?route=never").want(http.StatusOK).body); none != "[]" {
		t.Errorf("a route without events: %s", none)
	}
	for _, query := range []string{"limit=0", "limit=1001", "limit=many", "before=0", "before=-3"} {
		h.get("/api/v1/events?"+query).problem(http.StatusBadRequest, "bad_parameter")
	}
}

func TestChangesAreToldToTheRouter(t *testing.T) {
	var told int
	h := open(t, func(c *api.Config) {
		refresh := c.Changed
		c.Changed = func() { told++; refresh() }
	})
	h.post("/api/v1/apply", shop, yamlBody).want(http.StatusOK)
	h.post("/api/v1/apply", shop, yamlBody).want(http.StatusOK)
	h.post("/api/v1/routes/orders-get/promote?dry_run=true", "").want(http.StatusOK)
	h.post("/api/v1/routes/orders-get/promote", "").want(http.StatusOK)
	h.post("/api/v1/routes/orders-get/resume", "").want(http.StatusOK)
	h.post("/api/v1/rollback", "").want(http.StatusOK)
	h.post("/api/v1/rollback", "").want(http.StatusOK)
	if told != 3 {
		t.Errorf("told %d times, want 3: once for each committed change", told)
	}
}
