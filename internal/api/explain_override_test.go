package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/auth"
)

// explainWith explains GET /orders/42 with overrides in its header and its cookies.
func explainWith(h *house, header, cookies []string) wire.Explanation {
	h.t.Helper()
	request := wire.ExplainRequest{Method: "GET", URL: "/orders/42", Headers: map[string][]string{"strangler-override": header}}
	for _, cookie := range cookies {
		request.Headers["cookie"] = append(request.Headers["cookie"], "a=b; strangler_override="+cookie)
	}
	body, err := json.Marshal(request)
	if err != nil {
		h.t.Fatal(err)
	}
	return explain(h, string(body))
}

func results(overrides []wire.ExplainedOverride) string {
	var all []string
	for _, o := range overrides {
		all = append(all, string(o.Result))
	}
	return strings.Join(all, " ")
}

func TestExplainObeysAnOverrideOrSaysWhyNot(t *testing.T) {
	keys, change := withKeys(t)
	h := openShop(t, change)
	sign := func(keys *auth.OverrideKeys, route string, at time.Time) (auth.Override, string) {
		t.Helper()
		override, value, err := keys.Sign(route, "new", time.Hour, at)
		if err != nil {
			t.Fatal(err)
		}
		return override, value
	}
	now := time.Now()
	good, value := sign(keys, "orders-get", now)
	_, other := sign(keys, "orders-post", now)
	past, expired := sign(keys, "orders-get", now.Add(-2*time.Hour))
	otherKeys, _ := withKeys(t)
	_, foreign := sign(otherKeys, "orders-get", now)
	tampered := strings.Replace(value, ".new.", ".legacy.", 1)

	got := explainWith(h, []string{"rubbish", tampered}, []string{foreign, expired, other, value, value})
	if *got.Side != wire.SideNew || got.Reason != "override" || got.Backend != "orders" || got.Point != nil || got.Mint {
		t.Errorf("explained %+v, want new by the override", got)
	}
	want := "malformed bad_signature unknown_key expired other_route obeyed"
	if results(got.Overrides) != want {
		t.Fatalf("results %s, want %s", results(got.Overrides), want)
	}
	wants := map[int]wire.ExplainedOverride{
		3: {Result: "expired", ID: past.ID, Route: "orders-get", Why: "the override has expired: at " + past.Expires.Format(time.RFC3339)},
		5: {Result: "obeyed", ID: good.ID, Route: "orders-get", Why: "it puts its bearer on new until " + good.Expires.Format(time.RFC3339)},
	}
	for i, want := range wants {
		if diff := cmp.Diff(want, got.Overrides[i]); diff != "" {
			t.Errorf("override %d: %s", i, diff)
		}
	}
	if strings.Contains(fmt.Sprint(got), value) || strings.Contains(h.log.String(), value) {
		t.Error("the answer or the log has the value of an override")
	}
	if got := explainWith(h, []string{"", "", "", "", "", "", "", "", value}, nil); len(got.Overrides) != 8 || got.Reason != "stage" {
		t.Errorf("%d overrides were looked at and the reason is %s; want 8, and the ninth ignored", len(got.Overrides), got.Reason)
	}
}

func TestExplainIgnoresOverridesAsTheRouterDoes(t *testing.T) {
	_, change := withKeys(t)
	h := openShop(t, change)
	made := decode[wire.Override](h.post("/api/v1/overrides", `{"route": "orders-get", "side": "new", "ttl": "2h"}`).want(http.StatusOK))

	h.post("/api/v1/routes/orders-get/promote", `{"to": "25%"}`).want(http.StatusOK)
	h.post("/api/v1/routes/orders-get/rollback", `{}`).want(http.StatusOK)
	got := explainWith(h, nil, []string{made.Value})
	if results(got.Overrides) != "suspended" || *got.Side != wire.SideLegacy || !strings.Contains(got.Overrides[0].Why, "rolled back") {
		t.Errorf("rolled back: %+v", got)
	}
	h.post("/api/v1/routes/orders-get/promote", `{"to": "25%"}`).want(http.StatusOK)
	h.delete("/api/v1/overrides/" + made.ID).want(http.StatusOK)
	got = explainWith(h, nil, []string{made.Value})
	if results(got.Overrides) != "revoked" || got.Reason == "override" {
		t.Errorf("revoked: %+v", got)
	}
	keyless := openShop(t)
	got = explainWith(keyless, []string{made.Value}, nil)
	if results(got.Overrides) != "unknown_key" || got.Overrides[0].Why != "this router has no key for overrides, and believes none" {
		t.Errorf("without keys: %+v", got.Overrides)
	}
}

func TestExplainTellsWhatIsSent(t *testing.T) {
	h := openShop(t)
	rewriting := strings.Replace(shop, "  - name: orders-get\n", "  - name: orders-get\n"+
		`    rewrite: {new: {path: "/v2/{id}", host: orders.internal, set_headers: {X-Tenant: acme}, remove_headers: [Cookie]}}`+"\n", 1)
	h.post("/api/v1/apply", rewriting, yamlBody).want(http.StatusOK)
	const body = `{"method": "GET", "url": "https://shop.example:8443/orders/42?x=%201"}`
	asItCame := wire.SentRequest{Target: "/orders/42?x=%201", Host: "shop.example:8443", SetHeaders: []string{}, RemoveHeaders: []string{}}
	if diff := cmp.Diff(&asItCame, explain(h, body).Sent); diff != "" {
		t.Error("legacy rewrites nothing:", diff)
	}
	want := wire.SentRequest{
		Target: "/v2/42?x=%201", Host: "orders.internal", Rewritten: true,
		SetHeaders: []string{"X-Tenant"}, RemoveHeaders: []string{"Cookie"},
	}
	asked := explain(h, strings.Replace(body, "{", `{"side": "new", `, 1))
	if diff := cmp.Diff(&want, asked.Sent); diff != "" || *asked.Side != wire.SideLegacy {
		t.Errorf("legacy serves, and of new is asked: side %s, %s", *asked.Side, diff)
	}
	h.post("/api/v1/explain", strings.Replace(body, "{", `{"side": "both", `, 1)).want(http.StatusBadRequest)
	h.post("/api/v1/routes/orders-get/promote", `{"to": "100%"}`).want(http.StatusOK)
	if diff := cmp.Diff(&want, explain(h, body).Sent); diff != "" {
		t.Error("new is rewritten:", diff)
	}
	h.post("/api/v1/apply", `
routes:
- name: pair
  match: {path: "/pair/{a}-{b}"}
  legacy: monolith
  rewrite: {legacy: {path: "/{a}{b}"}}
`, yamlBody).want(http.StatusOK)
	if got := explain(h, `{"method": "GET", "url": "/pair/.-."}`).Sent; !strings.Contains(got.Refused, "dot segment") {
		t.Errorf("sent %+v, want it refused", got)
	}
}
