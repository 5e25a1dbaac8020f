package telemetry_test

import (
	"bufio"
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/telemetry"
)

// text is what a scraper without protobuf gets.
func text(t *testing.T, m *telemetry.Metrics) string {
	t.Helper()
	recorder := httptest.NewRecorder()
	m.Handler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if recorder.Code != http.StatusOK {
		t.Fatalf("status %d: %s", recorder.Code, recorder.Body)
	}
	return recorder.Body.String()
}

// scrape returns our series and their values, without the buckets.
func scrape(t *testing.T, m *telemetry.Metrics) map[string]float64 {
	t.Helper()
	series := map[string]float64{}
	lines := bufio.NewScanner(strings.NewReader(text(t, m)))
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if !strings.HasPrefix(name, "strangler_") || strings.Contains(name, "_bucket{") || strings.Contains(name, "build_info") {
			continue
		}
		number, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
		series[name] = number
	}
	return series
}

func wantSeries(t *testing.T, m *telemetry.Metrics, want map[string]float64) {
	t.Helper()
	got := scrape(t, m)
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %v, want %v", name, got[name], value)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("unexpected %s %v", name, got[name])
		}
	}
}

// always is what there is without any exchange.
func always(revision, clientFaults float64) map[string]float64 {
	return map[string]float64{"strangler_config_revision": revision, "strangler_client_faults_total": clientFaults}
}

func table(weights map[string]routing.Weight) func(yield func(string, routing.Weight) bool) {
	return maps.All(weights)
}

func served() *exchange.Exchange {
	return &exchange.Exchange{
		Method: http.MethodGet, Status: http.StatusOK, Attempts: 1,
		FirstByte: 350 * time.Millisecond, HeadTook: 250 * time.Millisecond, Duration: 500 * time.Millisecond,
		Assignment: routing.Assignment{Stage: routing.StageCanary, Point: 17, Keyed: true, Key: routing.KeyCookie},
	}
}

// pass takes one exchange through a lane.
func pass(lane *telemetry.Lane, x *exchange.Exchange) {
	lane.Begin()
	lane.End(x)
}

func TestExchangeIsCountedOnItsLane(t *testing.T) {
	m := telemetry.New("1.2.3")
	m.SetTable(12, table(map[string]routing.Weight{"orders-get": 2500}))
	lane := m.Lane("orders-get", routing.New)
	for range 2 {
		pass(lane, served())
	}
	lane.Begin()

	want := always(12, 0)
	want[`strangler_route_weight_ratio{route="orders-get"}`] = 0.25
	want[`strangler_requests_total{code="200",method="GET",route="orders-get",side="new"}`] = 2
	want[`strangler_request_duration_seconds_sum{route="orders-get",side="new"}`] = 1
	want[`strangler_request_duration_seconds_count{route="orders-get",side="new"}`] = 2
	want[`strangler_upstream_request_duration_seconds_sum{route="orders-get",side="new"}`] = 0.5
	want[`strangler_upstream_request_duration_seconds_count{route="orders-get",side="new"}`] = 2
	want[`strangler_upstream_attempts_total{route="orders-get",side="new"}`] = 2
	want[`strangler_cohort_keys_total{route="orders-get",source="cookie"}`] = 2
	want[`strangler_requests_in_flight{route="orders-get",side="new"}`] = 1
	wantSeries(t, m, want)
}

