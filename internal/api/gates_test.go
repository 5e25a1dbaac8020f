package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/rollout/autopilot"
	"github.com/stranglerfig/strangler/internal/rollout/gate"
	"github.com/stranglerfig/strangler/internal/rollout/sequential"
)

// failing is the account of a route on which new failed for 30 of 40 keys, and
// legacy for one of 400.
func failing() autopilot.Account {
	account := autopilot.Account{Served: gate.Served{Requests: 90, Fallbacks: 0}, SlowOver: 250 * time.Millisecond}
	at := time.Now().Truncate(time.Minute).Add(-time.Hour)
	for i := range 10 {
		from := at.Add(time.Duration(i) * time.Minute)
		window := sequential.Window{
			From: from, To: from.Add(time.Minute), Step: 2, Weight: 0.05,
			New: sequential.Count{Exposures: 4, Events: 3}, Legacy: sequential.Count{Exposures: 40},
		}
		if i == 0 {
			window.Legacy.Events = 1
		}
		account.Errors.Add(window)
	}
	return account
}

func TestGatesSayWhatIsMissing(t *testing.T) {
	onBoth(t, func(t *testing.T, url func() string) {
		h := openAt(t, url())
		h.post("/api/v1/apply", shop, yamlBody).want(http.StatusOK)
		h.post("/api/v1/routes/orders-post/promote", `{"to": "5%"}`).want(http.StatusOK)
		got := decode[wire.RouteGates](h.get("/api/v1/routes/orders-post/gates", as(h.secrets[auth.Viewer])).want(http.StatusOK))
		next := "25%"
		want := wire.RouteGates{
			Route: "orders-post", Stage: wire.StageCanary, WeightBp: 500, Step: 2, Steps: 5, Next: &next,
			Verdict: wire.GateVerdictInsufficient, Autopilot: wire.AutopilotModeOff, Held: "the autopilot is off", Findings: got.Findings, At: got.At,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		// What writes is not shadowed, and so not compared.
		verdicts := []string{"bake insufficient", "errors insufficient", "slowness insufficient", "fallbacks insufficient", "breaker pass", "window pass", "freeze pass"}
		if diff := cmp.Diff(verdicts, verdictsOf(got.Findings)); diff != "" {
			t.Fatal(diff)
		}
		if age := time.Since(got.At).Abs(); age > time.Minute {
			t.Errorf("asked %s ago", age)
		}
		bake, breaker := got.Findings[0], got.Findings[4]
		if bake.Missing == "" || bake.WaitS == nil || *bake.WaitS <= 0 || *bake.WaitS > 600 || bake.RollsBack {
			t.Errorf("%+v", bake)
		}
		if breaker.Missing != "" || breaker.WaitS != nil || breaker.New != nil || breaker.Text == "" {
			t.Errorf("%+v", breaker)
		}
	})
}

func TestGatesShowTheNumbersBehindThem(t *testing.T) {
	h := openShop(t)
	h.post("/api/v1/routes/orders-get/promote", `{"to": "5%"}`).want(http.StatusOK)
	h.keeps("orders-get", failing())
	got := decode[wire.RouteGates](h.get("/api/v1/routes/orders-get/gates").want(http.StatusOK))
	if got.Verdict != wire.GateVerdictFail {
		t.Errorf("%+v", got)
	}
	var found *wire.GateFinding
	for _, f := range got.Findings {
		if f.Gate == wire.GateNameErrors {
			found = &f
		}
	}
	if found == nil || found.Verdict != wire.GateVerdictFail || !found.RollsBack || found.Evidence < found.Threshold || found.Against != wire.GateFindingAgainstLegacy {
		t.Fatalf("%+v", found)
	}
	if diff := cmp.Diff([]*wire.GateCount{{Exposures: 40, Events: 30}, {Exposures: 400, Events: 1}}, []*wire.GateCount{found.New, found.Legacy}); diff != "" {
		t.Error(diff)
	}
	var routes []string
	for _, r := range decode[[]wire.RouteGates](h.get("/api/v1/gates").want(http.StatusOK)) {
		routes = append(routes, r.Route+" "+string(r.Verdict))
	}
	if diff := cmp.Diff([]string{"orders-get fail", "orders-list pass", "orders-post pass"}, routes); diff != "" {
		t.Error(diff)
	}
	status := decode[[]wire.RouteStatus](h.get("/api/v1/routes").want(http.StatusOK))
	if short := status[1].Gates; short == nil || short.Verdict != wire.GateVerdictFail || !strings.HasPrefix(short.Missing, "errors: "+found.Text) {
		t.Errorf("%+v", short)
	}
	if status[0].Gates != nil {
		t.Errorf("a route without a new side: %+v", status[0].Gates)
	}
}

func TestARouteWithoutGatesSaysWhy(t *testing.T) {
	h := openShop(t)
	h.get("/api/v1/routes/nobody/gates").problem(http.StatusNotFound, "unknown_route")
	h.get("/api/v1/routes/everything/gates").problem(http.StatusConflict, "no_new_side")
	h.post("/api/v1/routes/orders-post/promote", `{"to": "new"}`).want(http.StatusOK)
	h.post("/api/v1/routes/orders-post/retire", `{"force": true, "reason": "done"}`).want(http.StatusOK)
	h.get("/api/v1/routes/orders-post/gates").problem(http.StatusConflict, "retired")
}

func TestAFailingGateRefusesAPromotion(t *testing.T) {
	h := openShop(t)
	h.post("/api/v1/freeze", `{"reason": "sale"}`).want(http.StatusOK)
	for _, path := range []string{"/api/v1/routes/orders-get/promote", "/api/v1/groups/visitors/promote"} {
		p := h.post(path, `{"to": "5%"}`).problem(http.StatusConflict, "gate_failed")
		if !strings.Contains(p.Detail, "by ada: sale") || !strings.Contains(p.Detail, "nothing was changed") || !strings.Contains(p.Hint, "--force") {
			t.Errorf("%s: %+v", path, p)
		}
		if verdicts := verdictsOf(p.Findings); len(verdicts) == 0 || verdicts[len(verdicts)-1] != "freeze fail" {
			t.Errorf("%s: %q", path, verdicts)
		}
		h.post(path, `{"to": "5%", "force": true}`).problem(http.StatusConflict, "reason_required")
	}
	move := decode[wire.Move](h.post("/api/v1/routes/orders-get/promote", `{"to": "5%", "force": true, "reason": "agreed with ada"}`, operator(h)).want(http.StatusOK))
	if !move.Changed || move.After.WeightBp != 500 {
		t.Errorf("%+v", move)
	}
	event := decode[[]wire.Event](h.get("/api/v1/events?limit=1"))[0]
	var kept struct {
		Forced   bool
		Findings []gate.Finding
	}
	if err := json.Unmarshal(event.Evidence, &kept); err != nil || !kept.Forced || len(kept.Findings) != 2 || kept.Findings[1].Gate != gate.NameFreeze {
		t.Errorf("%v, %s", err, event.Evidence)
	}
	// To let new serve less is never a matter of gates.
	h.post("/api/v1/routes/orders-get/promote", `{"to": "1%"}`).want(http.StatusOK)
	h.post("/api/v1/routes/orders-get/rollback", `{"to_revision": 3}`).problem(http.StatusConflict, "gate_failed")
	h.post("/api/v1/routes/orders-get/rollback", `{"to_revision": 3, "force": true, "reason": "as it was"}`).want(http.StatusOK)
	h.post("/api/v1/routes/orders-get/rollback", `{}`).want(http.StatusOK)
}

func TestWithoutItsStoreARouterKnowsNoGates(t *testing.T) {
	h := openShop(t)
	h.store.away.Store(true)
	h.get("/api/v1/gates").problem(http.StatusServiceUnavailable, "store_unavailable")
	h.get("/api/v1/routes/orders-get/gates").problem(http.StatusServiceUnavailable, "store_unavailable")
	for _, route := range decode[[]wire.RouteStatus](h.get("/api/v1/routes").want(http.StatusOK)) {
		if route.Gates != nil || route.Autopilot != wire.AutopilotModeOff {
			t.Errorf("%+v", route)
		}
	}
}

// All gates pass, and yet it stays where it is: a status says why.
func TestAStatusSaysForWhomARouteWaits(t *testing.T) {
	h := openShop(t)
	h.post("/api/v1/routes/orders-get/autopilot", `{"mode": "on"}`).want(http.StatusOK)
	for _, r := range decode[[]wire.RouteStatus](h.get("/api/v1/routes").want(http.StatusOK)) {
		var want string
		if r.Name == "orders-get" {
			want = "waits for orders-list of group visitors: the autopilot is off"
		}
		if r.New != "" && (r.Gates == nil || r.Gates.Held != want) {
			t.Errorf("%s: %+v, want %q", r.Name, r.Gates, want)
		}
	}
}
