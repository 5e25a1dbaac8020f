package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/auth"
)

func TestAGroupIsPromotedAsOne(t *testing.T) {
	h := openShop(t)
	planned := decode[[]wire.Move](h.post("/api/v1/groups/visitors/promote?dry_run=true", `{"to": "25%"}`).want(http.StatusOK))
	if len(planned) != 2 || !planned[0].Changed || planned[0].Revision != 1 {
		t.Errorf("%+v", planned)
	}
	moves := decode[[]wire.Move](h.post("/api/v1/groups/visitors/promote", `{"to": "25%"}`, as(h.secrets[auth.Operator])).want(http.StatusOK))
	var got []string
	for _, m := range moves {
		got = append(got, fmt.Sprintf("%s %s %d %d", m.Route, m.After.Stage, m.After.WeightBp, m.Revision))
	}
	if want := "orders-get canary 2500 2, orders-list canary 2500 2"; strings.Join(got, ", ") != want {
		t.Errorf("%v, want %s", got, want)
	}
	h.post("/api/v1/routes/orders-list/pause", `{}`).want(http.StatusOK)
	p := h.post("/api/v1/groups/visitors/promote", `{}`).problem(http.StatusConflict, "paused")
	if !strings.Contains(p.Detail, "orders-list") {
		t.Errorf("%+v", p)
	}
	h.post("/api/v1/groups/visitor/promote", `{}`).problem(http.StatusNotFound, "unknown_group")
	h.post("/api/v1/groups/visitors/promote", `{"to": "0%"}`).problem(http.StatusBadRequest, "bad_target")
}

func TestAPromotionNamesTheSiblingsItLeavesBehind(t *testing.T) {
	h := openShop(t)
	move := decode[wire.Move](h.post("/api/v1/routes/orders-get/promote", `{"to": "25%"}`).want(http.StatusOK))
	if want := "left behind in group visitors: orders-list at 0%; to bring them along: stranglerctl promote --group visitors --to 25%"; move.Note != want {
		t.Errorf("note %q, want %q", move.Note, want)
	}
	move = decode[wire.Move](h.post("/api/v1/routes/orders-list/promote", `{"to": "25%"}`).want(http.StatusOK))
	if move.Note != "" {
		t.Errorf("nobody is left behind: %q", move.Note)
	}
}

func TestAReshuffleDealsUsersAnew(t *testing.T) {
	h := openShop(t)
	h.post("/api/v1/routes/orders-get/promote", `{"to": "25%"}`).want(http.StatusOK)
	group := h.get("/api/v1/groups/visitors")
	planned := decode[wire.Reshuffle](h.post("/api/v1/groups/visitors/reshuffle?dry_run=true", `{}`).want(http.StatusOK))
	if !planned.DryRun || planned.Revision != planned.PreviousRevision || len(planned.Moved) != 1 || planned.Moved[0] != "orders-get" {
		t.Errorf("%+v", planned)
	}
	stale := header("If-Match", `"99"`)
	h.post("/api/v1/groups/visitors/reshuffle", `{}`, stale).problem(http.StatusPreconditionFailed, "conflict")
	done := decode[wire.Reshuffle](h.post("/api/v1/groups/visitors/reshuffle", `{"reason": "uneven"}`, header("If-Match", group.header.Get("ETag"))).want(http.StatusOK))
	if done.Revision != 3 || done.Actor != "ada" || len(done.Moved) != 1 {
		t.Errorf("%+v", done)
	}
	before, after := decode[wire.Group](group), decode[wire.Group](h.get("/api/v1/groups/visitors"))
	if before.Salt != "pinch" || len(after.Salt) != 32 || h.router.Snapshot().Definitions.Groups[0].Salt != after.Salt {
		t.Errorf("salt %q became %q", before.Salt, after.Salt)
	}
	event := decode[[]wire.Event](h.get("/api/v1/events?limit=1"))[0]
	if event.Verb != "reshuffle" || event.Kind != "group" || event.Subject != "visitors" || event.Reason != "uneven" {
		t.Errorf("%+v", event)
	}
	h.post("/api/v1/groups/visitor/reshuffle", `{}`).problem(http.StatusNotFound, "unknown_group")
}

func TestAReshuffleWarnsOfSplitWrites(t *testing.T) {
	h := open(t)
	h.post("/api/v1/apply", `
backends: [{name: monolith, endpoints: ["http://127.0.0.1:3000"]}, {name: orders, endpoints: ["http://127.0.0.1:4000"]}]
groups: [{name: visitors}]
routes:
  - {name: put, match: {path: /a, methods: [PUT]}, legacy: monolith, new: orders, group: visitors, data: separate}
  - {name: get, match: {path: /a, methods: [GET]}, legacy: monolith, new: orders, group: visitors, data: separate}
  - {name: post, match: {path: /b, methods: [POST]}, legacy: monolith, new: orders, group: visitors}
`, yamlBody).want(http.StatusOK)
	reshuffle := func() wire.Reshuffle {
		return decode[wire.Reshuffle](h.post("/api/v1/groups/visitors/reshuffle?dry_run=true", `{}`).want(http.StatusOK))
	}
	if quiet := reshuffle(); quiet.Note != "" {
		t.Errorf("nobody moves, and yet: %s", quiet.Note)
	}
	h.post("/api/v1/groups/visitors/promote", `{"to": "25%", "accept_split_writes": true}`).want(http.StatusOK)
	const want = "each side keeps its data apart (data: separate) on put: who changes sides leaves behind what the other side has written"
	if warned := reshuffle(); warned.Note != want || len(warned.Moved) != 3 {
		t.Errorf("%+v, want the note %q", warned, want)
	}
}

func TestASaltIsNotEditedByHand(t *testing.T) {
	h := openShop(t)
	p := h.post("/api/v1/apply?filename=shop.yaml", strings.Replace(shop, "salt: pinch", "salt: sugar", 1), yamlBody).
		problem(http.StatusUnprocessableEntity, "invalid_definitions")
	want := `group "visitors": the salt "sugar" is not the stored one, and a salt changes only by reshuffle: leave it out to keep "pinch"`
	if len(p.Problems) != 1 || p.Problems[0].Message != want || p.Problems[0].Line != 9 {
		t.Errorf("%+v", p)
	}
	if salt := decode[wire.Group](h.get("/api/v1/groups/visitors")).Salt; salt != "pinch" {
		t.Errorf("the salt became %q", salt)
	}
}
