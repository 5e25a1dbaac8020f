package proxy_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/proxy"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/telemetry"
)

func counting(m *telemetry.Metrics) option { return func(s *settings) { s.options.Metrics = m } }

// metricsPage returns what is counted, by series.
func metricsPage(m *telemetry.Metrics) map[string]string {
	recorder := httptest.NewRecorder()
	m.Handler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	got := map[string]string{}
	for line := range strings.Lines(recorder.Body.String()) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		got[name] = value
	}
	return got
}

// wantMetrics checks some of what is counted; an empty value: no such series.
func wantMetrics(t *testing.T, m *telemetry.Metrics, want map[string]string) {
	t.Helper()
	got := metricsPage(m)
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %q, want %q", name, got[name], value)
		}
	}
}

// quickly is the policy of a new side that retries without delay.
func quickly() guard.Policy {
	p := guard.NewPolicy()
	p.Retry.Base, p.Retry.Cap, p.Retry.Attempts = time.Millisecond, time.Millisecond, 3
	return p
}

func TestRetriesAndFallbackAreCountedOnTheirSides(t *testing.T) {
	const took = 20 * time.Millisecond // by each try on new
	metrics := telemetry.New("")
	ill := backend(t, func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(took)
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	r := start(t, map[string]string{"legacy": named(t, "legacy"), "new": ill}, counting(metrics),
		limited(proxy.Policies{Legacy: guard.LegacyPolicy(), New: quickly()}))
	r.install(1, canary("/orders", routing.FullWeight), legacyOnly())

	res, err := http.Get("http://" + r.addr + "/orders/1")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	line := r.log.entries(t, 1)[0]
	for key, want := range map[string]any{
		"http.response.status_code": 200.0, "strangler.side": "legacy", "strangler.reason": "fallback",
		"strangler.attempts": 4.0, "strangler.retries": 2.0, "strangler.fallback": "503", "strangler.class": "ok",
	} {
		if line[key] != want {
			t.Errorf("%s is %v, want %v", key, line[key], want)
		}
	}
	page := metricsPage(metrics)
	whole, _ := line["first_byte_ms"].(float64)
	head, err := strconv.ParseFloat(page[`strangler_upstream_request_duration_seconds_sum{route="orders",side="legacy"}`], 64)
	if err != nil || head <= 0 || head > whole/1000-(3*took).Seconds() {
		t.Errorf("legacy's head took %v s (%v) of %v ms in all, though new had three tries of %s", head, err, whole, took)
	}
	wantMetrics(t, metrics, map[string]string{
		`strangler_upstream_retries_total{class="failure",route="orders",side="new"}`:    "2",
		`strangler_upstream_attempts_total{route="orders",side="new"}`:                   "3",
		`strangler_upstream_attempts_total{route="orders",side="legacy"}`:                "1",
		`strangler_fallbacks_total{cause="503",route="orders"}`:                          "1",
		`strangler_requests_total{code="200",method="GET",route="orders",side="legacy"}`: "1",
		`strangler_requests_in_flight{route="orders",side="new"}`:                        "0",
		`strangler_requests_in_flight{route="orders",side="legacy"}`:                     "0",
		`strangler_retry_budget_exhausted_total{route="orders",side="new"}`:              "",
		`strangler_breaker_transitions_total{route="orders",side="new",to="open"}`:       "",
	})
}

func TestOpeningBreakerIsCountedAndTold(t *testing.T) {
	metrics := telemetry.New("")
	changes := make(chan guard.Change, 8)
	gone := httptest.NewServer(nil)
	gone.Close()
	r := start(t, map[string]string{"legacy": named(t, "legacy"), "new": gone.URL}, counting(metrics),
		func(s *settings) { s.options.OnBreaker = func(_ proxy.LaneID, c guard.Change) { changes <- c } },
		limited(proxy.Policies{Legacy: guard.LegacyPolicy(), New: quickly()}))
	r.install(1, canary("/orders", routing.FullWeight), legacyOnly())
	for range 3 { // of three tries each; the fifth failure in a row opens the breaker
		res, err := http.Get("http://" + r.addr + "/orders/1")
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("status %d, want legacy's answer", res.StatusCode)
		}
	}
	if c := <-changes; c.Before != guard.Closed || c.After.State != guard.Open || c.After.Reason != guard.ReasonConnections {
		t.Errorf("told of %+v", c)
	}
	if last := r.log.entries(t, 3)[2]; last["strangler.fallback"] != "open" || last["strangler.attempts"] != 1.0 {
		t.Errorf("the last one fell back for %v after %v attempts", last["strangler.fallback"], last["strangler.attempts"])
	}
	wantMetrics(t, metrics, map[string]string{
		`strangler_breaker_transitions_total{route="orders",side="new",to="open"}`:     "1",
		`strangler_upstream_retries_total{class="not_sent",route="orders",side="new"}`: "3",
		`strangler_fallbacks_total{cause="not_sent",route="orders"}`:                   "2",
		`strangler_fallbacks_total{cause="open",route="orders"}`:                       "1",
	})
}

func TestInjectedFaultsAreCounted(t *testing.T) {
	metrics := telemetry.New("")
	r := start(t, map[string]string{"legacy": named(t, "legacy"), "new": named(t, "new")}, counting(metrics))
	r.install(1, canary("/orders", routing.FullWeight), legacyOnly())
	r.proxy.SetControls(proxy.Controls{Faults: []guard.Fault{{
		ID: 7, Route: "orders", Side: "new", Percent: 10000, Status: http.StatusTeapot, Until: time.Now().Add(time.Minute),
	}}})
	for range 2 {
		res, err := http.Get("http://" + r.addr + "/orders/1")
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
	}
	if line := r.log.entries(t, 2)[1]; line["strangler.fault"] != 7.0 || line["http.response.status_code"] != 418.0 {
		t.Errorf("fault %v, status %v", line["strangler.fault"], line["http.response.status_code"])
	}
	wantMetrics(t, metrics, map[string]string{`strangler_faults_injected_total{route="orders",side="new"}`: "2"})
}
