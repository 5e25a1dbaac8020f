package telemetry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/telemetry"
)

// logged returns the one line an exchange becomes.
func logged(tb testing.TB, x *exchange.Exchange) string {
	tb.Helper()
	var out bytes.Buffer
	log := telemetry.NewAccessLog(&out)
	log.Log(x)
	closed(tb, log)
	return out.String()
}

func wantLine(t *testing.T, x *exchange.Exchange, want map[string]any) {
	t.Helper()
	objects := parse(t, logged(t, x))
	if len(objects) != 1 {
		t.Fatalf("%d lines", len(objects))
	}
	if diff := cmp.Diff(want, objects[0]); diff != "" {
		t.Error(diff)
	}
}

// full is an exchange with everything in it.
func full() *exchange.Exchange {
	return &exchange.Exchange{
		Start:     time.Date(2026, 11, 23, 4, 59, 58, 999_000_000, time.FixedZone("CET", 3600)),
		RequestID: "0198b5c1", Method: "POST", Scheme: "https", Host: "shop.example:8443", Path: "/orders/42;v=1",
		Protocol: "HTTP/2.0", Peer: netip.MustParseAddrPort("10.0.0.7:51234"), Client: netip.MustParseAddr("192.0.2.9"),
		UserAgent: `curl/8.0 "quoted" \ Grüße`, TraceID: "4bf92f3577b34da6a3ce929d0e0e4736",
		Assignment: routing.Assignment{
			Route: &routing.Route{Name: "orders-post"}, Revision: 413, Side: routing.New, Reason: routing.ReasonWeight,
			Stage: routing.StageCanary, Weight: 2500, Point: 1234, Keyed: true,
		},
		Backend: "orders", Endpoint: "http://127.0.0.1:4000", Attempts: 1, Kind: exchange.KindEvents,
		Class: guard.Timeout, Problem: &exchange.Problem{Code: "upstream_timeout"}, Status: 504,
		RequestBytes: 12, SentBytes: 345, FirstByte: 1500 * time.Microsecond, Duration: 1_002_003 * time.Microsecond,
		Err: errors.New("no response head within 1 s"),
	}
}

func TestLineHasEverything(t *testing.T) {
	wantLine(t, full(), map[string]any{
		"time": "2026-11-23T04:00:00.001003Z", "level": "INFO", "msg": "exchange",
		"http.request.method": "POST", "url.scheme": "https", "url.path": "/orders/42;v=1",
		"server.address": "shop.example", "server.port": 8443.0, "network.protocol.version": "2",
		"user_agent.original": `curl/8.0 "quoted" \ Grüße`, "client.address": "192.0.2.9",
		"network.peer.address": "10.0.0.7", "network.peer.port": 51234.0,
		"http.request.body.size": 12.0, "http.response.body.size": 345.0, "http.response.status_code": 504.0,
		"duration_ms": 1002.003, "first_byte_ms": 1.5,
		"request_id": "0198b5c1", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
		"strangler.route": "orders-post", "strangler.side": "new", "strangler.reason": "weight",
		"strangler.revision": 413.0, "strangler.weight_bp": 2500.0, "strangler.point": 1234.0,
		"strangler.backend": "orders", "strangler.endpoint": "http://127.0.0.1:4000", "strangler.attempts": 1.0,
		"strangler.class": "timeout", "strangler.kind": "events", "strangler.problem": "upstream_timeout",
		"error": "no response head within 1 s",
	})
}

