package tracing_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/routing"
)

// BenchmarkExchange is what a trace costs an exchange of one try.
func BenchmarkExchange(b *testing.B) {
	collector := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	b.Cleanup(collector.Close)
	for name, sample := range map[string]routing.Weight{"sampled": routing.FullWeight, "not sampled": 0} {
		b.Run(name, func(b *testing.B) {
			tracer := newTracer(b, collector.URL, sample, discard())
			b.ReportAllocs()
			for b.Loop() {
				x := &exchange.Exchange{
					Method: http.MethodGet, Path: "/orders/42", Host: "shop.example", Start: time.Now(), Duration: time.Millisecond, Status: 200,
				}
				tracer.Begin(x, nil)
				if x.Trace.Sampled {
					x.Trace.Tries = append(x.Trace.Tries, exchange.Try{Span: exchange.SpanID{1}, End: 1, Endpoint: "http://127.0.0.1:80"})
				}
				tracer.End(x)
			}
		})
	}
}
