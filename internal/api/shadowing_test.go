package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/rollout"
)

const shadowOfGet = "/api/v1/routes/orders-get/shadow"

func TestShadowingIsStartedAndStopped(t *testing.T) {
	h := openShop(t)
	olga := as(h.secrets[auth.Operator])
	idle := decode[wire.ShadowChange](h.post(shadowOfGet, `{"sample": "10%", "reason": "try it"}`, olga).want(http.StatusOK))
	if !idle.Changed || idle.Revision != 2 || idle.Stage != wire.StageLegacy || idle.Sample != "10%" || idle.ShareBp != 0 || !strings.Contains(idle.Note, "promote orders-get --to shadow") {
		t.Errorf("in stage legacy: %+v", idle)
	}
	event := decode[[]wire.Event](h.get("/api/v1/events?limit=1"))[0]
	if event.Verb != string(rollout.VerbShadowStart) || event.Reason != "try it" || event.Actor != "olga" {
		t.Errorf("%+v", event)
	}
	h.post("/api/v1/routes/orders-get/promote", `{"to": "25%"}`).want(http.StatusOK)
	planned := decode[wire.ShadowChange](h.post(shadowOfGet+"?dry_run=true", `{}`, olga).want(http.StatusOK))
	if !planned.Changed || !planned.DryRun || planned.Revision != 3 || planned.Sample != "100%" || planned.ShareBp != 10_000 {
		t.Errorf("planned: %+v", planned)
	}
	same := decode[wire.ShadowChange](h.post(shadowOfGet, `{"sample": "10%"}`, olga).want(http.StatusOK))
	if same.Changed || same.Revision != 3 || same.ShareBp != 1_000 {
		t.Errorf("the same again: %+v", same)
	}
	answer := h.delete(shadowOfGet+"?reason=slow", olga).want(http.StatusOK)
	stopped := decode[wire.ShadowChange](answer)
	if !stopped.Changed || stopped.Sample != "off" || stopped.ShareBp != 0 || stopped.Stage != wire.StageCanary || stopped.Revision != 4 || answer.header.Get("ETag") != `"4"` {
		t.Errorf("stopped: %+v", stopped)
	}
	if again := decode[wire.ShadowChange](h.delete(shadowOfGet, olga).want(http.StatusOK)); again.Changed || again.Revision != 4 {
		t.Errorf("stopped again: %+v", again)
	}
	route := decode[wire.RouteDetail](h.get("/api/v1/routes/orders-get"))
	if route.Stage != wire.StageCanary || route.WeightBp != 2500 || route.Definition.Shadow.Sample != "off" {
		t.Errorf("%+v", route)
	}
}

// Whatever else is written, shadowing can be stopped.
func TestShadowingIsStoppedWhereNoiseIsLookedFor(t *testing.T) {
	h := openShop(t)
	h.post("/api/v1/apply", strings.Replace(shop, "name: orders-get\n", "name: orders-get\n    shadow: {noise: 10%, rules: [{ignore: $.generated_at, reason: clock}]}\n", 1), yamlBody).want(http.StatusOK)
	h.delete(shadowOfGet).want(http.StatusOK)
	definition := decode[wire.RouteDetail](h.get("/api/v1/routes/orders-get")).Definition
	if definition.Shadow.Noise != "10%" || len(definition.Shadow.Rules) != 1 || definition.Shadow.Sample != "off" {
		t.Errorf("%+v", definition.Shadow)
	}
}

func TestShadowingThatIsRefused(t *testing.T) {
	h := openShop(t)
	for _, bad := range []string{"0%", "101%", "ten", "-1%", "10"} {
		p := h.post(shadowOfGet, `{"sample": "`+bad+`"}`).problem(http.StatusUnprocessableEntity, "invalid_definitions")
		if len(p.Problems) != 1 || p.Problems[0].Path != "shadow.sample" || !strings.Contains(p.Detail, bad) || !strings.Contains(p.Detail, "nothing was changed") {
			t.Errorf("%s: %+v", bad, p)
		}
	}
	h.post(shadowOfGet, `{"sample": "off"}`).problem(http.StatusBadRequest, "bad_sample")
	h.post("/api/v1/routes/everything/shadow", `{}`).problem(http.StatusConflict, "no_new_side")
	h.post("/api/v1/routes/order-get/shadow", `{}`).problem(http.StatusNotFound, "unknown_route")
	h.post(shadowOfGet, `{}`, header("If-Match", `"9"`)).problem(http.StatusPreconditionFailed, "conflict")
	p := h.post("/api/v1/routes/orders-post/shadow", `{}`).problem(http.StatusUnprocessableEntity, "invalid_definitions")
	if !strings.Contains(p.Detail, "may change something") {
		t.Errorf("%q", p.Detail)
	}
	h.post("/api/v1/routes/orders-get/promote", `{"to": "100%"}`).want(http.StatusOK)
	h.post("/api/v1/routes/orders-get/retire", `{"force": true, "reason": "done"}`).want(http.StatusOK)
	h.post(shadowOfGet, `{}`).problem(http.StatusConflict, "retired")
}

func TestARouteSaysHowFarTheSidesAgree(t *testing.T) {
	h := openShop(t)
	h.post("/api/v1/routes/orders-get/promote", `{"to": "shadow"}`).want(http.StatusOK)
	was := h.compares("orders-get", "b1").found(totalIsANumber())
	for range 9 {
		was.found()
	}
	was.skipped(0, 3).kept()
	want := wire.Parity{ShareBp: 10_000, Compared: 10, Mismatched: 1, Skipped: 3, Outdated: true}
	for _, route := range decode[[]wire.RouteStatus](h.get("/api/v1/routes").want(http.StatusOK)) {
		if route.Name != "orders-get" && route.Parity != nil || route.Name == "orders-get" && (route.Parity == nil || *route.Parity != want) {
			t.Errorf("%s: %+v", route.Name, route.Parity)
		}
	}
	if route := decode[wire.RouteDetail](h.get("/api/v1/routes/orders-get").want(http.StatusOK)); route.Parity == nil || *route.Parity != want {
		t.Errorf("%+v", route.Parity)
	}
}

func TestAStatusDoesWithoutParity(t *testing.T) {
	h := openShop(t)
	h.compares("orders-get", "b1").found().kept()
	h.store.unread = rollout.ErrUnavailable
	for _, route := range decode[[]wire.RouteStatus](h.get("/api/v1/routes").want(http.StatusOK)) {
		if route.Parity != nil {
			t.Errorf("%+v", route)
		}
	}
}
