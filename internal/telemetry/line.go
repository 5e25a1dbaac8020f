package telemetry

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
)

// appendLine appends one exchange as a JSON object and a line break. Keys whose
// value is empty are left out; the query is never there, because it may hold
// secrets.
//
//	time                                 when the exchange ended
//	level, msg                           INFO and "exchange", as log/slog writes them
//	http.request.method, url.scheme, url.path, server.address, server.port,
//	network.protocol.version, user_agent.original        as the client sent them
//	client.address, network.peer.address (where it is another), network.peer.port
//	http.request.body.size, http.response.body.size      bytes that passed
//	http.response.status_code            what the client was sent; 0: nothing
//	duration_ms, first_byte_ms           until the end, until the backend's response head
//	request_id, trace_id
//	strangler.route, strangler.side, strangler.reason, strangler.revision, and in
//	canary strangler.weight_bp and strangler.point       the assignment
//	strangler.backend, strangler.endpoint, strangler.attempts, strangler.class
//	strangler.queued_ms                  waited for a place in a bulkhead
//	strangler.retries, strangler.retry_refused           tries after the first; one more had no room in the budget
//	strangler.fallback, strangler.fallback_refused       why legacy served what was new's, or would have
//	strangler.fault                      id of an injected fault that a try met
//	strangler.kind                       unless plain
//	strangler.problem                    the code, when the router itself answered
//	error                                what went wrong, for people
func appendLine(buf []byte, x *exchange.Exchange) []byte {
	buf = append(buf, `{"time":"`...)
	buf = appendTime(buf, x.Start.Add(x.Duration).UTC())
	buf = append(buf, `","level":"INFO","msg":"exchange"`...)
	buf = appendRequest(buf, x)
	buf = appendResponse(buf, x)
	if x.Assignment.Route != nil {
		buf = appendAssignment(buf, &x.Assignment)
	}
	buf = appendOutcome(buf, x)
	return append(buf, "}\n"...)
}

// appendTime writes RFC 3339 with microseconds: 2006-01-02T15:04:05.000000Z. It
// is what AppendFormat writes, in a fifth of the time. The time is in UTC.
func appendTime(buf []byte, t time.Time) []byte {
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	buf = append(appendDigits(buf, year, 4), '-')
	buf = append(appendDigits(buf, int(month), 2), '-')
	buf = append(appendDigits(buf, day, 2), 'T')
	buf = append(appendDigits(buf, hour, 2), ':')
	buf = append(appendDigits(buf, minute, 2), ':')
	buf = append(appendDigits(buf, second, 2), '.')
	return append(appendDigits(buf, t.Nanosecond()/1000, 6), 'Z')
}

// appendDigits writes n with leading zeros, width digits in all.
func appendDigits(buf []byte, n, width int) []byte {
	start := len(buf)
	buf = append(buf, "000000"[:width]...)
	for i := start + width - 1; i >= start; i-- {
		buf[i] = byte('0' + n%10)
		n /= 10
	}
	return buf
}

func appendRequest(buf []byte, x *exchange.Exchange) []byte {
	host, port := cutPort(x.Host)
	buf = appendText(buf, "http.request.method", x.Method)
	buf = appendText(buf, "url.scheme", x.Scheme)
	buf = appendText(buf, "url.path", x.Path)
	buf = appendText(buf, "server.address", host)
	if port > 0 {
		buf = appendInt(buf, "server.port", int64(port))
	}
	buf = appendText(buf, "network.protocol.version", protocolVersion(x.Protocol))
	buf = appendText(buf, "user_agent.original", x.UserAgent)
	buf = appendAddr(buf, "client.address", x.Client)
	if peer := x.Peer.Addr(); peer != x.Client {
		buf = appendAddr(buf, "network.peer.address", peer)
	}
	if port := x.Peer.Port(); port != 0 {
		buf = appendInt(buf, "network.peer.port", int64(port))
	}
	buf = appendInt(buf, "http.request.body.size", x.RequestBytes)
	buf = appendText(buf, "request_id", x.RequestID)
	return appendText(buf, "trace_id", x.TraceID)
}

func appendResponse(buf []byte, x *exchange.Exchange) []byte {
	buf = appendInt(buf, "http.response.status_code", int64(x.Status))
	buf = appendInt(buf, "http.response.body.size", x.SentBytes)
	buf = appendMillis(buf, "duration_ms", x.Duration)
	if x.FirstByte > 0 {
		buf = appendMillis(buf, "first_byte_ms", x.FirstByte)
	}
	return buf
}

