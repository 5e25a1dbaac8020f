package telemetry_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/telemetry"
)

func TestWhatTheGuardDoesIsCountedOnItsLane(t *testing.T) {
	m := telemetry.New("")
	m.SetTable(1, table(map[string]routing.Weight{"orders": 2500}))
	lane := m.Lane("orders", routing.New)
	for _, class := range []guard.Class{guard.NotSent, guard.NotSent, guard.Failure, guard.OK} {
		lane.Retried(class)
	}
	lane.Replayed()
	lane.RetryRefused()
	lane.Injected()
	lane.Injected()
	m.BreakerChanged("orders", routing.New, guard.Open)
	m.BreakerChanged("orders", routing.New, guard.HalfOpen)
	m.BreakerChanged("orders", routing.New, guard.Open)

	want := always(1, 0)
	want[`strangler_route_weight_ratio{route="orders"}`] = 0.25
	want[`strangler_request_duration_seconds_sum{route="orders",side="new"}`] = 0
	want[`strangler_request_duration_seconds_count{route="orders",side="new"}`] = 0
	want[`strangler_upstream_request_duration_seconds_sum{route="orders",side="new"}`] = 0
	want[`strangler_upstream_request_duration_seconds_count{route="orders",side="new"}`] = 0
	want[`strangler_upstream_attempts_total{route="orders",side="new"}`] = 0
	want[`strangler_requests_in_flight{route="orders",side="new"}`] = 0
	want[`strangler_upstream_retries_total{class="not_sent",route="orders",side="new"}`] = 2
	want[`strangler_upstream_retries_total{class="failure",route="orders",side="new"}`] = 1
	want[`strangler_upstream_retries_total{class="throttled",route="orders",side="new"}`] = 1
	want[`strangler_upstream_retries_total{class="stale_connection",route="orders",side="new"}`] = 1
	want[`strangler_retry_budget_exhausted_total{route="orders",side="new"}`] = 1
	want[`strangler_faults_injected_total{route="orders",side="new"}`] = 2
	want[`strangler_breaker_transitions_total{route="orders",side="new",to="open"}`] = 2
	want[`strangler_breaker_transitions_total{route="orders",side="new",to="half_open"}`] = 1
	wantSeries(t, m, want)

	m.SetTable(2, table(nil))
	if page := text(t, m); strings.Contains(page, `"orders"`) {
		t.Errorf("the route is gone, and there are still series of it:\n%s", page)
	}
	lane.Retried(guard.NotSent)
	m.BreakerChanged("orders", routing.New, guard.Closed)
	m.BreakerChanged("never met", routing.New, guard.Closed)
	if page := text(t, m); strings.Contains(page, `"orders"`) || strings.Contains(page, "never met") {
		t.Errorf("what came late brought series back:\n%s", page)
	}
}

