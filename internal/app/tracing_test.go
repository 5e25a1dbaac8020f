package app_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/stranglerfig/strangler/internal/app"
)

func TestTracesOfARouter(t *testing.T) {
	var asked atomic.Pointer[string] // where the last batch was sent
	var spans atomic.Int64
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		var request collectorpb.ExportTraceServiceRequest
		if err := proto.Unmarshal(body, &request); err != nil {
			t.Error(err)
		}
		asked.Store(&r.URL.Path)
		for _, scope := range request.GetResourceSpans()[0].GetScopeSpans() {
			spans.Add(int64(len(scope.GetSpans())))
		}
	}))
	t.Cleanup(collector.Close)
	var traceparent atomic.Pointer[string]
	legacy := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		sent := r.Header.Get("Traceparent")
		traceparent.Store(&sent)
	}))
	t.Cleanup(legacy.Close)

	r := run(t, func(c *app.Config) { c.Legacy, c.OTLPEndpoint = legacy.URL, collector.URL }, quiet())
	if status, _ := r.get(t, "/"); status != http.StatusOK {
		t.Fatalf("the client got %d", status)
	}
	if sent := *traceparent.Load(); len(sent) != 55 || !strings.HasSuffix(sent, "-01") {
		t.Errorf("the backend got traceparent %q", sent)
	}
	if metrics := scrape(t, r); !strings.Contains(metrics, `strangler_trace_spans_total{result="dropped"} 0`) {
		t.Errorf("the metrics do not count spans:\n%s", metrics)
	}
	if err := r.end(); err != nil {
		t.Fatal(err)
	}
	if spans.Load() < 2 || *asked.Load() != "/v1/traces" {
		t.Errorf("%d spans were sent before the router ended", spans.Load())
	}
}

// scrape returns what a router counted.
func scrape(t *testing.T, r running) string {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+r.AdminAddr().String()+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer token-of-the-test")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestSettingsOfTracesThatAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*app.Config)
		parts  []string
	}{
		"no URL":         {func(c *app.Config) { c.OTLPEndpoint = "collector:4318" }, []string{"--otlp-endpoint", "collector:4318", "http://127.0.0.1:4318"}},
		"gRPC":           {func(c *app.Config) { c.OTLPEndpoint = "grpc://collector:4317" }, []string{"grpc://collector:4317"}},
		"no host":        {func(c *app.Config) { c.OTLPEndpoint = "http://:4318" }, []string{"http://:4318"}},
		"a query":        {func(c *app.Config) { c.OTLPEndpoint = "http://c:4318/?k=v" }, []string{"http://c:4318/?k=v"}},
		"a password":     {func(c *app.Config) { c.OTLPEndpoint = "http://u:s3cret@c:4318" }, []string{"OTEL_EXPORTER_OTLP_HEADERS"}},
		"by environment": {func(c *app.Config) { c.StandardOTLP = "collector:4318/v1/traces" }, []string{"OTEL_EXPORTER_OTLP_ENDPOINT"}},
		"too much":       {func(c *app.Config) { c.TraceSample = "101%" }, []string{"--trace-sample", "101%"}},
		"less than none": {func(c *app.Config) { c.TraceSample = "-1%" }, []string{"-1%"}},
		"a word":         {func(c *app.Config) { c.TraceSample = "some" }, []string{`"some"`}},
	} {
		config := app.Config{Listen: "127.0.0.1:0", Admin: "127.0.0.1:0", AccessLog: "off", Database: "sqlite:" + t.TempDir() + "/s.db"}
		test.change(&config)
		_, err := app.NewRouter(t.Context(), config, quiet())
		if !errors.Is(err, app.ErrConfig) {
			t.Errorf("%s: %v, want an error about a setting", name, err)
			continue
		}
		for _, part := range test.parts {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v does not say %s", name, err, part)
			}
		}
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the error tells the password", name)
		}
	}
}

func TestStandardVariablesOfOpenTelemetry(t *testing.T) {
	for _, test := range []struct {
		environ []string
		want    string
	}{
		{nil, ""},
		{[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318"}, "http://c:4318/v1/traces"},
		{[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318/"}, "http://c:4318/v1/traces"},
		{[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://d/x"}, "http://d/x"},
		{[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318", "OTEL_SDK_DISABLED=TRUE"}, ""},
		{[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318", "OTEL_TRACES_EXPORTER=none"}, ""},
		{[]string{"OTEL_EXPORTER_OTLP_ENDPOINT="}, ""},
	} {
		if got := app.StandardOTLP(app.Environ(test.environ)); got != test.want {
			t.Errorf("%v name %q, want %q", test.environ, got, test.want)
		}
	}
}

// TestACollectorThatIsAwayDoesNoHarm: the router starts, serves and stops.
func TestACollectorThatIsAwayDoesNoHarm(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	log := &bytes.Buffer{} // written by one handler, read after the end
	env := quiet()
	env.Stderr = log
	legacy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "legacy") }))
	t.Cleanup(legacy.Close)
	r := run(t, func(c *app.Config) { c.Legacy, c.OTLPEndpoint = legacy.URL, gone.URL }, env)
	if status, body := r.get(t, "/"); status != http.StatusOK || body != "legacy" {
		t.Errorf("the client got %d %q", status, body)
	}
	if err := r.end(); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(log.String(), "the collector does not take traces"); got != 1 {
		t.Errorf("it was said %d times that traces are lost, want once:\n%s", got, log)
	}
}