func appendAssignment(buf []byte, a *routing.Assignment) []byte {
	buf = appendText(buf, "strangler.route", a.Route.Name)
	buf = appendText(buf, "strangler.side", a.Side.String())
	buf = appendText(buf, "strangler.reason", a.Reason.String())
	buf = appendInt(buf, "strangler.revision", int64(a.Revision))
	if a.Stage == routing.StageCanary {
		buf = appendInt(buf, "strangler.weight_bp", int64(a.Weight))
		if a.Point >= 0 {
			buf = appendInt(buf, "strangler.point", int64(a.Point))
		}
	}
	return buf
}

func appendOutcome(buf []byte, x *exchange.Exchange) []byte {
	buf = appendText(buf, "strangler.backend", x.Backend)
	buf = appendText(buf, "strangler.endpoint", x.Endpoint)
	if x.Attempts > 0 || x.Class != guard.OK {
		buf = appendInt(buf, "strangler.attempts", int64(x.Attempts))
		buf = appendText(buf, "strangler.class", x.Class.String())
	}
	buf = appendGuard(buf, x)
	if x.Kind != exchange.KindPlain {
		buf = appendText(buf, "strangler.kind", x.Kind.String())
	}
	if x.Problem != nil {
		buf = appendText(buf, "strangler.problem", x.Problem.Code)
	}
	if x.Err != nil {
		buf = appendText(buf, "error", x.Err.Error())
	}
	return buf
}

// appendGuard writes what the guard did beyond one try.
func appendGuard(buf []byte, x *exchange.Exchange) []byte {
	if x.Queued > 0 {
		buf = appendMillis(buf, "strangler.queued_ms", x.Queued)
	}
	if x.Retries > 0 {
		buf = appendInt(buf, "strangler.retries", int64(x.Retries))
	}
	if x.RetryRefused {
		buf = append(appendKey(buf, "strangler.retry_refused"), "true"...)
	}
	if x.Fallback != 0 {
		buf = appendText(buf, "strangler.fallback", x.Fallback.String())
	}
	if x.FallbackRefused != 0 {
		buf = appendText(buf, "strangler.fallback_refused", x.FallbackRefused.String())
	}
	if x.Fault != 0 {
		buf = appendInt(buf, "strangler.fault", x.Fault)
	}
	return buf
}

// protocolVersion turns HTTP/1.1 into 1.1 and HTTP/2.0 into 2.
func protocolVersion(protocol string) string {
	version := strings.TrimPrefix(protocol, "HTTP/")
	if version == "2.0" {
		return "2"
	}
	return version
}

// cutPort takes a port off a host; 0: there is none. What is no port stays.
func cutPort(host string) (string, uint16) {
	i := strings.LastIndexByte(host, ':')
	if i < 0 || strings.IndexByte(host[i:], ']') >= 0 {
		return host, 0
	}
	port, err := strconv.ParseUint(host[i+1:], 10, 16)
	if err != nil || port == 0 {
		return host, 0
	}
	return host[:i], uint16(port)
}

func appendText(buf []byte, key, value string) []byte {
	if value == "" {
		return buf
	}
	return appendString(appendKey(buf, key), value)
}

func appendInt(buf []byte, key string, value int64) []byte {
	return strconv.AppendInt(appendKey(buf, key), value, 10)
}

// appendMillis writes milliseconds to the microsecond.
func appendMillis(buf []byte, key string, d time.Duration) []byte {
	micros := max(d.Microseconds(), 0)
	buf = strconv.AppendInt(appendKey(buf, key), micros/1000, 10)
	if rest := micros % 1000; rest != 0 {
		buf = append(buf, '.', byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
	}
	return buf
}

// appendAddr needs no escaping: only a zone could, and it is left out.
func appendAddr(buf []byte, key string, addr netip.Addr) []byte {
	if !addr.IsValid() {
		return buf
	}
	buf = append(appendKey(buf, key), '"')
	return append(addr.WithZone("").AppendTo(buf), '"')
}

// appendKey is for keys of ours alone, which need no escaping.
func appendKey(buf []byte, key string) []byte {
	buf = append(buf, `,"`...)
	buf = append(buf, key...)
	return append(buf, `":`...)
}