func TestFallbacksAreCountedByCause(t *testing.T) {
	m := telemetry.New("")
	m.SetTable(1, table(map[string]routing.Weight{"orders": 10000}))
	toNew, toLegacy := m.Lane("orders", routing.New), m.Lane("orders", routing.Legacy)
	for range 2 {
		toNew.Begin()
		toNew.Leave(3)
		x := served()
		x.Attempts, x.Elsewhere, x.Fallback = 4, 3, guard.FallbackTimeout
		pass(toLegacy, x)
	}
	toNew.Begin()
	toNew.Leave(0)
	x := served()
	x.Fallback = guard.FallbackOpen
	pass(toLegacy, x)
	refused := &exchange.Exchange{Method: "GET", Status: 503, FallbackRefused: guard.FallbackOpen}
	pass(toNew, refused)

	got := scrape(t, m)
	for name, want := range map[string]float64{
		`strangler_fallbacks_total{cause="timeout",route="orders"}`:                   2,
		`strangler_fallbacks_total{cause="open",route="orders"}`:                      1,
		`strangler_fallbacks_refused_total{cause="open",route="orders"}`:              1,
		`strangler_upstream_attempts_total{route="orders",side="new"}`:                6,
		`strangler_upstream_attempts_total{route="orders",side="legacy"}`:             3,
		`strangler_requests_in_flight{route="orders",side="new"}`:                     0,
		`strangler_requests_total{code="503",method="GET",route="orders",side="new"}`: 1,
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	m.SetTable(2, table(nil))
	if page := text(t, m); strings.Contains(page, `"orders"`) {
		t.Errorf("the route is gone, and there are still series of it:\n%s", page)
	}
}

// guarded is a router with one lane that requests have met, and one that is quiet.
func guarded(state guard.State) *telemetry.Metrics {
	m := telemetry.New("")
	pass(m.Lane("orders", routing.New), served())
	m.Lane("quiet", routing.New)
	m.Guards(func() []telemetry.LaneGuard {
		return []telemetry.LaneGuard{
			{Route: "orders", Side: routing.New, Breaker: state, InUse: 7, Waiting: 2, Streams: 3, Rejected: 11, Retries: 30},
			{Route: "quiet", Side: routing.New},
			{Route: "unknown", Side: routing.Legacy},
		}
	}, func() []telemetry.BackendGuard {
		return []telemetry.BackendGuard{{
			Name: "new-shop", InUse: 9, Waiting: 1, Rejected: 4, Fallbacks: 5, Endpoints: []guard.EndpointState{
				{Address: "http://127.0.0.1:1", Healthy: true},
				{Address: "http://127.0.0.1:2"},
				{Address: "http://127.0.0.1:3", Healthy: true, Drained: true},
				{Address: "http://127.0.0.1:4", Healthy: true, Ejected: time.Unix(1, 0)},
			},
		}}
	})
	return m
}

func TestScrapeShowsTheGuards(t *testing.T) {
	m := guarded(guard.HalfOpen)
	got := scrape(t, m)
	for name, want := range map[string]float64{
		`strangler_breaker_state{route="orders",side="new"}`:                      1,
		`strangler_bulkhead_in_use{route="orders",side="new"}`:                    7,
		`strangler_bulkhead_waiting{route="orders",side="new"}`:                   2,
		`strangler_bulkhead_streams{route="orders",side="new"}`:                   3,
		`strangler_bulkhead_rejected_total{route="orders",side="new"}`:            11,
		`strangler_retry_budget_left{route="orders",side="new"}`:                  30,
		`strangler_backend_bulkhead_in_use{backend="new-shop"}`:                   9,
		`strangler_backend_bulkhead_waiting{backend="new-shop"}`:                  1,
		`strangler_backend_bulkhead_rejected_total{backend="new-shop"}`:           4,
		`strangler_fallback_budget_rate{backend="new-shop"}`:                      5,
		`strangler_endpoint_up{backend="new-shop",endpoint="http://127.0.0.1:1"}`: 1,
		`strangler_endpoint_up{backend="new-shop",endpoint="http://127.0.0.1:2"}`: 0,
		`strangler_endpoint_up{backend="new-shop",endpoint="http://127.0.0.1:3"}`: 0,
		`strangler_endpoint_up{backend="new-shop",endpoint="http://127.0.0.1:4"}`: 0,
	} {
		if value, ok := got[name]; !ok || value != want {
			t.Errorf("%s is %v (there: %v), want %v", name, value, ok, want)
		}
	}
	if page := text(t, m); strings.Contains(page, "quiet") || strings.Contains(page, "unknown") {
		t.Errorf("lanes that no request has met are shown:\n%s", page)
	}
}

func TestBreakerStatesAreOrderedByHowLittlePasses(t *testing.T) {
	for state, want := range map[guard.State]float64{guard.Closed: 0, guard.HalfOpen: 1, guard.Open: 2} {
		if got := scrape(t, guarded(state))[`strangler_breaker_state{route="orders",side="new"}`]; got != want {
			t.Errorf("%s is %v, want %v", state, got, want)
		}
	}
}
