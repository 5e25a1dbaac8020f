package tracing_test

import (
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/proxy"
	"github.com/stranglerfig/strangler/internal/routing"
)

const (
	traceText = "4bf92f3577b34da6a3ce929d0e0e4736"
	spanText  = "00f067aa0ba902b7"
	sampled   = "00-" + traceText + "-" + spanText + "-01"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestARetryAndAFallbackAreSpansOfOneTrace(t *testing.T) {
	collector := newCollector(t)
	legacyURL, legacy := backend(t, http.StatusOK)
	newURL, successor := backend(t, http.StatusServiceUnavailable)
	r := startRouter(t, legacyURL, newURL, newTracer(t, collector.URL+"/v1/traces", routing.FullWeight, discard()))

	status := r.get("/orders/42?secret=1", http.Header{"Traceparent": {sampled}, "Tracestate": {"v=1", "w=2"}, "User-Agent": {"test"}})
	if status != http.StatusOK {
		t.Fatalf("the client got %d, want 200 by legacy", status)
	}
	r.flush()

	spans := collector.got(traceText)
	if len(spans) != 4 {
		t.Fatalf("%d spans came, want the server's and three tries: %v", len(spans), spans)
	}
	server, tries := spans[0], spans[1:]
	if got := hex.EncodeToString(server.GetParentSpanId()); got != spanText {
		t.Errorf("the server span's parent is %s, want the caller's %s", got, spanText)
	}
	if server.GetName() != "GET orders" || server.GetKind() != tracepb.Span_SPAN_KIND_SERVER || server.GetTraceState() != "v=1,w=2" {
		t.Errorf("the server span is %s (%s) with state %q", server.GetName(), server.GetKind(), server.GetTraceState())
	}
	asked := append(successor.all(), legacy.all()...)
	if len(asked) != len(tries) {
		t.Fatalf("the backends were asked %d times, want %d", len(asked), len(tries))
	}
	for i, try := range tries {
		if hex.EncodeToString(try.GetParentSpanId()) != hex.EncodeToString(server.GetSpanId()) {
			t.Errorf("try %d hangs below %x, want the server span %x", i, try.GetParentSpanId(), server.GetSpanId())
		}
		want := fmt.Sprintf("00-%s-%x-01", traceText, try.GetSpanId())
		if got := asked[i]["Traceparent"]; !cmp.Equal(got, []string{want}) {
			t.Errorf("try %d was sent with traceparent %q, want %q", i, got, want)
		}
		if got := asked[i]["Tracestate"]; !cmp.Equal(got, []string{"v=1,w=2"}) {
			t.Errorf("try %d was sent with tracestate %q", i, got)
		}
		if try.GetStartTimeUnixNano() < server.GetStartTimeUnixNano() || try.GetEndTimeUnixNano() > server.GetEndTimeUnixNano() ||
			try.GetEndTimeUnixNano() <= try.GetStartTimeUnixNano() {
			t.Errorf("try %d lasts from %d to %d, the exchange from %d to %d", i, try.GetStartTimeUnixNano(),
				try.GetEndTimeUnixNano(), server.GetStartTimeUnixNano(), server.GetEndTimeUnixNano())
		}
	}
	checkTries(t, tries, legacyURL, newURL)
	checkServer(t, server)
	if got := r.entry()["trace_id"]; got != traceText {
		t.Errorf("the access log has trace_id %v, want %s", got, traceText)
	}
	wantResource := map[string]any{"service.name": "strangler", "service.version": "1.2.3", "service.instance.id": "router-1"}
	for key, want := range wantResource {
		if collector.resource[key] != want {
			t.Errorf("the resource has %s %v, want %v", key, collector.resource[key], want)
		}
	}
	if got := r.tracer.Counts(); got.Exported != 4 || got.Dropped != 0 || got.Failed != 0 {
		t.Errorf("counted %+v, want 4 exported", got)
	}
}

// checkTries compares what two tries at new and one at legacy say.
func checkTries(t *testing.T, tries []*tracepb.Span, legacyURL, newURL string) {
	t.Helper()
	want := []map[string]any{
		{"strangler.side": "new", "strangler.backend": "new", "http.response.status_code": int64(503), "strangler.class": "failure", "error.type": "503"},
		{
			"strangler.side": "new", "strangler.backend": "new", "http.response.status_code": int64(503), "strangler.class": "failure",
			"error.type": "503", "http.request.resend_count": int64(1),
		},
		{
			"strangler.side": "legacy", "strangler.backend": "legacy", "http.response.status_code": int64(200), "strangler.class": "ok",
			"http.request.resend_count": int64(2),
		},
	}
	endpoints := []string{newURL, newURL, legacyURL}
	for i, try := range tries {
		got := values(try.GetAttributes())
		want[i]["http.request.method"] = "GET"
		want[i]["url.full"] = endpoints[i] + "/orders/42"
		want[i]["strangler.endpoint"] = endpoints[i]
		want[i]["server.address"] = "127.0.0.1"
		delete(got, "server.port")
		if diff := cmp.Diff(want[i], got); diff != "" {
			t.Errorf("try %d (-want +got):\n%s", i, diff)
		}
		if failed := try.GetStatus().GetCode() == tracepb.Status_STATUS_CODE_ERROR; failed != (i < 2) || try.GetName() != "GET" {
			t.Errorf("try %d is %q, failed: %v", i, try.GetName(), failed)
		}
	}
}

// checkServer compares what the server span says beside the addresses.
func checkServer(t *testing.T, server *tracepb.Span) {
	t.Helper()
	got := values(server.GetAttributes())
	for _, key := range []string{"strangler.request_id", "strangler.endpoint", "server.port", "network.peer.port"} {
		if got[key] == nil {
			t.Errorf("the server span has no %s", key)
		}
		delete(got, key)
	}
	want := map[string]any{
		"http.request.method": "GET", "url.scheme": "http", "url.path": "/orders/42", "server.address": "127.0.0.1",
		"network.protocol.version": "1.1", "user_agent.original": "test", "client.address": "127.0.0.1",
		"http.request.body.size": int64(0), "http.response.body.size": int64(0), "http.response.status_code": int64(200),
		"strangler.backend": "legacy", "strangler.attempts": int64(3), "strangler.class": "ok", "strangler.retries": int64(1),
		"strangler.fallback": "503", "strangler.route": "orders", "strangler.side": "legacy", "strangler.reason": "fallback",
		"strangler.stage": "new", "strangler.revision": int64(7),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the server span (-want +got):\n%s", diff)
	}
	if len(server.GetEvents()) != 1 || server.GetEvents()[0].GetName() != "feature_flag.evaluation" {
		t.Fatalf("the events are %v, want one evaluation", server.GetEvents())
	}
	wantFlag := map[string]any{
		"feature_flag.provider.name": "strangler", "feature_flag.key": "orders", "feature_flag.result.variant": "legacy",
		"feature_flag.result.reason": "error", "feature_flag.version": "7",
	}
	if diff := cmp.Diff(wantFlag, values(server.GetEvents()[0].GetAttributes())); diff != "" {
		t.Errorf("the evaluation (-want +got):\n%s", diff)
	}
	if server.GetStatus().GetCode() == tracepb.Status_STATUS_CODE_ERROR {
		t.Error("the exchange is told as failed, though the client has its answer")
	}
}

func TestAFaultIsNamedOnTheTryThatMetIt(t *testing.T) {
	collector := newCollector(t)
	legacyURL, _ := backend(t, http.StatusOK)
	newURL, successor := backend(t, http.StatusOK)
	r := startRouter(t, legacyURL, newURL, newTracer(t, collector.URL, routing.FullWeight, discard()))
	r.proxy.SetControls(proxy.Controls{Faults: []guard.Fault{{
		ID: 12, Route: "orders", Side: "new", Percent: 10000, Status: http.StatusServiceUnavailable, Until: time.Now().Add(time.Hour),
	}}})
	if status := r.get("/orders", http.Header{"Traceparent": {sampled}}); status != http.StatusOK {
		t.Fatalf("the client got %d", status)
	}
	r.flush()
	if asked := len(successor.all()); asked != 0 {
		t.Fatalf("new was asked %d times behind the fault", asked)
	}
	spans := collector.got(traceText)
	if len(spans) != 4 {
		t.Fatalf("%d spans came, want 4", len(spans))
	}
	for i, want := range []any{int64(12), int64(12), int64(12), nil} { // the server's, two tries at new, one at legacy
		if got := values(spans[i].GetAttributes())["strangler.fault"]; got != want {
			t.Errorf("span %d names the fault %v, want %v", i, got, want)
		}
	}
	if got := values(spans[1].GetAttributes()); got["error.type"] != "503" || got["http.response.status_code"] != int64(503) {
		t.Errorf("the first try is %v, want the answer of the fault", got)
	}
}

func TestWhoIsSampled(t *testing.T) {
	for _, test := range []struct {
		name   string
		sample routing.Weight
		parent string
		told   bool
		flags  string // to the backend
	}{
		{"all, alone", routing.FullWeight, "", true, "01"},
		{"none, alone", 0, "", false, "00"},
		{"none, but the caller is", 0, sampled, true, "01"},
		{"all, but the caller is not", routing.FullWeight, strings.TrimSuffix(sampled, "1") + "0", false, "00"},
	} {
		t.Run(test.name, func(t *testing.T) {
			collector := newCollector(t)
			legacyURL, legacy := backend(t, http.StatusOK)
			r := startRouter(t, legacyURL, legacyURL, newTracer(t, collector.URL, test.sample, discard()))
			header := http.Header{}
			if test.parent != "" {
				header.Set("Traceparent", test.parent)
			}
			r.get("/", header)
			r.flush()
			traceID, _ := r.entry()["trace_id"].(string)
			if len(traceID) != 32 || test.parent != "" && traceID != traceText {
				t.Errorf("the access log has trace_id %q", traceID)
			}
			sent := legacy.all()[0].Get("Traceparent")
			if !strings.HasPrefix(sent, "00-"+traceID+"-") || !strings.HasSuffix(sent, "-"+test.flags) || strings.Contains(sent, spanText) {
				t.Errorf("the backend got traceparent %q, want one of trace %s with flags %s", sent, traceID, test.flags)
			}
			if got := len(collector.got(traceID)); got != map[bool]int{true: 2}[test.told] {
				t.Errorf("%d spans came, told: %v", got, test.told)
			}
		})
	}
}

func TestHostileTracesBeginAnew(t *testing.T) {
	collector := newCollector(t)
	legacyURL, legacy := backend(t, http.StatusOK)
	r := startRouter(t, legacyURL, legacyURL, newTracer(t, collector.URL, routing.FullWeight, discard()))
	hostile := []http.Header{
		{"Traceparent": {sampled, sampled}, "Tracestate": {"v=1"}},
		{"Traceparent": {"00-" + strings.Repeat("0", 32) + "-" + spanText + "-01"}, "Tracestate": {"v=1"}},
		{"Traceparent": {strings.ToUpper(sampled)}, "Tracestate": {"v=1"}},
		{"Traceparent": {"ff" + sampled[2:]}},
		{"Traceparent": {sampled + strings.Repeat("-x", 4000)}},
		{"Traceparent": {`00-"}{"a":"b","cccccccccccccccc-` + spanText + "-01"}},
		{"Tracestate": {"v=1"}}, // without a traceparent it means nothing
	}
	for _, header := range hostile {
		r.get("/", header)
	}
	r.get("/", http.Header{"Traceparent": {sampled}, "Tracestate": {strings.Repeat("=,", 600)}})
	r.flush()
	all := legacy.all()
	for i, fields := range all {
		if state := fields["Tracestate"]; len(state) != 0 {
			t.Errorf("request %d was sent on with tracestate %q", i, state)
		}
		if got := fields["Traceparent"]; len(got) != 1 || len(got[0]) != 55 || strings.Contains(got[0], traceText) != (i == len(hostile)) {
			t.Errorf("request %d was sent on with traceparent %q", i, got)
		}
	}
	if got := len(collector.got(traceText)); got != 2 {
		t.Errorf("%d spans are in the trace that one request belongs to, want 2", got)
	}
	if got := r.tracer.Counts().Exported; got != uint64(2*len(all)) {
		t.Errorf("%d spans were exported, want %d", got, 2*len(all))
	}
}

func TestBytesThatAreNoTextDoNotSpoilABatch(t *testing.T) {
	collector := newCollector(t)
	legacyURL, _ := backend(t, http.StatusOK)
	r := startRouter(t, legacyURL, legacyURL, newTracer(t, collector.URL, routing.FullWeight, discard()))
	r.get("/", http.Header{"Traceparent": {sampled}, "User-Agent": {"caf\xe9" + strings.Repeat("x", 5000)}})
	r.flush()
	spans := collector.got(traceText)
	if len(spans) != 2 {
		t.Fatalf("%d spans came, want 2", len(spans))
	}
	agent, _ := values(spans[0].GetAttributes())["user_agent.original"].(string)
	if !strings.HasPrefix(agent, "caf\uFFFDxxx") || len([]rune(agent)) != 1024 {
		t.Errorf("the user agent has %d characters and begins %.20q", len([]rune(agent)), agent)
	}
}

func TestWithoutATracerNothingOnTheWireChanges(t *testing.T) {
	legacyURL, legacy := backend(t, http.StatusOK)
	for _, test := range []struct {
		header http.Header
		log    any
	}{
		{http.Header{"Traceparent": {sampled}, "Tracestate": {"v=1", "w=2"}}, traceText},
		{http.Header{"Traceparent": {"nonsense"}, "Tracestate": {"=,"}}, nil},
		{http.Header{"Traceparent": {`00-"}{"a":"b","cccccccccccccccc-` + spanText + "-01"}}, nil},
		{http.Header{}, nil},
	} {
		r := startRouter(t, legacyURL, legacyURL, nil)
		r.get("/", test.header)
		r.end()
		if got := r.entry()["trace_id"]; got != test.log {
			t.Errorf("%v: the access log has trace_id %v, want %v", test.header, got, test.log)
		}
		all := legacy.all()
		got := all[len(all)-1]
		for _, name := range []string{"Traceparent", "Tracestate"} {
			if diff := cmp.Diff(test.header[name], got[name]); diff != "" {
				t.Errorf("%s (-sent +arrived):\n%s", name, diff)
			}
		}
	}
}

func TestAnAnswerOfTheRouterIsASpan(t *testing.T) {
	collector := newCollector(t)
	gone, _ := backend(t, http.StatusOK)
	r := startRouter(t, "http://127.0.0.1:1", gone, newTracer(t, collector.URL, routing.FullWeight, discard()))
	if status := r.get("/", http.Header{"Traceparent": {sampled}}); status != http.StatusBadGateway {
		t.Fatalf("the client got %d, want 502", status)
	}
	r.flush()
	spans := collector.got(traceText)
	if len(spans) < 2 {
		t.Fatalf("%d spans came", len(spans))
	}
	server, try := values(spans[0].GetAttributes()), values(spans[1].GetAttributes())
	if server["error.type"] == nil || server["error.type"] != server["strangler.problem"] || server["http.response.status_code"] != int64(502) ||
		spans[0].GetStatus().GetCode() != tracepb.Status_STATUS_CODE_ERROR {
		t.Errorf("the exchange is told as %v", server)
	}
	if try["error.type"] != "not_sent" || !strings.Contains(fmt.Sprint(try["strangler.error"]), "refused") {
		t.Errorf("the try is told as %v", try)
	}
}
