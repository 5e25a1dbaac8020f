package app_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/app"
)

// eventually asks until the data listener has answered so many times in a row
// as wanted.
func (r running) eventually(t *testing.T, path, want string, inARow int) {
	t.Helper()
	for deadline, met := time.Now().Add(20*time.Second), 0; met < inARow; {
		if _, body := r.get(t, path); body == want {
			met++
			continue
		} else if met = 0; time.Now().After(deadline) {
			t.Fatalf("%s: got %q, want %q %d times in a row", path, body, want, inARow)
		}
	}
}

// never asks so often and refuses one answer. What else comes depends on the
// budget of fallbacks.
func (r running) never(t *testing.T, path, unwanted string, times int) {
	t.Helper()
	for range times {
		if _, body := r.get(t, path); body == unwanted {
			t.Fatalf("%s: got %q", path, body)
		}
	}
}

// served is a router with a route whose new side serves everything.
func served(t *testing.T, file, endpoints string) running {
	t.Helper()
	r := run(t, func(c *app.Config) { c.Database = "sqlite:" + file }, quiet())
	r.admin(t, "POST", "/api/v1/apply", "application/yaml", fmt.Sprintf(`
backends:
  - {name: old, endpoints: [%q]}
  - {name: next, endpoints: [%s]}
routes:
  - {name: orders, match: {path: /orders}, legacy: old, new: next}
`, side(t, "legacy"), endpoints))
	r.admin(t, "POST", "/api/v1/routes/orders/promote", "application/json", `{"to": "100%"}`)
	return r
}

// A fault goes from the API into the data plane, opens the breaker while
// fallback keeps users whole, outlives a restart, and is gone when it is stopped.
func TestAFaultIsMetByTheGuard(t *testing.T) {
	file := filepath.Join(t.TempDir(), "s.db")
	r := served(t, file, side(t, "new"))
	r.eventually(t, "/orders", "new", 1)
	started := decoded[wire.FaultChange](t, r.admin(t, "POST", "/api/v1/faults", "application/json", `{"route":"orders","side":"new","reset":true,"for":"10m"}`))
	r.eventually(t, "/orders", "legacy", 1)
	r.never(t, "/orders", "new", 40)
	breakers := decoded[[]wire.Breaker](t, r.admin(t, "GET", "/api/v1/breakers", "", ""))
	if len(breakers) != 1 || breakers[0].Route != "orders" || breakers[0].Side != "new" || breakers[0].State == wire.BreakerStateClosed || breakers[0].Failures == 0 {
		t.Errorf("breakers %+v, want the one of the new side, not closed", breakers)
	}
	if err := r.end(); err != nil {
		t.Fatal(err)
	}

	again := run(t, func(c *app.Config) { c.Database = "sqlite:" + file }, quiet())
	again.never(t, "/orders", "new", 40)
	again.admin(t, "DELETE", fmt.Sprintf("/api/v1/faults/%d", started.Faults[0].ID), "", "")
	again.admin(t, "POST", "/api/v1/breakers/orders/reset", "application/json", `{"side":"new"}`)
	again.eventually(t, "/orders", "new", 5)
	if left := decoded[[]wire.Breaker](t, again.admin(t, "GET", "/api/v1/breakers", "", "")); len(left) != 0 {
		t.Errorf("breakers %+v, want none that is open", left)
	}
}

// The others of the fleet learn of an open breaker by the heartbeat.
func TestAnOpenBreakerIsToldToTheFleet(t *testing.T) {
	r := served(t, filepath.Join(t.TempDir(), "s.db"), side(t, "new"))
	r.admin(t, "POST", "/api/v1/faults", "application/json", `{"route":"orders","side":"new","status":503,"for":"10m"}`)
	for deadline := time.Now().Add(30 * time.Second); ; {
		r.get(t, "/orders")
		instances := decoded[[]wire.Instance](t, r.admin(t, "GET", "/api/v1/instances", "", ""))
		if len(instances) == 1 && instances[0].Trouble != nil && len(instances[0].Trouble.Lanes) == 1 {
			if lane := instances[0].Trouble.Lanes[0]; lane.Route != "orders" || lane.Side != "new" || lane.Breaker == wire.BreakerStateClosed {
				t.Errorf("%+v", lane)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("no trouble: %+v", instances)
		}
	}
}

func TestADrainedEndpointGetsNothing(t *testing.T) {
	first := side(t, "first")
	r := served(t, filepath.Join(t.TempDir(), "s.db"), first+", "+side(t, "second"))
	r.eventually(t, "/orders", "first", 1)
	r.admin(t, http.MethodPost, "/api/v1/backends/next/drain", "application/json", fmt.Sprintf(`{"endpoint": %q}`, first))
	r.eventually(t, "/orders", "second", 30)
	r.admin(t, http.MethodPost, "/api/v1/backends/next/ready", "application/json", "")
	r.eventually(t, "/orders", "first", 1)
}