func TestLabelsAreBounded(t *testing.T) {
	m := telemetry.New("")
	lane := m.Lane("", routing.Legacy)
	for _, x := range []exchange.Exchange{
		{Method: "GET", Status: 0},
		{Method: "GET", Status: 99},
		{Method: "GET", Status: 600},
		{Method: "GET", Status: -1},
		{Method: "get", Status: 100},
		{Method: "BREW\r\n", Status: 599},
		{Method: strings.Repeat("X", 5000), Status: 599},
		{Method: "", Status: 499},
	} {
		pass(lane, &x)
	}
	var got []string
	for name, value := range scrape(t, m) {
		if labels, ok := strings.CutPrefix(name, "strangler_requests_total"); ok {
			got = append(got, labels+" "+strconv.Itoa(int(value)))
		}
	}
	slices.Sort(got)
	want := []string{
		`{code="100",method="OTHER",route="",side="legacy"} 1`,
		`{code="499",method="OTHER",route="",side="legacy"} 1`,
		`{code="599",method="OTHER",route="",side="legacy"} 2`,
		`{code="other",method="GET",route="",side="legacy"} 4`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("counted\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestStandardMethodsKeepTheirNames(t *testing.T) {
	m := telemetry.New("")
	lane := m.Lane("r", routing.Legacy)
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"} {
		pass(lane, &exchange.Exchange{Method: method, Status: 204})
		name := `strangler_requests_total{code="204",method="` + method + `",route="r",side="legacy"}`
		if got := scrape(t, m)[name]; got != 1 {
			t.Errorf("%s is %v", name, got)
		}
	}
}

func TestStreamsDoNotSpoilTheDuration(t *testing.T) {
	for kind, want := range map[exchange.Kind]float64{
		exchange.KindPlain: 1, exchange.KindGRPC: 1, exchange.KindUpgrade: 0, exchange.KindEvents: 0,
	} {
		m := telemetry.New("")
		x := served()
		x.Kind = kind
		pass(m.Lane("r", routing.New), x)
		got := scrape(t, m)
		if n := got[`strangler_request_duration_seconds_count{route="r",side="new"}`]; n != want {
			t.Errorf("%s: %v durations, want %v", kind, n, want)
		}
		if n := got[`strangler_upstream_request_duration_seconds_count{route="r",side="new"}`]; n != 1 {
			t.Errorf("%s: %v upstream durations", kind, n)
		}
	}
}

func TestNothingIsObservedOfABackendThatWasNotAsked(t *testing.T) {
	m := telemetry.New("")
	pass(m.Lane("r", routing.New), &exchange.Exchange{
		Method: "GET", Status: 503, Duration: time.Millisecond, Problem: &exchange.Problem{Code: "no_endpoint"},
	})
	got := scrape(t, m)
	for _, name := range []string{
		`strangler_upstream_request_duration_seconds_count{route="r",side="new"}`,
		`strangler_upstream_attempts_total{route="r",side="new"}`,
	} {
		if got[name] != 0 {
			t.Errorf("%s is %v", name, got[name])
		}
	}
	if n := got[`strangler_problems_total{code="no_endpoint"}`]; n != 1 {
		t.Errorf("%v problems", n)
	}
}

func TestClientFaults(t *testing.T) {
	m := telemetry.New("")
	lane := m.Lane("r", routing.Legacy)
	for class := guard.OK; class <= guard.ClientGone; class++ {
		pass(lane, &exchange.Exchange{Method: "POST", Status: 400, Class: class})
	}
	if n := scrape(t, m)["strangler_client_faults_total"]; n != 1 {
		t.Errorf("%v client faults, want only class client_fault to count", n)
	}
}

func TestCohortKeySources(t *testing.T) {
	keyed := func(kind routing.KeyKind) routing.Assignment {
		return routing.Assignment{Stage: routing.StageCanary, Keyed: true, Key: kind}
	}
	for source, assignment := range map[string]routing.Assignment{
		"header":         keyed(routing.KeyHeader),
		"cookie":         keyed(routing.KeyCookie),
		"claim":          keyed(routing.KeyClaim),
		"client_address": keyed(routing.KeyClientAddress),
		"minted_cookie":  keyed(routing.KeyMint),
		"none":           {Stage: routing.StageCanary, Reason: routing.ReasonNoKey, Point: -1, Mint: true},
	} {
		m := telemetry.New("")
		pass(m.Lane("r", routing.New), &exchange.Exchange{Method: "GET", Status: 200, Assignment: assignment})
		for name, value := range scrape(t, m) {
			if strings.HasPrefix(name, "strangler_cohort_keys_total") &&
				(name != `strangler_cohort_keys_total{route="r",source="`+source+`"}` || value != 1) {
				t.Errorf("%s: counted %s %v", source, name, value)
			}
		}
	}
	m := telemetry.New("")
	pass(m.Lane("r", routing.New), &exchange.Exchange{Method: "GET", Status: 200, Assignment: routing.Assignment{Stage: routing.StageNew}})
	if strings.Contains(text(t, m), "strangler_cohort_keys_total{") {
		t.Error("a key was counted in a stage that ignores keys")
	}
}

func TestBuildInfo(t *testing.T) {
	want := `strangler_build_info{go_version="` + runtime.Version() + `",version="1.2.3"} 1`
	if page := text(t, telemetry.New("1.2.3")); !strings.Contains(page, want) {
		t.Errorf("no %s", want)
	}
}

func TestNamesFollowThePrometheusConventions(t *testing.T) {
	m := guarded(guard.Open)
	m.SetTable(1, table(map[string]routing.Weight{"orders": 100}))
	x := served()
	x.Problem, x.Fallback, x.FallbackRefused = &exchange.Problem{Code: "upstream_timeout"}, guard.Fallback502, guard.Fallback502
	lane := m.Lane("orders", routing.New)
	pass(lane, x)
	lane.Retried(guard.NotSent)
	lane.RetryRefused()
	lane.Injected()
	m.BreakerChanged("orders", routing.New, guard.Open)
	shadow := m.Shadow("orders")
	shadow.Compared("match")
	shadow.Skipped("method")
	shadow.Took(routing.New, time.Second)
	m.ShadowState(func() telemetry.ShadowState {
		return telemetry.ShadowState{Lanes: []telemetry.ShadowLane{{Route: "orders"}}}
	})
	problems, err := promlint.New(strings.NewReader(text(t, m))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "strangler_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

func TestHistogramsAreClassicAndNative(t *testing.T) {
	m := telemetry.New("")
	pass(m.Lane("r", routing.New), served())
	request := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	request.Header.Set("Accept", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited")
	recorder := httptest.NewRecorder()
	m.Handler().ServeHTTP(recorder, request)
	decoder := expfmt.NewDecoder(recorder.Body, expfmt.ResponseFormat(recorder.Header()))
	for {
		var family dto.MetricFamily
		if err := decoder.Decode(&family); err != nil {
			t.Fatalf("no strangler_request_duration_seconds: %v", err)
		}
		if family.GetName() != "strangler_request_duration_seconds" {
			continue
		}
		h := family.GetMetric()[0].GetHistogram()
		if h.GetSampleCount() != 1 || len(h.GetBucket()) != 14 || len(h.GetPositiveSpan()) != 1 || h.GetSchema() != 3 {
			t.Errorf("histogram %v", h)
		}
		return
	}
}

func TestRecordingAllocatesNothing(t *testing.T) {
	m := telemetry.New("")
	lane, x := m.Lane("orders-get", routing.New), served()
	record := func() { pass(lane, x) }
	record()
	if allocs := testing.AllocsPerRun(1000, record); allocs > 0 {
		t.Errorf("%v allocations per exchange", allocs)
	}
}

func BenchmarkLane(b *testing.B) {
	m := telemetry.New("")
	lane, x := m.Lane("orders-get", routing.New), served()
	b.ReportAllocs()
	for b.Loop() {
		pass(lane, x)
	}
}

func BenchmarkSetTable10000(b *testing.B) {
	m := telemetry.New("")
	weights := map[string]routing.Weight{}
	for i := range 10_000 {
		weights["route-"+strconv.Itoa(i)] = 100
	}
	for b.Loop() {
		m.SetTable(1, table(weights))
	}
}