func TestLineSaysWhatTheGuardDid(t *testing.T) {
	x := &exchange.Exchange{
		Attempts: 4, Elsewhere: 3, Retries: 2, RetryRefused: true, Queued: 12_500 * time.Microsecond,
		Fallback: guard.Fallback503, Fault: 17,
	}
	want := map[string]any{
		"strangler.attempts": 4.0, "strangler.retries": 2.0, "strangler.retry_refused": true,
		"strangler.queued_ms": 12.5, "strangler.fallback": "503", "strangler.fault": 17.0,
	}
	refused := &exchange.Exchange{FallbackRefused: guard.FallbackOpen}
	for x, want := range map[*exchange.Exchange]map[string]any{
		x: want, refused: {"strangler.fallback_refused": "open"}, {Attempts: 1}: {"strangler.attempts": 1.0},
	} {
		got := map[string]any{}
		for key, value := range parse(t, logged(t, x))[0] {
			if strings.HasPrefix(key, "strangler.") && key != "strangler.class" {
				got[key] = value
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestLineOfAnExchangeThatWasNeverAssigned(t *testing.T) {
	wantLine(t, &exchange.Exchange{
		Start: time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC), Method: "GET", Path: "/a%00b", Host: "[::1]", Protocol: "HTTP/1.1",
		Peer: netip.MustParseAddrPort("[fe80::1%eth0]:9"), Client: netip.MustParseAddr("fe80::1%eth0"), Status: 400,
		Problem: &exchange.Problem{Code: "bad_path"},
	}, map[string]any{
		"time": "2026-11-23T04:00:00.000000Z", "level": "INFO", "msg": "exchange",
		"http.request.method": "GET", "url.path": "/a%00b", "server.address": "[::1]", "network.protocol.version": "1.1",
		"client.address": "fe80::1", "network.peer.port": 9.0,
		"http.request.body.size": 0.0, "http.response.body.size": 0.0, "http.response.status_code": 400.0,
		"duration_ms": 0.0, "strangler.problem": "bad_path",
	})
}

func TestLineOfAStageThatIgnoresKeys(t *testing.T) {
	x := &exchange.Exchange{Class: guard.OK, Attempts: 1, Assignment: routing.Assignment{
		Route: &routing.Route{Name: "all"}, Revision: 2, Reason: routing.ReasonCatchAll, Point: -1,
	}}
	wantLine(t, x, map[string]any{
		"time": "0001-01-01T00:00:00.000000Z", "level": "INFO", "msg": "exchange",
		"http.request.body.size": 0.0, "http.response.body.size": 0.0, "http.response.status_code": 0.0, "duration_ms": 0.0,
		"strangler.route": "all", "strangler.side": "legacy", "strangler.reason": "catch_all", "strangler.revision": 2.0,
		"strangler.attempts": 1.0, "strangler.class": "ok",
	})
}

func TestKeylessRequestInCanaryHasNoPoint(t *testing.T) {
	x := full()
	x.Assignment.Point, x.Assignment.Keyed, x.Assignment.Reason = -1, false, routing.ReasonNoKey
	object := parse(t, logged(t, x))[0]
	if point, ok := object["strangler.point"]; ok || object["strangler.weight_bp"] != 2500.0 {
		t.Errorf("point %v, weight %v", point, object["strangler.weight_bp"])
	}
}

func TestHostIsCutAtItsPort(t *testing.T) {
	for host, want := range map[string]struct {
		address string
		port    any
	}{
		"shop.example":        {"shop.example", nil},
		"shop.example:80":     {"shop.example", 80.0},
		"[2001:db8::1]:443":   {"[2001:db8::1]", 443.0},
		"[2001:db8::1]":       {"[2001:db8::1]", nil},
		"shop.example:":       {"shop.example:", nil},
		"shop.example:0":      {"shop.example:0", nil},
		"shop.example:65536":  {"shop.example:65536", nil},
		"shop.example:80\r\n": {"shop.example:80\r\n", nil},
	} {
		object := parse(t, logged(t, &exchange.Exchange{Host: host}))[0]
		if object["server.address"] != want.address || object["server.port"] != want.port {
			t.Errorf("%q: address %q, port %v", host, object["server.address"], object["server.port"])
		}
	}
}

func TestOverlongValuesAreCut(t *testing.T) {
	line := logged(t, &exchange.Exchange{Path: "/" + strings.Repeat("ü", 1<<20), UserAgent: strings.Repeat("\x00", 1<<20)})
	if len(line) > 40_000 {
		t.Errorf("%d bytes on one line", len(line))
	}
	object := parse(t, line)[0]
	if path, _ := object["url.path"].(string); !strings.HasSuffix(path, "ü\ufffd…") || len(path) > 4110 {
		t.Errorf("path of %d bytes ends in %q", len(path), path[len(path)-10:])
	}
	exact := strings.Repeat("x", 4096)
	if object := parse(t, logged(t, &exchange.Exchange{Path: exact}))[0]; object["url.path"] != exact {
		t.Error("a value of exactly the longest length was changed")
	}
}

// FuzzLine holds every line to: one line, printable, valid JSON, and the values
// that were logged.
func FuzzLine(f *testing.F) {
	for _, hostile := range []string{
		"/\r\n{\"msg\":\"exchange\"}", "\x00\x1b[31m", "\xff\xfe", "\u2028\u2029", `\"`, "</script>", "é\x80", "\ufeff", "\x7f\u0085", "\ufffd", "😀",
	} {
		f.Add(hostile, hostile, hostile, hostile)
	}
	f.Fuzz(func(t *testing.T, method, path, agent, message string) {
		line := logged(t, &exchange.Exchange{Method: method, Path: path, UserAgent: agent, Host: path, Err: errors.New(message)})
		body, ended := strings.CutSuffix(line, "\n")
		if !ended || !utf8.ValidString(body) || strings.ContainsFunc(body, func(r rune) bool {
			return unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
		}) {
			t.Fatalf("not one printable line: %q", line)
		}
		var object map[string]any
		if err := json.Unmarshal([]byte(body), &object); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		for key, value := range map[string]string{"http.request.method": method, "url.path": path, "user_agent.original": agent, "error": message} {
			if len(value) > 4096 {
				continue
			}
			if got, _ := object[key].(string); got != decoded(value) {
				t.Fatalf("%s: logged %q, read %q", key, value, got)
			}
		}
	})
}

// decoded is what encoding/json makes of a string and back: each byte that is
// no UTF-8 becomes U+FFFD.
func decoded(value string) string {
	return string([]rune(value))
}

func TestLoggingHardlyAllocates(t *testing.T) {
	log := telemetry.NewAccessLog(io.Discard)
	defer closed(t, log)
	x := full()
	x.Err = nil
	for range 1000 {
		log.Log(x)
	}
	if allocs := testing.AllocsPerRun(100, func() { log.Log(x) }); allocs > 1 {
		t.Errorf("%v allocations per line", allocs)
	}
}

func BenchmarkAccessLog(b *testing.B) {
	log := telemetry.NewAccessLog(io.Discard)
	defer closed(b, log)
	x := full()
	b.ReportAllocs()
	for b.Loop() {
		log.Log(x)
	}
}

// BenchmarkSlog is the same line by log/slog: the reason for one of our own.
//
//nolint:sloglint // the keys are those of the line, and discarding is not what is measured
func BenchmarkSlog(b *testing.B) {
	logger := slog.New(slog.NewJSONHandler(io.Discard, nil))
	x := full()
	b.ReportAllocs()
	for b.Loop() {
		logger.LogAttrs(
			b.Context(), slog.LevelInfo, "exchange",
			slog.String("http.request.method", x.Method), slog.String("url.scheme", x.Scheme), slog.String("url.path", x.Path),
			slog.String("server.address", x.Host), slog.String("network.protocol.version", x.Protocol),
			slog.String("user_agent.original", x.UserAgent), slog.String("client.address", x.Client.String()),
			slog.String("network.peer.address", x.Peer.Addr().String()), slog.Int("network.peer.port", int(x.Peer.Port())),
			slog.Int64("http.request.body.size", x.RequestBytes), slog.String("request_id", x.RequestID), slog.String("trace_id", x.TraceID),
			slog.Int("http.response.status_code", x.Status), slog.Int64("http.response.body.size", x.SentBytes),
			slog.Float64("duration_ms", x.Duration.Seconds()*1000), slog.Float64("first_byte_ms", x.FirstByte.Seconds()*1000),
			slog.String("strangler.route", x.Assignment.Route.Name), slog.String("strangler.side", x.Assignment.Side.String()),
			slog.String("strangler.reason", x.Assignment.Reason.String()), slog.Int64("strangler.revision", int64(x.Assignment.Revision)),
			slog.Int("strangler.weight_bp", int(x.Assignment.Weight)), slog.Int("strangler.point", int(x.Assignment.Point)),
			slog.String("strangler.backend", x.Backend), slog.String("strangler.endpoint", x.Endpoint),
			slog.Int("strangler.attempts", x.Attempts), slog.String("strangler.class", x.Class.String()),
			slog.String("strangler.kind", x.Kind.String()), slog.String("strangler.problem", x.Problem.Code), slog.String("error", x.Err.Error()),
		)
	}
}
