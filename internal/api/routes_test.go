package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/routing"
)

func TestARouteSaysWhereItStands(t *testing.T) {
	h := openShop(t)
	list := decode[[]wire.RouteStatus](h.get("/api/v1/routes").want(http.StatusOK))
	var names []string
	for _, route := range list {
		names = append(names, route.Name)
	}
	if diff := cmp.Diff([]string{"everything", "orders-get", "orders-list", "orders-post"}, names); diff != "" {
		t.Error(diff)
	}
	got := list[2]
	if got.ChangedAt.IsZero() {
		t.Error("changed_at is missing")
	}
	got.ChangedAt = list[0].ChangedAt
	want := wire.RouteStatus{
		Name: "orders-list", Stage: wire.StageLegacy, Revision: 1, ChangedBy: "ada", ChangedAt: list[0].ChangedAt,
		Match: "GET,HEAD /orders [header X-Beta=1]", Legacy: "monolith", New: "orders", Group: "visitors", Steps: 6,
		Autopilot: wire.AutopilotModeOff, Gates: &wire.GatesInShort{Verdict: wire.GateVerdictPass},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if list[0].Match != "/*" || list[1].Match != "GET /orders/{id:[0-9]+}" {
		t.Errorf("match texts %q and %q", list[0].Match, list[1].Match)
	}
}

// Scripts read this shape: it does not change.
func TestTheShapeOfAStatusIsAPromise(t *testing.T) {
	h := openShop(t)
	h.post("/api/v1/routes/orders-get/promote", `{"to": "12.5%"}`).want(http.StatusOK)
	h.post("/api/v1/routes/orders-get/pause", `{"reason": "load test"}`).want(http.StatusOK)
	for route, want := range map[string]string{
		"orders-get":  `{"name":"orders-get","stage":"canary","weight_bp":1250,"hold":{"kind":"paused","reason":"load test"},"revision":3}`,
		"orders-post": `{"name":"orders-post","stage":"legacy","weight_bp":0,"hold":{"kind":null,"reason":""},"revision":1}`,
	} {
		var all, wanted, got map[string]any
		if err := json.Unmarshal(h.get("/api/v1/routes/"+route).want(http.StatusOK).body, &all); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(want), &wanted); err != nil {
			t.Fatal(err)
		}
		got = make(map[string]any)
		for name := range wanted {
			got[name] = all[name]
		}
		if diff := cmp.Diff(wanted, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestOneRouteShowsTheValuesInForceAndWhereTheyComeFrom(t *testing.T) {
	h := openShop(t)
	answer := h.get("/api/v1/routes/orders-get").want(http.StatusOK)
	if tag := answer.header.Get("ETag"); tag != `"1"` {
		t.Errorf("ETag %s, want \"1\"", tag)
	}
	detail := decode[wire.RouteDetail](answer)
	values := make(map[string]string)
	for _, s := range detail.Timeouts {
		values[string(s.Side)+" "+s.Name] = s.Value + " " + string(s.Source)
	}
	want := map[string]string{
		"legacy connect": "2s default", "legacy tls": "5s default", "legacy read": "1m0s default", "legacy write": "1m0s default",
		"legacy whole": "1m15s default", "legacy idle": "1h0m0s default", "legacy stream": "1h0m0s default",
		"new connect": "2s default", "new tls": "5s default", "new read": "2s route", "new write": "15s default",
		"new whole": "15s default", "new idle": "30s default", "new stream": "1h0m0s default",
	}
	if diff := cmp.Diff(want, values); diff != "" {
		t.Error(diff)
	}
	checkSettings(t, detail.Settings, map[string]string{
		"legacy timeouts.read": "1m0s default", "new timeouts.read": "2s route", "legacy retry.attempts": "2 default", "new retry.attempts": "4 default",
		"legacy breaker.window": "2m0s default", "new breaker.slow.over": "none default", "legacy bulkhead": "off default", "new bulkhead.concurrent": "128 default",
		"new fallback.on": "open,full,not_sent,timeout,502,503,504 default",
		" shadow.sample":  "100% in stage shadow, else off default", " shadow.max_body": "1MiB default",
		" gates.errors.on_fail": "rollback default", " gates.window": "off default",
	})
	if diff := cmp.Diff(wire.PlanDefinition{Steps: []string{"shadow", "1%", "5%", "25%", "50%", "100%"}, Bake: "10m0s"}, detail.Plan); diff != "" {
		t.Error(diff)
	}
	if detail.Definition.Match.Path != "/orders/{id:[0-9]+}" || detail.Definition.Guard.New.Timeouts.Read != "2s" {
		t.Errorf("definition %+v", detail.Definition)
	}
	for _, s := range decode[wire.RouteDetail](h.get("/api/v1/routes/everything")).Timeouts {
		if s.Side != wire.SideLegacy {
			t.Errorf("a route without a new side has the timeout %+v", s)
		}
	}
}

// checkSettings compares some of the settings, by side and name.
func checkSettings(t *testing.T, settings []wire.Setting, want map[string]string) {
	t.Helper()
	got := make(map[string]string)
	for _, s := range settings {
		if name := string(s.Side) + " " + s.Name; want[name] != "" {
			got[name] = s.Value + " " + string(s.Source)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestARouteThatCannotBeServedSaysWhy(t *testing.T) {
	h := openShop(t)
	h.router.serve(routing.Compile(1, []routing.Definition{{Name: "orders-get", Match: routing.Match{Path: "orders"}, Legacy: "monolith"}}))
	detail := decode[wire.RouteDetail](h.get("/api/v1/routes/orders-get"))
	if detail.Invalid == nil || detail.Invalid.Code != "path" || detail.Invalid.Field != "match.path" || detail.Invalid.Message == "" {
		t.Errorf("invalid = %+v, want the code path", detail.Invalid)
	}
	if other := decode[wire.RouteDetail](h.get("/api/v1/routes/orders-post")); other.Invalid != nil {
		t.Errorf("orders-post is invalid: %+v", other.Invalid)
	}
	status := decode[wire.Status](h.get("/api/v1/status"))
	if len(status.Invalid) != 1 || status.Invalid[0].Route != "orders-get" || status.Invalid[0].Code != "path" {
		t.Errorf("status lists %+v", status.Invalid)
	}
}

func TestWhatIsNotDefinedIsNamedWithWhatMayHaveBeenMeant(t *testing.T) {
	h := openShop(t)
	for path, want := range map[string][2]string{
		"/api/v1/routes/order-get":  {"unknown_route", "did you mean orders-get?"},
		"/api/v1/backends/monolit":  {"unknown_backend", "did you mean monolith?"},
		"/api/v1/groups/visitor":    {"unknown_group", "did you mean visitors?"},
		"/api/v1/routes/checkout-2": {"unknown_route", "list them with: stranglerctl route ls"},
	} {
		if p := h.get(path).problem(http.StatusNotFound, want[0]); p.Hint != want[1] || !strings.Contains(p.Detail, path[strings.LastIndex(path, "/")+1:]) {
			t.Errorf("%s: %+v", path, p)
		}
	}
}

func TestBackendsAndGroupsNameTheirRoutes(t *testing.T) {
	h := openShop(t)
	backends := decode[[]wire.Backend](h.get("/api/v1/backends").want(http.StatusOK))
	unguarded := []wire.BackendSetting{
		{Name: "bulkhead", Value: "off", Source: wire.BackendSettingSourceDefault},
		{Name: "health", Value: "off", Source: wire.BackendSettingSourceDefault},
		{Name: "fallback.budget", Value: "50%", Source: wire.BackendSettingSourceDefault},
		{Name: "fallback.min_per_second", Value: "5", Source: wire.BackendSettingSourceDefault},
	}
	guarded := []wire.BackendSetting{
		{Name: "bulkhead.concurrent", Value: "512", Source: wire.BackendSettingSourceDefault},
		{Name: "bulkhead.queue", Value: "64", Source: wire.BackendSettingSourceDefault},
		{Name: "bulkhead.wait", Value: "100ms", Source: wire.BackendSettingSourceDefault},
		{Name: "health", Value: "off", Source: wire.BackendSettingSourceDefault},
	}
	want := []wire.Backend{
		{Name: "monolith", Endpoints: []string{"http://127.0.0.1:3000"}, Routes: []string{"everything", "orders-get", "orders-list", "orders-post"}, Settings: unguarded, Revision: 1},
		{Name: "orders", Endpoints: []string{"http://127.0.0.1:4000", "http://127.0.0.1:4001"}, Routes: []string{"orders-get", "orders-list", "orders-post"}, Settings: guarded, Revision: 1},
	}
	if diff := cmp.Diff(want, backends); diff != "" {
		t.Error(diff)
	}
	one := h.get("/api/v1/backends/orders").want(http.StatusOK)
	if diff := cmp.Diff(want[1], decode[wire.Backend](one)); diff != "" || one.header.Get("ETag") != `"1"` {
		t.Error(diff, one.header)
	}
	group := wire.Group{
		Name: "visitors", Salt: "pinch", Routes: []string{"orders-get", "orders-list"}, Revision: 1,
		Keys: wire.Keys{json.RawMessage(`{"header":"X-User-Id"}`), json.RawMessage(`{"cookie":"session"}`), json.RawMessage(`"mint"`)},
	}
	if diff := cmp.Diff([]wire.Group{group}, decode[[]wire.Group](h.get("/api/v1/groups").want(http.StatusOK))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(group, decode[wire.Group](h.get("/api/v1/groups/visitors").want(http.StatusOK))); diff != "" {
		t.Error(diff)
	}
}

func TestAnEmptyStoreListsNothingAsLists(t *testing.T) {
	h := open(t)
	for _, path := range []string{"routes", "backends", "groups", "instances"} {
		if body := string(h.get("/api/v1/" + path).want(http.StatusOK).body); body != "[]" {
			t.Errorf("%s: %s, want []", path, body)
		}
	}
}
