package tracing_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/tracing"
)

// lines are what a logger writes.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// tell has a tracer tell of n exchanges without a try.
func tell(tracer *tracing.Tracer, n int) {
	for range n {
		x := &exchange.Exchange{Method: http.MethodGet, Start: time.Now(), Duration: time.Millisecond}
		tracer.Begin(x, nil)
		tracer.End(x)
	}
}

// within is a context for closing.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// refusing is a collector's address where nobody listens.
func refusing(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return "http://" + ln.Addr().String()
}

func TestACollectorThatIsAwayIsToldOfOnce(t *testing.T) {
	log := &lines{}
	tracer := newTracer(t, refusing(t), routing.FullWeight, slog.New(slog.NewJSONHandler(log, nil)))
	tell(tracer, 1500) // three batches
	if err := tracer.Close(within(t, time.Minute)); err == nil {
		t.Error("closed as if the last spans had been taken")
	}
	if got := tracer.Counts(); got.Exported != 0 || got.Dropped != 0 || got.Failed != 1500 {
		t.Errorf("counted %+v, want 1500 failed", got)
	}
	if got := strings.Count(log.String(), "\n"); got != 1 || !strings.Contains(log.String(), "refused") {
		t.Errorf("%d lines were logged, want one that says why:\n%s", got, log)
	}
}

func TestAFullQueueDropsAndCounts(t *testing.T) {
	release := make(chan struct{})
	asked := make(chan struct{}, 16)
	stuck := newStuck(t, asked, release)
	tracer := newTracer(t, stuck, routing.FullWeight, discard())
	tell(tracer, 1)
	<-asked // the batch of one is on its way, and stays there
	const queue = 4096
	began := time.Now()
	tell(tracer, queue+100)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("telling took %s: somebody waited for the collector", took)
	}
	if got := tracer.Counts(); got.Dropped != 100 {
		t.Errorf("counted %+v, want 100 dropped", got)
	}
	close(release)
	if err := tracer.Close(within(t, time.Minute)); err != nil {
		t.Error(err)
	}
	if got := tracer.Counts(); got.Exported != queue+1 || got.Dropped != 100 || got.Failed != 0 {
		t.Errorf("counted %+v, want all others exported", got)
	}
	tell(tracer, 1)
	if got := tracer.Counts(); got.Dropped != 101 {
		t.Errorf("counted %+v, want one more dropped after Close", got)
	}
}

// newStuck is a collector that answers only once release is closed.
func newStuck(t *testing.T, asked chan<- struct{}, release <-chan struct{}) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the server does not see that the client has gone
		asked <- struct{}{}
		select {
		case <-release:
		case <-r.Context().Done():
		}
		w.WriteHeader(http.StatusOK)
	})
}

func TestCloseGivesUpOnACollectorThatHangs(t *testing.T) {
	asked := make(chan struct{}, 16)
	tracer := newTracer(t, newStuck(t, asked, nil), routing.FullWeight, discard())
	tell(tracer, 3)
	<-asked
	err := tracer.Close(within(t, 10*time.Millisecond))
	if err == nil || !strings.Contains(err.Error(), "the last 3 spans") {
		t.Errorf("Close: %v, want that three spans are lost", err)
	}
	if got := tracer.Counts(); got.Failed != 3 {
		t.Errorf("counted %+v, want three failed", got)
	}
}

func TestStandardVariablesAreObeyed(t *testing.T) {
	collector := newCollector(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=s3cret")
	t.Setenv("OTEL_SERVICE_NAME", "edge")
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=prod")
	tracer := newTracer(t, "", routing.FullWeight, discard())
	tell(tracer, 1)
	if err := tracer.Close(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	if len(collector.paths) != 1 || collector.paths[0] != "/v1/traces" || collector.headers[0].Get("X-Api-Key") != "s3cret" {
		t.Errorf("the collector was asked at %q with %v", collector.paths, collector.headers)
	}
	if collector.resource["service.name"] != "edge" || collector.resource["deployment.environment.name"] != "prod" {
		t.Errorf("the resource is %v", collector.resource)
	}
}

func TestTheShareThatIsSampled(t *testing.T) {
	tracer := newTracer(t, refusing(t), 2500, discard())
	const n = 20000
	told := 0
	for range n {
		x := &exchange.Exchange{}
		tracer.Begin(x, nil)
		if x.Trace.Sampled {
			told++
		}
	}
	if told < n*23/100 || told > n*27/100 { // six standard deviations
		t.Errorf("%d of %d are told, want a quarter", told, n)
	}
}
