package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/routing"
)

func explain(h *house, body string) wire.Explanation {
	h.t.Helper()
	return decode[wire.Explanation](h.post("/api/v1/explain", body, operator(h)).want(http.StatusOK))
}

func TestExplainTellsTheSideAndWhy(t *testing.T) {
	h := openShop(t)
	h.post("/api/v1/routes/orders-get/promote", `{"to": "50%"}`).want(http.StatusOK)
	sides := make(map[wire.Side]int)
	for user := range 20 {
		point := int32(routing.Point("pinch", fmt.Sprint(user)))
		side, backend := wire.SideLegacy, "monolith"
		if point < 5000 {
			side, backend = wire.SideNew, "orders"
		}
		got := explain(h, fmt.Sprintf(`{"method": "GET", "url": "https://Shop.example:8443/%%6Frders/42?x=1", "headers": {"x-user-id": ["%d"]}, "client": "192.0.2.1"}`, user))
		want := wire.Explanation{
			Method: "GET", Host: "shop.example", Path: "/orders/42", Route: "orders-get", Side: &side, Backend: backend, Reason: "weight",
			Stage: new(wire.StageCanary), WeightBp: 5000, Point: &point, Key: "{header: X-User-Id}", Revision: 2, Near: got.Near,
			Overrides: []wire.ExplainedOverride{},
			Sent:      &wire.SentRequest{Target: "/%6Frders/42?x=1", Host: "Shop.example:8443", SetHeaders: []string{}, RemoveHeaders: []string{}},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		sides[side]++
	}
	if sides[wire.SideLegacy] == 0 || sides[wire.SideNew] == 0 {
		t.Errorf("20 users, and all on one side: %v", sides)
	}
}

func TestExplainShowsAPin(t *testing.T) {
	h := openShop(t)
	pinned := strings.Replace(shop, "  - name: orders-get\n", "  - name: orders-get\n    pin: [{key: acme, side: new}]\n", 1)
	h.post("/api/v1/apply", pinned, yamlBody).want(http.StatusOK)
	h.post("/api/v1/routes/orders-get/promote", `{"to": "0.01%"}`).want(http.StatusOK)
	got := explain(h, `{"method": "GET", "url": "https://shop.example/orders/42", "headers": {"X-User-Id": ["acme"]}}`)
	if got.Reason != "pinned" || *got.Side != wire.SideNew || got.Backend != "orders" || got.Key != "{header: X-User-Id}" {
		t.Errorf("explained %+v, want new by the pin", got)
	}
}

func TestExplainWithoutAKey(t *testing.T) {
	h := openShop(t)
	h.post("/api/v1/routes/orders-get/promote", `{"to": "50%"}`).want(http.StatusOK)
	got := explain(h, `{"method": "GET", "url": "/orders/42"}`)
	if got.Reason != "no_key" || *got.Side != wire.SideLegacy || got.Point != nil || got.Key != "" || !got.Mint {
		t.Errorf("%+v", got)
	}
}

func TestExplainNamesWhatCameClose(t *testing.T) {
	h := openShop(t)
	got := explain(h, `{"method": "GET", "url": "/orders"}`)
	if got.Route != "everything" || got.Reason != "catch_all" {
		t.Errorf("%+v", got)
	}
	near := make(map[string]wire.NearMissCode)
	for _, miss := range got.Near {
		near[miss.Route] = miss.Code
		if miss.Why == "" {
			t.Errorf("%s does not say why", miss.Route)
		}
	}
	if near["orders-list"] != wire.NearMissCodeHeader || near["orders-post"] != wire.NearMissCodeMethod {
		t.Errorf("near misses %v", near)
	}
}

func TestExplainWhenNothingMatches(t *testing.T) {
	h := open(t)
	h.post("/api/v1/apply", strings.Replace(shop, "{prefix: /}", "{prefix: /static}", 1), yamlBody).want(http.StatusOK)
	got := explain(h, `{"method": "GET", "url": "/nowhere", "headers": {"Host": ["shop.example"]}}`)
	if got.Route != "" || got.Side != nil || got.Stage != nil || got.Reason != "" || got.Backend != "" || got.Host != "shop.example" {
		t.Errorf("%+v", got)
	}
}

func TestExplainRefusesWhatIsNoRequest(t *testing.T) {
	h := openShop(t)
	for body, code := range map[string]string{
		`{"method": "GET", "url": "orders/42"}`:                  "bad_url",
		`{"method": "GET", "url": "/a%zz"}`:                      "bad_url",
		`{"method": "GET", "url": "/a%00"}`:                      "bad_url",
		`{"method": "GET", "url": "http://[::1/"}`:               "bad_url",
		`{"method": "GET", "url": ""}`:                           "bad_url",
		`{"url": "/orders"}`:                                     "bad_request",
		`{"method": "GET", "url": "/", "client": "somebody"}`:    "bad_client",
		`{"method": "GET", "url": "/", "header": {}}`:            "bad_json",
		`{"method": "GET", "url": "/", "headers": {"a": "b"}}`:   "bad_json",
		`{"method": "GET", "url": "/", "client": "192.0.2.0/8"}`: "bad_client",
	} {
		h.post("/api/v1/explain", body).problem(http.StatusBadRequest, code)
	}
	for url, path := range map[string]string{"https://shop.example": "/", "/": "/", "/a/../b": "/b", "/ä": "/%C3%A4"} {
		body, err := json.Marshal(wire.ExplainRequest{Method: "GET", URL: url})
		if err != nil {
			t.Fatal(err)
		}
		if got := explain(h, string(body)); got.Path != path {
			t.Errorf("%s: path %q, want %q", url, got.Path, path)
		}
	}
}
