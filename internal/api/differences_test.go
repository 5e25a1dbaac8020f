package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/shadow/compare"
	"github.com/stranglerfig/strangler/internal/shadow/rule"
)

// outline writes what a report says, in lines.
func outline(r wire.RouteDifferences) []string {
	lines := []string{fmt.Sprintf("%s: %d compared, %d mismatched, %d noise, skipped %v", r.Route, r.Compared, r.Mismatched, r.Noise, r.Skipped)}
	for _, d := range r.Differences {
		lines = append(lines, fmt.Sprintf("%d %s %s %s→%s (%s→%s) %s, %d of them kept", d.Count, d.Where, d.Kind, d.Legacy, d.New, d.LegacyType, d.NewType, d.Verdict, len(d.Exemplars)))
	}
	return lines
}

func TestDifferencesAreCountedAndShown(t *testing.T) {
	onBoth(t, func(t *testing.T, url func() string) {
		h := openAt(t, url())
		h.post("/api/v1/apply", shop, yamlBody).want(http.StatusOK)
		h.post("/api/v1/routes/orders-get/promote", `{"to": "shadow"}`).want(http.StatusOK)
		was := h.compares("orders-get", "b1")
		for range 3 {
			was.found(totalIsANumber())
		}
		was.found(totalIsANumber(), varyIsMissing())
		for range 6 {
			was.found()
		}
		was.skipped(shadow.ReasonTooLarge, 2).kept()
		h.compares("orders-list", "b1").found().kept()

		path := "/api/v1/routes/orders-get/differences"
		report := decode[wire.RouteDifferences](h.get(path, as(h.secrets[auth.Operator])).want(http.StatusOK))
		want := []string{
			"orders-get: 10 compared, 4 mismatched, 0 noise, skipped map[too_large:2]",
			`4 $.total type "12.50"→12.5 (string→number) undecided, 4 of them kept`,
			"1 header Vary missing Accept→ (string→) undecided, 1 of them kept",
		}
		if diff := cmp.Diff(want, outline(report)); diff != "" {
			t.Error(diff)
		}
		if report.Epoch == nil || report.Epoch.Build != "b1" || report.Epoch.Rules != "0123456789ab" || len(report.Epochs) != 1 ||
			report.Epochs[0].ID != report.Epoch.ID || report.Since != nil || report.ShareBp != 10_000 || report.ExemplarBytes == 0 {
			t.Errorf("%+v", report)
		}
		want[1] = "4 $.total type string→number (string→number) undecided, 4 of them kept"
		want[2] = "1 header Vary missing string→ (string→) undecided, 1 of them kept"
		shown := decode[wire.RouteDifferences](h.get(path, as(h.secrets[auth.Viewer])).want(http.StatusOK))
		if diff := cmp.Diff(want, outline(shown)); diff != "" {
			t.Errorf("a viewer: %s", diff)
		}
		all := decode[[]wire.RouteDifferences](h.get("/api/v1/differences?since=1h").want(http.StatusOK))
		if len(all) != 2 || all[0].Route != "orders-get" || all[0].Compared != 10 || all[1].Route != "orders-list" || all[1].Compared != 1 || all[1].ShareBp != 0 {
			t.Errorf("%+v", all)
		}
		if all[0].Since == nil || time.Since(*all[0].Since) < time.Hour || time.Since(*all[0].Since) > time.Hour+time.Minute {
			t.Errorf("since %v", all[0].Since)
		}
	})
}

