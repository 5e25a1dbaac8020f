package tracing

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/routing"
)

// Options is what a Tracer needs.
type Options struct {
	// Endpoint is the URL that spans are sent to, with its path. Empty: as the
	// OTEL_EXPORTER_OTLP_ variables say. Those for headers, certificates,
	// compression and time limits hold in both cases.
	Endpoint string
	Sample   routing.Weight // of the traces that begin here, how many are told
	Instance string         // this router's name in the fleet
	Version  string
	Logger   *slog.Logger
}

// Tracer follows exchanges. Its methods may be called by several goroutines.
type Tracer struct {
	sample uint64 // trace ids whose lower half, without its first bit, is below are told
	queue  *queue
	tracer trace.Tracer
}

// spanLimits bound what one span holds: most of a client's request head may be
// in its path and its name.
func spanLimits() sdk.SpanLimits {
	limits := sdk.NewSpanLimits()
	limits.AttributeValueLengthLimit = 1024
	return limits
}

// New returns a Tracer that sends to a collector until Close. It does not
// connect yet: a collector that is away now may come later.
func New(ctx context.Context, o Options) (*Tracer, error) {
	options := []otlptracehttp.Option{otlptracehttp.WithRetry(otlptracehttp.RetryConfig{
		Enabled: true, InitialInterval: 500 * time.Millisecond, MaxInterval: 5 * time.Second, MaxElapsedTime: exportTimeout,
	})}
	if o.Endpoint != "" {
		options = append(options, otlptracehttp.WithEndpointURL(o.Endpoint))
	}
	exporter, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	about, err := resource.New(ctx,
		resource.WithAttributes(
			semconv.ServiceName("strangler"), semconv.ServiceVersion(o.Version), semconv.ServiceInstanceID(o.Instance)),
		resource.WithTelemetrySDK(),
		resource.WithFromEnv(), // last: what OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say wins
	)
	if err != nil {
		return nil, fmt.Errorf("traces: OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	waiting := newQueue(exporter, o.Logger)
	provider := sdk.NewTracerProvider(
		sdk.WithSampler(sdk.AlwaysSample()), // Begin has decided
		sdk.WithIDGenerator(ids{}), sdk.WithSpanProcessor(waiting),
		sdk.WithResource(about), sdk.WithRawSpanLimits(spanLimits()),
	)
	return &Tracer{
		sample: threshold(o.Sample),
		queue:  waiting,
		tracer: provider.Tracer("github.com/stranglerfig/strangler", trace.WithInstrumentationVersion(o.Version)),
	}, nil
}

// threshold is the share of all numbers below 1<<63 that share is of a whole.
func threshold(share routing.Weight) uint64 {
	if share >= routing.FullWeight {
		return 1 << 63
	}
	return uint64(share) * (1 << 63 / uint64(routing.FullWeight))
}

// Begin gives x its place in the trace that its request belongs to, by the
// fields in; a request that belongs to none begins one. Whether it is told is
// the caller's decision, where there is a caller.
func (t *Tracer) Begin(x *exchange.Exchange, in exchange.Fields) {
	now := &exchange.Trace{}
	if caller, ok := exchange.Caller(in); ok {
		now.Caller = caller
		now.Trace, now.Sampled = caller.Trace, caller.Sampled
		now.State = readableState(in)
	} else {
		binary.BigEndian.PutUint64(now.Trace[:8], rand.Uint64())
		binary.BigEndian.PutUint64(now.Trace[8:], rand.Uint64()|1) // zero is no id
		now.Sampled = t.samples(now.Trace)
	}
	binary.BigEndian.PutUint64(now.Span[:], rand.Uint64()|1)
	x.Trace, x.TraceID = now, hex.EncodeToString(now.Trace[:])
}

// samples decides by the trace's id, as OpenTelemetry's TraceIDRatioBased does:
// another router with the same share decides alike.
func (t *Tracer) samples(id exchange.TraceID) bool {
	return binary.BigEndian.Uint64(id[8:])>>1 < t.sample
}

// readableState returns the tracestate among in; empty when it is malformed.
func readableState(in exchange.Fields) string {
	text := exchange.Tracestate(in)
	if _, err := trace.ParseTraceState(text); err != nil {
		return ""
	}
	return text
}

// Counts are how many spans were sent, and how many were lost, since the start.
type Counts struct {
	Exported uint64
	Dropped  uint64 // the queue was full
	Failed   uint64 // the collector did not take them
}

// Counts returns what was counted so far.
func (t *Tracer) Counts() Counts {
	return Counts{Exported: t.queue.exported.Load(), Dropped: t.queue.dropped.Load(), Failed: t.queue.failed.Load()}
}

// Close sends what waits and stops; it gives up when ctx ends. Exchanges that
// end afterwards are not told.
func (t *Tracer) Close(ctx context.Context) error { return t.queue.Shutdown(ctx) }

// ids gives a span the ids that its exchange noted.
type ids struct{}

// noted is the key of a Traceparent in the context that a span is made with.
type noted struct{}

// NewIDs implements sdk.IDGenerator.
func (ids) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	own, _ := ctx.Value(noted{}).(exchange.Traceparent)
	return trace.TraceID(own.Trace), trace.SpanID(own.Span)
}

// NewSpanID implements sdk.IDGenerator.
func (ids) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	own, _ := ctx.Value(noted{}).(exchange.Traceparent)
	return trace.SpanID(own.Span)
}
