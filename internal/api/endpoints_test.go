package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/fleet"
)

func TestAnEndpointIsDrainedAndReady(t *testing.T) {
	h := openShop(t)
	const first, second = "http://127.0.0.1:4000", "http://127.0.0.1:4001"
	const one = `{"endpoint": "` + first + `", "reason": "update"}`
	drained := decode[wire.EndpointChange](h.post("/api/v1/backends/orders/drain", one, as(h.secrets[auth.Operator])).want(http.StatusOK))
	want := wire.EndpointChange{
		Backend: "orders", Serving: []string{second}, Drained: []string{first}, PreviousRevision: 1, Revision: 2, Changed: true,
		Actor: "olga", At: drained.At,
	}
	if diff := cmp.Diff(want, drained); diff != "" {
		t.Error(diff)
	}
	status := decode[wire.Status](h.get("/api/v1/status"))
	if diff := cmp.Diff([]wire.DrainedEndpoint{{Backend: "orders", Endpoint: first}}, status.Drained); diff != "" {
		t.Error(diff)
	}
	event := decode[[]wire.Event](h.get("/api/v1/events?limit=1"))[0]
	if event.Verb != "backend_drain" || event.Subject != "orders" || event.Reason != "update" || event.Actor != "olga" {
		t.Errorf("%+v", event)
	}
	again := decode[wire.EndpointChange](h.post("/api/v1/backends/orders/drain", one).want(http.StatusOK))
	if again.Changed || again.Revision != 2 || again.Note != "it is drained already" {
		t.Errorf("%+v", again)
	}
	ready := decode[wire.EndpointChange](h.post("/api/v1/backends/orders/ready", one).want(http.StatusOK))
	if !ready.Changed || len(ready.Drained) != 0 || len(ready.Serving) != 2 || ready.Revision != 3 {
		t.Errorf("%+v", ready)
	}
	if all := decode[wire.EndpointChange](h.post("/api/v1/backends/orders/ready", "").want(http.StatusOK)); all.Changed || all.Note != "it serves already" {
		t.Errorf("%+v", all)
	}
}

func TestSomebodyMustServe(t *testing.T) {
	h := openShop(t)
	h.post("/api/v1/backends/orders/drain", `{"endpoint": "http://127.0.0.1:4000"}`).want(http.StatusOK)
	for path, endpoint := range map[string]string{
		"orders":   "http://127.0.0.1:4001",
		"monolith": "http://127.0.0.1:3000",
	} {
		p := h.post("/api/v1/backends/"+path+"/drain", `{"endpoint": "`+endpoint+`"}`).problem(http.StatusConflict, "last_endpoint")
		if want := "backend " + path + " would have nobody to serve without " + endpoint + "; nothing was changed"; p.Detail != want || p.Hint == "" {
			t.Errorf("%q, want %q", p.Detail, want)
		}
	}
	p := h.post("/api/v1/backends/orders/drain", "").problem(http.StatusConflict, "last_endpoint")
	if !strings.Contains(p.Detail, "http://127.0.0.1:4000 and http://127.0.0.1:4001") {
		t.Errorf("%q", p.Detail)
	}
	p = h.post("/api/v1/backends/orders/drain", `{"endpoint": "http://127.0.0.1:4002"}`).problem(http.StatusNotFound, "unknown_endpoint")
	if p.Hint != "it has http://127.0.0.1:4000, http://127.0.0.1:4001" {
		t.Errorf("%q", p.Hint)
	}
	h.post("/api/v1/backends/order/drain", "").problem(http.StatusNotFound, "unknown_backend")
}

// A router of the version before takes an endpoint from a backend, and not what
// was drained of it.
func TestOnlyEndpointsThatAreThereServe(t *testing.T) {
	h := openShop(t)
	const gone, first, second = "http://127.0.0.1:3999", "http://127.0.0.1:4000", "http://127.0.0.1:4001"
	_, err := h.store.Control(t.Context(), fleet.Control{Actor: "old"}, func(now fleet.Controlling) (fleet.Controls, error) {
		now.Controls.Drained = []fleet.Drain{{Backend: "orders", Endpoint: gone, Actor: "old", At: now.At}}
		return now.Controls, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	drained := decode[wire.EndpointChange](h.post("/api/v1/backends/orders/drain", `{"endpoint": "`+first+`"}`).want(http.StatusOK))
	if diff := cmp.Diff([]string{second}, drained.Serving); diff != "" {
		t.Error(diff)
	}
	h.post("/api/v1/backends/orders/drain", `{"endpoint": "`+second+`"}`).problem(http.StatusConflict, "last_endpoint")
}