// Right after a rule was added, what is shown was still found without it.
func TestWhatWasFoundByEarlierRulesIsOutdated(t *testing.T) {
	h := openShop(t)
	was := h.compares("orders-get", "b1")
	policy := shadow.DefaultPolicy()
	was.rules = policy.Basis(time.Now())
	was.found(totalIsANumber()).kept()
	outdated := func() [2]bool {
		h.t.Helper()
		report := decode[wire.RouteDifferences](h.get("/api/v1/routes/orders-get/differences").want(http.StatusOK))
		status := decode[wire.RouteDetail](h.get("/api/v1/routes/orders-get").want(http.StatusOK))
		return [2]bool{report.Outdated, status.Parity.Outdated}
	}
	if got := outdated(); got != [2]bool{} {
		t.Errorf("outdated %v before the rule", got)
	}
	h.post("/api/v1/routes/orders-get/rules", `{"kind": "ignore", "target": "$.total", "reason": "a number is right"}`).want(http.StatusOK)
	if got := outdated(); got != [2]bool{true, true} {
		t.Errorf("outdated %v after the rule", got)
	}
	policy.Rules = []rule.Rule{{Kind: rule.Ignore, Target: "$.total", Reason: "a number is right"}}
	was.rules = policy.Basis(time.Now())
	was.found().kept()
	report := decode[wire.RouteDifferences](h.get("/api/v1/routes/orders-get/differences").want(http.StatusOK))
	if report.Outdated || report.Compared != 1 || len(report.Epochs) != 2 {
		t.Errorf("%+v once there is a comparison by it", report)
	}
}

// However many there are, an answer reads so many exemplars and no more.
func TestTheRarestDifferencesShowTheirTypes(t *testing.T) {
	h := openShop(t)
	was := h.compares("orders-get", "b1")
	for i := range 205 {
		place := fmt.Sprintf("$.a%03d", i)
		was.found(compare.Difference{
			Where: place, Path: place, Kind: compare.KindValue,
			Legacy: compare.Value{Type: "number", Text: "1"}, New: compare.Value{Type: "number", Text: "2"},
		})
	}
	was.kept()
	values, types := 0, 0
	for _, d := range decode[wire.RouteDifferences](h.get("/api/v1/routes/orders-get/differences").want(http.StatusOK)).Differences {
		switch d.Legacy + d.New {
		case "12":
			values++
		case "numbernumber":
			types++
		}
	}
	if values != 200 || types != 5 {
		t.Errorf("%d with values and %d with types, want 200 and 5", values, types)
	}
}

// Legacy differs from itself at the clock: that is no mismatch, nor was it before
// it was known.
func TestNoiseIsNoMismatch(t *testing.T) {
	h := openShop(t)
	was := h.compares("orders-get", "b1")
	for i := range 30 {
		was.found(clockDiffers("1", "2"))
		was.twice([]compare.Difference{clockDiffers("1", fmt.Sprint(i))}, clockDiffers("1", "2"))
	}
	was.found(clockDiffers("1", "2"), totalIsANumber()).kept()
	report := decode[wire.RouteDifferences](h.get("/api/v1/routes/orders-get/differences").want(http.StatusOK))
	if report.Compared != 61 || report.Mismatched != 1 || report.Noise != 60 || len(report.Differences) != 2 {
		t.Fatalf("%v", outline(report))
	}
	clock := report.Differences[0]
	if clock.Where != "$.generated_at" || !clock.Noise || clock.Verdict != wire.NoiseVerdictNoise || clock.Count != 61 || clock.Pairs != (wire.NoisePairs{Both: 30}) {
		t.Errorf("%+v", clock)
	}
	if total := report.Differences[1]; total.Noise || total.Verdict != wire.NoiseVerdictUndecided {
		t.Errorf("%+v", total)
	}
}

func TestANewBuildStartsCleanAndTheOldEvidenceIsKept(t *testing.T) {
	h := openShop(t)
	h.compares("orders-get", "b1").found(totalIsANumber()).kept()
	h.compares("orders-get", "b2").found().kept()
	path := "/api/v1/routes/orders-get/differences"
	now := decode[wire.RouteDifferences](h.get(path).want(http.StatusOK))
	if now.Epoch.Build != "b2" || now.Mismatched != 0 || len(now.Epochs) != 2 {
		t.Fatalf("%+v", now)
	}
	old := decode[wire.RouteDifferences](h.get(path + "?epoch=" + now.Epochs[1].ID).want(http.StatusOK))
	if old.Epoch.Build != "b1" || old.Mismatched != 1 || len(old.Differences) != 1 {
		t.Errorf("%+v", old)
	}
	p := h.get(path+"?epoch=nonesuch").problem(http.StatusNotFound, "unknown_epoch")
	if !strings.Contains(p.Detail, `"nonesuch"`) {
		t.Errorf("%q", p.Detail)
	}
}

