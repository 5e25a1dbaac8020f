package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/api/wire"
)

func TestDoctorFindsGuardsThatDoLessThanTheySay(t *testing.T) {
	h := openShop(t, reachable(""))
	h.post("/api/v1/apply", `
backends:
  - {name: orders, endpoints: [http://127.0.0.1:4000], bulkhead: {concurrent: 100}}
routes:
  - name: orders-get
    match: {path: "/orders/{id:[0-9]+}", methods: [GET]}
    legacy: monolith
    new: orders
    guard: {new: {timeouts: {read: 6s, write: 6s, whole: 11s}, bulkhead: {concurrent: 101}}}
  - name: orders-post
    match: {path: /orders, methods: [POST]}
    legacy: monolith
    new: orders
    guard: {new: {timeouts: {read: 6s, write: 6s, whole: 11s}, retry: off, bulkhead: {concurrent: 100}}, legacy: {bulkhead: {concurrent: 5000}}}
`, yamlBody).want(http.StatusOK)
	var got []string
	for _, c := range decode[[]wire.Check](h.get("/api/v1/doctor").want(http.StatusOK)) {
		if c.Code == "bulkhead_unreachable" || c.Code == "no_time_to_retry" {
			got = append(got, string(c.Level)+" "+c.Message)
		}
	}
	want := []string{
		"warn orders-get, side new: its bulkhead lets 101 through at once, and that of its backend orders only 100",
		"warn orders-get, side new: after a try that takes all of read (6s), whole (11s) leaves less than that for the next",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if found := strings.Join(doctor(h), "\n"); !strings.Contains(found, "routes bulkhead_unreachable warn") {
		t.Error(found)
	}
}
