package tracing_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/proxy"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/telemetry"
	"github.com/stranglerfig/strangler/internal/tracing"
)

// collector takes spans as a real one does.
type collector struct {
	*httptest.Server
	mu       sync.Mutex
	spans    []*tracepb.Span
	resource map[string]any
	paths    []string
	headers  []http.Header
}

func newCollector(t testing.TB) *collector {
	t.Helper()
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		var request collectorpb.ExportTraceServiceRequest
		if err := proto.Unmarshal(body, &request); err != nil {
			t.Errorf("what was exported cannot be read: %v", err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.paths, c.headers = append(c.paths, r.URL.Path), append(c.headers, r.Header)
		for _, of := range request.GetResourceSpans() {
			c.resource = values(of.GetResource().GetAttributes())
			for _, scope := range of.GetScopeSpans() {
				c.spans = append(c.spans, scope.GetSpans()...)
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// got returns the spans of one trace that have come, in the order of their beginning.
func (c *collector) got(traceID string) []*tracepb.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	var found []*tracepb.Span
	for _, span := range c.spans {
		if hex.EncodeToString(span.GetTraceId()) == traceID {
			found = append(found, span)
		}
	}
	slices.SortStableFunc(found, func(a, b *tracepb.Span) int {
		if a.GetKind() != b.GetKind() {
			return int(a.GetKind() - b.GetKind()) // the server's, then the client's
		}
		return int(a.GetStartTimeUnixNano() - b.GetStartTimeUnixNano())
	})
	return found
}

// values are attributes as Go's own.
func values(attributes []*commonpb.KeyValue) map[string]any {
	found := make(map[string]any, len(attributes))
	for _, a := range attributes {
		switch v := a.GetValue().GetValue().(type) {
		case *commonpb.AnyValue_StringValue:
			found[a.GetKey()] = v.StringValue
		case *commonpb.AnyValue_IntValue:
			found[a.GetKey()] = v.IntValue
		case *commonpb.AnyValue_BoolValue:
			found[a.GetKey()] = v.BoolValue
		case *commonpb.AnyValue_DoubleValue:
			found[a.GetKey()] = v.DoubleValue
		}
	}
	return found
}

// router is a real one on a real socket: orders is served by new, everything
// else by legacy.
type router struct {
	t      testing.TB
	proxy  *proxy.Proxy
	addr   string
	log    *bytes.Buffer // the access log; read after end
	tracer *tracing.Tracer
	stop   []func()
}

func startRouter(t testing.TB, legacy, successor string, tracer *tracing.Tracer) *router {
	t.Helper()
	r := &router{t: t, log: &bytes.Buffer{}, tracer: tracer}
	accessLog := telemetry.NewAccessLog(r.log)
	options := proxy.Options{
		Metrics: telemetry.New("test"), AccessLog: accessLog, Logger: slog.New(slog.DiscardHandler),
	}
	if tracer != nil {
		options.Tracer = tracer
	}
	r.proxy = proxy.New(options)
	table := routing.Compile(7, []routing.Definition{
		{
			Name: "orders", Match: routing.Match{Prefix: "/orders"}, Legacy: "legacy", New: "new",
			Assigned: routing.Assigned{Stage: routing.StageNew, Weight: routing.FullWeight},
		},
		{Name: "catch-all", Match: routing.Match{Prefix: "/"}, Legacy: "legacy"},
	})
	policies := proxy.Policies{Legacy: guard.LegacyPolicy(), New: guard.NewPolicy()}
	policies.New.Retry.Attempts = 2
	backends := map[string]proxy.Backend{"legacy": {Endpoints: []string{legacy}}, "new": {Endpoints: []string{successor}}}
	<-r.proxy.Install(table, r.proxy.BuildLanes(table, backends, []proxy.Policies{policies, policies}))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.addr = ln.Addr().String()
	server := r.proxy.NewServer(r.proxy, nil)
	done := make(chan error, 1)
	go func() { done <- server.Serve(ln) }()
	var once sync.Once
	end := func() {
		once.Do(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			server.Drain(ctx)
			if err := <-done; err != nil {
				t.Errorf("Serve: %v", err)
			}
			if err := accessLog.Close(); err != nil {
				t.Errorf("closing the access log: %v", err)
			}
		})
	}
	r.stop = append(r.stop, end)
	t.Cleanup(r.end)
	return r
}

// end lets the exchanges under way end, and closes the access log.
func (r *router) end() {
	for _, stop := range r.stop {
		stop()
	}
}

// flush ends the exchanges and has the tracer send what waits.
func (r *router) flush() {
	r.t.Helper()
	r.end()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := r.tracer.Close(ctx); err != nil {
		r.t.Errorf("closing the tracer: %v", err)
	}
}

// entry is the only line of the access log.
func (r *router) entry() map[string]any {
	r.t.Helper()
	var entry map[string]any
	if err := json.Unmarshal(r.log.Bytes(), &entry); err != nil {
		r.t.Fatalf("the access log is not one line: %v\n%s", err, r.log)
	}
	return entry
}

// get sends a request with header fields, and returns the answer's status.
func (r *router) get(path string, header http.Header) int {
	r.t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+r.addr+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header = header
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		r.t.Fatal(err)
	}
	return res.StatusCode
}

// seen are the header fields that a backend got.
type seen struct {
	mu     sync.Mutex
	fields []http.Header
}

func (s *seen) all() []http.Header {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.fields)
}

// backend answers with status and remembers what it was sent.
func backend(t testing.TB, status int) (string, *seen) {
	t.Helper()
	s := &seen{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.fields = append(s.fields, r.Header.Clone())
		s.mu.Unlock()
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	return server.URL, s
}

// newTracer returns a tracer that sends to endpoint.
func newTracer(t testing.TB, endpoint string, sample routing.Weight, logger *slog.Logger) *tracing.Tracer {
	t.Helper()
	tracer, err := tracing.New(context.Background(), tracing.Options{
		Endpoint: endpoint, Sample: sample, Instance: "router-1", Version: "1.2.3", Logger: logger,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = tracer.Close(ctx)
	})
	return tracer
}

// serve returns the URL of a server that lives as long as the test.
func serve(t testing.TB, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}