func TestARouteThatWasNeverComparedHasNoDifferences(t *testing.T) {
	h := openShop(t)
	report := decode[wire.RouteDifferences](h.get("/api/v1/routes/orders-get/differences").want(http.StatusOK))
	if report.Epoch != nil || report.Compared != 0 || len(report.Epochs)+len(report.Differences)+len(report.Skipped) != 0 || report.ShareBp != 0 {
		t.Errorf("%+v", report)
	}
	if all := decode[[]wire.RouteDifferences](h.get("/api/v1/differences").want(http.StatusOK)); len(all) != 0 {
		t.Errorf("%+v", all)
	}
	h.get("/api/v1/routes/order-get/differences").problem(http.StatusNotFound, "unknown_route")
}

func TestSinceIsADuration(t *testing.T) {
	h := openShop(t)
	for _, bad := range []string{"soon", "-1h", "0s", "169h", "", "1"} {
		for _, path := range []string{"/api/v1/differences", "/api/v1/routes/orders-get/differences"} {
			p := h.get(path+"?since="+bad).problem(http.StatusBadRequest, "bad_since")
			if !strings.Contains(p.Detail, fmt.Sprintf("since is %q", bad)) {
				t.Errorf("%s: %q", bad, p.Detail)
			}
		}
	}
	h.get("/api/v1/differences?since=168h").want(http.StatusOK)
}

func TestAnExemplarIsShownAsItIsKept(t *testing.T) {
	h := openShop(t)
	h.compares("orders-get", "b1").found(totalIsANumber(), clockDiffers("secret-a", "secret-b")).kept()
	report := decode[wire.RouteDifferences](h.get("/api/v1/routes/orders-get/differences").want(http.StatusOK))
	id := report.Differences[0].Exemplars[0]
	answer := h.get("/api/v1/exemplars/"+id, as(h.secrets[auth.Operator])).want(http.StatusOK)
	e := decode[wire.Exemplar](answer)
	if e.ID != id || e.Route != "orders-get" || e.Epoch != report.Epoch.ID || len(e.Signatures) != 2 || e.Served != wire.SideLegacy || e.Instance != "router-1" || e.At.IsZero() {
		t.Errorf("%+v", e)
	}
	request := wire.ShadowedRequest{
		Method: "GET", Scheme: "http", Host: "shop.example", Target: "/orders/7?token=hidden:0123456789abcdef",
		Headers: []wire.HeaderField{{Name: "Accept", Value: "application/json"}, {Name: "Authorization", Value: "Bearer hidden:0123456789abcdef"}},
	}
	if diff := cmp.Diff(request, e.Request); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(wire.SideAnswer{Status: 200, Bytes: 38, DurationS: .005, Build: "b1"}, e.New); diff != "" {
		t.Error(diff)
	}
	counted := make(map[string]string)
	for _, d := range report.Differences {
		counted[d.Where] = d.Signature
	}
	differences := []wire.Difference{
		{Signature: counted["$.total"], Where: "$.total", Path: "$.total", Kind: "type", Legacy: wire.DifferentValue{Type: "string", Text: `"12.50"`}, New: wire.DifferentValue{Type: "number", Text: "12.5"}},
		{
			Signature: counted["$.generated_at"], Where: "$.generated_at", Path: "$.generated_at", Kind: "value",
			Legacy: wire.DifferentValue{Type: "string", Text: "hidden:0123456789abcdef"}, New: wire.DifferentValue{Type: "string", Text: "hidden:0123456789abcdef"},
		},
	}
	if diff := cmp.Diff(differences, e.Differences); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(string(answer.body), "secret-") {
		t.Errorf("a secret is shown: %s", answer.body)
	}
	h.get("/api/v1/exemplars/0000000000000000").problem(http.StatusNotFound, "unknown_exemplar")
}
