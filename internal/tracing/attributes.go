package tracing

import (
	"net/netip"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
)

// describe sets what the access log says of the request and of its outcome, by
// the same names.
func describe(span trace.Span, x *exchange.Exchange) {
	set(span, semconv.URLSchemeKey, x.Scheme)
	set(span, semconv.URLPathKey, x.Path)
	setServer(span, x.Host)
	set(span, semconv.NetworkProtocolVersionKey, protocolVersion(x.Protocol))
	set(span, semconv.UserAgentOriginalKey, x.UserAgent)
	setAddress(span, semconv.ClientAddressKey, x.Client)
	if peer := x.Peer.Addr(); peer != x.Client {
		setAddress(span, semconv.NetworkPeerAddressKey, peer)
	}
	if port := x.Peer.Port(); port != 0 {
		span.SetAttributes(semconv.NetworkPeerPort(int(port)))
	}
	set(span, "strangler.request_id", x.RequestID)
	span.SetAttributes(
		attribute.Int64("http.request.body.size", x.RequestBytes), attribute.Int64("http.response.body.size", x.SentBytes))
	if x.Status > 0 {
		span.SetAttributes(semconv.HTTPResponseStatusCode(x.Status))
	}
	set(span, "strangler.backend", x.Backend)
	set(span, "strangler.endpoint", x.Endpoint)
	if x.Attempts > 0 || x.Class != guard.OK {
		span.SetAttributes(attribute.Int("strangler.attempts", x.Attempts), attribute.String("strangler.class", x.Class.String()))
	}
	if x.Kind != exchange.KindPlain {
		set(span, "strangler.kind", x.Kind.String())
	}
	if x.Problem != nil {
		set(span, "strangler.problem", x.Problem.Code)
	}
	guarded(span, x)
}

// guarded sets what the guard did beyond one try.
func guarded(span trace.Span, x *exchange.Exchange) {
	if x.Queued > 0 {
		span.SetAttributes(attribute.Float64("strangler.queued_ms", float64(x.Queued.Microseconds())/1000))
	}
	if x.Retries > 0 {
		span.SetAttributes(attribute.Int("strangler.retries", x.Retries))
	}
	if x.RetryRefused {
		span.SetAttributes(attribute.Bool("strangler.retry_refused", true))
	}
	if x.Fallback != 0 {
		set(span, "strangler.fallback", x.Fallback.String())
	}
	if x.FallbackRefused != 0 {
		set(span, "strangler.fallback_refused", x.FallbackRefused.String())
	}
	if x.Fault != 0 {
		span.SetAttributes(attribute.Int64("strangler.fault", x.Fault))
	}
}

// assigned sets the assignment, and tells it as the evaluation of a feature flag.
func assigned(span trace.Span, x *exchange.Exchange) {
	a := &x.Assignment
	set(span, "strangler.route", a.Route.Name)
	set(span, "strangler.side", a.Side.String())
	set(span, "strangler.reason", a.Reason.String())
	set(span, "strangler.stage", a.Stage.String())
	span.SetAttributes(attribute.Int64("strangler.revision", int64(a.Revision)))
	if a.Stage == routing.StageCanary {
		span.SetAttributes(attribute.Int("strangler.weight_bp", int(a.Weight)))
		if a.Point >= 0 {
			span.SetAttributes(attribute.Int("strangler.point", int(a.Point)))
		}
	}
	span.AddEvent("feature_flag.evaluation", trace.WithTimestamp(x.Start), trace.WithAttributes(
		semconv.FeatureFlagProviderName("strangler"),
		semconv.FeatureFlagKey(valid(a.Route.Name)),
		semconv.FeatureFlagResultVariant(a.Side.String()),
		flagReason(a.Reason),
		semconv.FeatureFlagVersion(strconv.FormatInt(int64(a.Revision), 10)),
	))
}

// flagReason says a reason in the words of OpenFeature; strangler.reason has ours.
func flagReason(reason routing.Reason) attribute.KeyValue {
	switch reason {
	case routing.ReasonWeight:
		return semconv.FeatureFlagResultReasonSplit
	case routing.ReasonPinned, routing.ReasonOverride:
		return semconv.FeatureFlagResultReasonTargetingMatch
	case routing.ReasonNoKey, routing.ReasonCatchAll:
		return semconv.FeatureFlagResultReasonDefault
	case routing.ReasonFallback:
		return semconv.FeatureFlagResultReasonError
	default:
		return semconv.FeatureFlagResultReasonStatic
	}
}

// setServer sets the name and port of host:port.
func setServer(span trace.Span, host string) {
	name, port := host, 0
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.Contains(host[i:], "]") {
		if n, err := strconv.ParseUint(host[i+1:], 10, 16); err == nil && n > 0 {
			name, port = host[:i], int(n)
		}
	}
	set(span, semconv.ServerAddressKey, name)
	if port > 0 {
		span.SetAttributes(semconv.ServerPort(port))
	}
}

// setAddress sets an address without its zone, as the access log writes it.
func setAddress(span trace.Span, key attribute.Key, addr netip.Addr) {
	if addr.IsValid() {
		span.SetAttributes(key.String(addr.WithZone("").String()))
	}
}

// protocolVersion turns HTTP/1.1 into 1.1 and HTTP/2.0 into 2.
func protocolVersion(protocol string) string {
	version := strings.TrimPrefix(protocol, "HTTP/")
	if version == "2.0" {
		return "2"
	}
	return version
}
