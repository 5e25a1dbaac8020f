package api_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/stats"
)

func TestARollbackSaysWhatNewHasServed(t *testing.T) {
	h := openShop(t)
	began := decode[wire.Move](h.post("/api/v1/routes/orders-post/promote", `{"to": "5%"}`).want(http.StatusOK)).At
	h.post("/api/v1/routes/orders-post/promote", `{"to": "25%"}`).want(http.StatusOK)
	err := h.store.AddCounts(t.Context(), "router-1", []stats.Count{
		{Route: "orders-post", Side: "new", Requests: 9, Unsafe: 7}, {Route: "orders-post", Side: "legacy", Requests: 5, Unsafe: 5},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/api/v1/routes/orders-post/rollback?dry_run=true", "/api/v1/routes/orders-post/rollback"} {
		move := decode[wire.Move](h.post(path, `{}`).want(http.StatusOK))
		if move.UnsafeServedByNew == nil || *move.UnsafeServedByNew != 7 || !move.UnsafeSince.Equal(began.Truncate(time.Minute)) {
			t.Errorf("%s: %v since %v, want 7 since %s", path, move.UnsafeServedByNew, move.UnsafeSince, began)
		}
	}
	again := decode[wire.Move](h.post("/api/v1/routes/orders-post/rollback", `{}`).want(http.StatusOK))
	if again.Changed || again.UnsafeServedByNew != nil {
		t.Errorf("nothing was rolled back: %+v", again)
	}
	h.post("/api/v1/routes/orders-get/promote", `{"to": "5%"}`).want(http.StatusOK)
	for _, move := range decode[[]wire.Move](h.post("/api/v1/rollback", `{}`).want(http.StatusOK)) {
		if told := move.UnsafeServedByNew != nil; told != (move.Route == "orders-get") || told && *move.UnsafeServedByNew != 0 {
			t.Errorf("%s: %v", move.Route, move.UnsafeServedByNew)
		}
	}
}

func TestARollbackGoesBackToARevision(t *testing.T) {
	h := openShop(t)
	early := decode[wire.Move](h.post("/api/v1/routes/orders-get/promote", `{"to": "5%"}`)).Revision
	h.post("/api/v1/routes/orders-get/promote", `{"to": "50%"}`).want(http.StatusOK)
	move := decode[wire.Move](h.post("/api/v1/routes/orders-get/rollback", `{"to_revision": 2, "reason": "slow"}`).want(http.StatusOK))
	if early != 2 || move.After.WeightBp != 500 || move.After.Hold.Kind == nil || *move.After.Hold.Kind != wire.HoldKindRolledBack {
		t.Errorf("%+v", move)
	}
	stale := header("If-Match", `"3"`)
	h.post("/api/v1/routes/orders-get/rollback", `{"to_revision": 3}`, stale).problem(http.StatusPreconditionFailed, "conflict")
	h.post("/api/v1/routes/orders-get/rollback", `{"to_revision": 99}`).problem(http.StatusConflict, "no_such_revision")
	h.post("/api/v1/routes/orders-get/rollback", `{"to_revision": 0}`).problem(http.StatusBadRequest, "bad_revision")
	h.post("/api/v1/routes/orders-get/rollback", `{"to_revision": 2, "stop_shadow": true}`).problem(http.StatusBadRequest, "bad_revision")
	h.post("/api/v1/rollback", `{"to_revision": 2}`).problem(http.StatusBadRequest, "bad_revision")
}

func TestSplitWritesAreAcceptedFirst(t *testing.T) {
	h := openShop(t)
	h.post("/api/v1/apply", strings.Replace(shop, "name: orders-post", "name: orders-post\n    data: separate", 1), yamlBody).want(http.StatusOK)
	p := h.post("/api/v1/routes/orders-post/promote", `{"to": "5%"}`).problem(http.StatusConflict, "split_writes")
	if !strings.Contains(p.Detail, "a rollback leaves it behind") || p.Hint != "run: stranglerctl promote orders-post --to 5% --accept-split-writes" {
		t.Errorf("%+v", p)
	}
	h.post("/api/v1/routes/orders-post/promote", `{"to": "5%", "accept_split_writes": true}`).want(http.StatusOK)
	event := decode[[]wire.Event](h.get("/api/v1/events?limit=1"))[0]
	if !strings.HasPrefix(string(event.Evidence), `{"accepted":"split_writes","findings":[`) {
		t.Errorf("evidence %s", event.Evidence)
	}
	move := decode[wire.Move](h.post("/api/v1/routes/orders-post/rollback", `{}`).want(http.StatusOK))
	if !strings.Contains(move.Note, "what new has written stays there") {
		t.Errorf("note %q", move.Note)
	}
}

func TestInstancesSayHowBusyTheyAre(t *testing.T) {
	h := openShop(t)
	h.store.instances = []fleet.Instance{
		{Name: "a", Version: "test"}, {Name: "b", Version: "test"}, {Name: "young", Version: "test", StartedAt: time.Now().Add(-59 * time.Second)},
	}
	h.store.traffic = map[string]float64{"a": 12.5, "young": 0.1}
	list := decode[[]wire.Instance](h.get("/api/v1/instances").want(http.StatusOK))
	if len(list) != 3 || *list[0].RequestsPerS != 12.5 || *list[1].RequestsPerS != 0 || list[2].RequestsPerS != nil {
		t.Errorf("%+v", list)
	}
	h.store.traffic, h.store.uncounted = nil, errors.New("no counts")
	for _, instance := range decode[[]wire.Instance](h.get("/api/v1/instances").want(http.StatusOK)) {
		if instance.RequestsPerS != nil {
			t.Errorf("%+v", instance)
		}
	}
}

func TestAStoreThatWentBackIsAccepted(t *testing.T) {
	h := openShop(t)
	quiet := decode[wire.Acceptance](h.post("/api/v1/store/accept", ``).want(http.StatusOK))
	if quiet.Changed || quiet.Note == "" || quiet.Revision != 1 {
		t.Errorf("%+v", quiet)
	}
	held := h.router.Snapshot()
	newer := *held
	newer.Revision = 9
	h.router.mu.Lock()
	h.router.snapshot = &newer
	h.router.mu.Unlock()
	h.router.stand(nil, fleet.Status{Reachable: true, Alarm: fleet.ErrStoreWentBack})
	status := decode[wire.Status](h.get("/api/v1/status"))
	if status.Store.Alarm == nil || *status.Store.Alarm != wire.StoreStatusAlarmWentBack {
		t.Errorf("%+v", status.Store)
	}
	done := decode[wire.Acceptance](h.post("/api/v1/store/accept", `{"reason": "restored"}`).want(http.StatusOK))
	if !done.Changed || done.PreviousRevision != 9 || done.Revision != 1 || done.StoreID != held.StoreID || done.Instance != "router-1" {
		t.Errorf("%+v", done)
	}
	event := decode[[]wire.Event](h.get("/api/v1/events?limit=1"))[0]
	if event.Verb != "store_accept" || event.Kind != "store" || event.Subject != held.StoreID || event.Reason != "restored" ||
		!strings.Contains(string(event.Before), `"revision":9`) || !strings.Contains(string(event.After), `"revision":1`) {
		t.Errorf("%+v: %s, %s", event, event.Before, event.After)
	}
	if status := decode[wire.Status](h.get("/api/v1/status")); status.Store.Alarm != nil || status.Revision != 1 {
		t.Errorf("%+v", status)
	}
}
