package tracing

import (
	"context"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/stranglerfig/strangler/internal/exchange"
)

// End tells of x, which is over: a server span, and under it a client span for
// each try. It keeps nothing of x.
func (t *Tracer) End(x *exchange.Exchange) {
	if x.Trace == nil || !x.Trace.Sampled {
		return
	}
	ctx := context.Background()
	if caller := x.Trace.Caller; caller != (exchange.Traceparent{}) {
		state, _ := trace.ParseTraceState(x.Trace.State) // Begin has read it
		ctx = trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: trace.TraceID(caller.Trace), SpanID: trace.SpanID(caller.Span),
			TraceFlags: trace.FlagsSampled, TraceState: state, Remote: true,
		}))
	}
	method, original := knownMethod(x.Method)
	ctx, server := t.start(ctx, x.Trace.Traceparent, spanName(method, x), trace.SpanKindServer, x.Start)
	for i := range x.Trace.Tries {
		t.endTry(ctx, x, i)
	}
	server.SetAttributes(semconv.HTTPRequestMethodKey.String(method))
	set(server, semconv.HTTPRequestMethodOriginalKey, original)
	describe(server, x)
	if x.Assignment.Route != nil {
		assigned(server, x)
	}
	if x.Err != nil {
		set(server, "strangler.error", x.Err.Error())
	}
	if failure := serverFailure(x); failure != "" {
		server.SetAttributes(semconv.ErrorTypeKey.String(failure))
		server.SetStatus(codes.Error, "")
	}
	server.End(trace.WithTimestamp(x.Start.Add(x.Duration)))
}

// start begins a span with ids that are known already.
func (t *Tracer) start(
	ctx context.Context, own exchange.Traceparent, name string, kind trace.SpanKind, at time.Time,
) (context.Context, trace.Span) {
	return t.tracer.Start(context.WithValue(ctx, noted{}, own), name, trace.WithSpanKind(kind), trace.WithTimestamp(at)) //nolint:spancheck // who asked for it ends it
}

// endTry tells of the ith try of x.
func (t *Tracer) endTry(ctx context.Context, x *exchange.Exchange, i int) {
	try := &x.Trace.Tries[i]
	method, original := knownMethod(x.Method)
	own := exchange.Traceparent{Trace: x.Trace.Trace, Span: try.Span}
	name := method
	if method == otherMethod {
		name = "HTTP"
	}
	_, client := t.start(ctx, own, name, trace.SpanKindClient, x.Start.Add(try.Start))
	client.SetAttributes(semconv.HTTPRequestMethodKey.String(method), attribute.String("strangler.class", try.Class.String()))
	set(client, semconv.HTTPRequestMethodOriginalKey, original)
	set(client, semconv.URLFullKey, try.Endpoint+try.Path)
	setServer(client, endpointHost(try.Endpoint))
	set(client, "strangler.side", try.Side.String())
	set(client, "strangler.backend", try.Backend)
	set(client, "strangler.endpoint", try.Endpoint)
	if i > 0 {
		client.SetAttributes(semconv.HTTPRequestResendCount(i))
	}
	if try.Status > 0 {
		client.SetAttributes(semconv.HTTPResponseStatusCode(try.Status))
	}
	if try.Fault != 0 {
		client.SetAttributes(attribute.Int64("strangler.fault", try.Fault))
	}
	if try.Err != nil {
		set(client, "strangler.error", try.Err.Error())
	}
	if failure := tryFailure(try); failure != "" {
		client.SetAttributes(semconv.ErrorTypeKey.String(failure))
		client.SetStatus(codes.Error, "")
	}
	client.End(trace.WithTimestamp(x.Start.Add(try.End)))
}

// otherMethod stands for methods that HTTP does not know: a client may write what it likes.
const otherMethod = "_OTHER"

// knownMethod returns the method as OpenTelemetry wants it, and what it was
// where that is something else.
func knownMethod(method string) (known, original string) {
	switch method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE":
		return method, ""
	default:
		return otherMethod, method
	}
}

// spanName is the method and the route.
func spanName(method string, x *exchange.Exchange) string {
	if method == otherMethod {
		method = "HTTP"
	}
	if x.Assignment.Route == nil {
		return method
	}
	return valid(method + " " + x.Assignment.Route.Name)
}

// serverFailure is the error.type of an exchange; empty: it did not fail. What
// clients do wrong is no failure of a server.
func serverFailure(x *exchange.Exchange) string {
	switch {
	case x.Problem != nil && x.Problem.Status >= 500:
		return x.Problem.Code
	case x.Status >= 500:
		return strconv.Itoa(x.Status)
	case x.Class.BackendFault():
		return x.Class.String()
	default:
		return ""
	}
}

// tryFailure is the error.type of a try; empty: it did not fail.
func tryFailure(try *exchange.Try) string {
	switch {
	case try.Status >= 400:
		return strconv.Itoa(try.Status)
	case try.Class.BackendFault():
		return try.Class.String()
	default:
		return ""
	}
}

// endpointHost is the host and port of scheme://host:port.
func endpointHost(endpoint string) string {
	_, host, _ := strings.Cut(endpoint, "://")
	return host
}

// set sets an attribute, unless its value is empty.
func set(span trace.Span, key attribute.Key, value string) {
	if value != "" {
		span.SetAttributes(key.String(valid(value)))
	}
}

// valid makes text UTF-8: one value that is not would make the batch unreadable.
func valid(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
