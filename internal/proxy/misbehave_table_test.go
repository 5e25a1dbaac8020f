package proxy_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
)

// ending is what comes of a request whose backend misbehaves: the class of the
// tries, what the client is sent when nobody else answers, and how often the
// backend is asked. New may try three times here, legacy twice.
type ending struct {
	class  string // as logged
	status int    // 0: the answer breaks off
	code   string // of the router's own answer; empty: the backend's passes

	// On new: how often, by method (POST+ has an Idempotency-Key), and an arrow
	// where legacy answers afterwards, if fallback is on.
	get, put, post, keyed string
	legacy                int // on legacy, whatever the method
}

// endings is the table of what a guarded lane promises (semantics: only what
// was not sent is sent again whatever it is; what was sent, only if it means
// the same twice; what has been answered, never; and to the other side goes
// nothing but what is safe, or was not sent).
func endings() map[string]ending {
	return map[string]ending{
		//                                                        GET   PUT   POST  POST+ legacy
		"not sent":     {"not_sent", 502, "upstream_unreachable", "3→", "3→", "3→", "3→", 2},
		"no response":  {"no_response", 502, "upstream_closed", "3→", "3", "1", "3", 1},
		"timeout":      {"timeout", 504, "upstream_timeout", "3→", "3", "1", "3", 1},
		"invalid":      {"bad_response", 502, "upstream_invalid", "1→", "1", "1", "1", 1},
		"breaks off":   {"broken", 0, "", "1", "1", "1", "1", 1},
		"502":          {"failure", 502, "", "3→", "3", "1", "3", 1},
		"503":          {"failure", 503, "", "3→", "3", "1", "3", 1},
		"504":          {"failure", 504, "", "3→", "3", "1", "3", 1},
		"503, large":   {"failure", 503, "", "3→", "1", "1", "1", 1}, // a body beyond 64 KiB is not kept
		"500":          {"failure", 500, "", "3", "1", "1", "1", 1},
		"501":          {"ok", 501, "", "1", "1", "1", "1", 1},
		"404":          {"ok", 404, "", "1", "1", "1", "1", 1},
		"413":          {"ok", 413, "", "1", "1", "1", "1", 1},
		"429":          {"ok", 429, "", "1", "1", "1", "1", 1},
		"429, come on": {"ok", 429, "", "3", "3", "1", "3", 1}, // with Retry-After
		"200":          {"ok", 200, "", "1", "1", "1", "1", 1},
	}
}

// misdeed is one way to misbehave, and what it comes to.
type misdeed struct {
	name  string
	act   func(testing.TB) *villain
	comes string // key of endings
	tight tight  // what runs out
	large bool   // bodies are of 1 MiB
}

// tight names the limit that a misdeed runs into. Every other one is so wide
// that it does not matter how busy the machine is.
type tight uint8

const (
	nothing tight = iota
	connecting
	answering
	streaming
)

func (l tight) narrow(p *guard.Policy) {
	const moment = 250 * time.Millisecond
	switch l {
	case connecting:
		p.Timeouts.Connect, p.Timeouts.TLS = moment, moment
	case answering:
		p.Timeouts.Read, p.Timeouts.Write = moment, moment
	case streaming:
		p.Timeouts.Idle = moment
	case nothing:
	}
}

// Answers say that their connection is closed: how often the backend is asked
// must not depend on whether a try meets the close.
const (
	okHead    = "HTTP/1.1 200 OK\r\nConnection: close\r\n"
	chunked   = okHead + "Transfer-Encoding: chunked\r\n\r\n"
	emptyBody = "Connection: close\r\nContent-Length: 0\r\n\r\n"
)

func misdeeds() []misdeed {
	return []misdeed{
		{"refuses", refuses, "not sent", nothing, false},
		{"swallows SYNs", swallows, "not sent", connecting, false},
		{"has no address", unnamed, "not sent", connecting, false},
		{"says nothing in the handshake", mute, "not sent", connecting, false},
		{"shows an expired certificate", expired, "not sent", nothing, false},

		{"closes after the request", sends(""), "no response", nothing, false},
		{"resets after the request", resetsAfter(""), "no response", nothing, false},
		{"closes in the fields", sends("HTTP/1.1 200 OK\r\nX-A: b"), "no response", nothing, false},
		{"resets after the status line", resetsAfter("HTTP/1.1 200 OK\r\n"), "no response", nothing, false},
		{"resets in the fields", resetsAfter("HTTP/1.1 200 OK\r\nX-A: b"), "no response", nothing, false},
		{"resets after an interim answer", resetsAfter("HTTP/1.1 103 Early Hints\r\n\r\n"), "no response", nothing, false},

		{"says nothing", stalls(""), "timeout", answering, false},
		{"stops in the status line", stalls("HTTP/1.1 2"), "timeout", answering, false},
		{"stops in the fields", stalls(okHead), "timeout", answering, false},
		{"is 100 times slower", repeats("HTTP/1.1 200 OK\r\nX-Slow: ", "x", 10*time.Millisecond), "timeout", answering, false},

		{"closes in the status line", sends("HTTP/1."), "invalid", nothing, false},
		{"resets in the status line", resetsAfter("HTTP/1."), "invalid", nothing, false},
		{"speaks another protocol", sends("SSH-2.0-OpenSSH_9\r\n\r\n"), "invalid", nothing, false},
		{"sends interim answers without end", repeats("", "HTTP/1.1 102 Processing\r\n\r\n", 0), "invalid", nothing, false},
		{"sends fields without end", repeats(okHead, longHead, 0), "invalid", nothing, false},
		{"switches protocols unasked", sends("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"), "invalid", nothing, false},
		{"gives two lengths", sends(okHead + "Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc"), "invalid", nothing, false},
		{"gives a length and chunks", sends(okHead + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"), "invalid", nothing, false},

		{"sends less than announced", sends(okHead + "Content-Length: 10\r\n\r\nabc"), "breaks off", nothing, false},
		{"resets in the body", resetsAfter(okHead + "Content-Length: 10\r\n\r\nabc"), "breaks off", nothing, false},
		{"truncates its chunks", sends(chunked + "5\r\nabc"), "breaks off", nothing, false},
		{"ends without a last chunk", sends(chunked + "3\r\nabc\r\n"), "breaks off", nothing, false},
		{"sends a chunk that is none", sends(chunked + "3\r\nabc\r\nzz\r\n"), "breaks off", nothing, false},
		{"stops in the body", stalls(okHead + "Content-Length: 10\r\n\r\nabc"), "breaks off", streaming, false},

		{"says 502", sends("HTTP/1.1 502 Bad\r\n" + emptyBody), "502", nothing, false},
		{"says 503", sends("HTTP/1.1 503 Busy\r\n" + emptyBody), "503", nothing, false},
		{"says 504", sends("HTTP/1.1 504 Late\r\n" + emptyBody), "504", nothing, false},
		{"says 500", sends("HTTP/1.1 500 Oops\r\n" + emptyBody), "500", nothing, false},
		{"says 501", sends("HTTP/1.1 501 Not built\r\n" + emptyBody), "501", nothing, false},
		{"says 404", sends("HTTP/1.1 404 Not here\r\n" + emptyBody), "404", nothing, false},
		{"says 429", sends("HTTP/1.1 429 Slowly\r\n" + emptyBody), "429", nothing, false},
		{"says 429 and when to come back", sends("HTTP/1.1 429 Slowly\r\nRetry-After: 0\r\n" + emptyBody), "429, come on", nothing, false},

		{"answers 413 before the body", answersEarly("HTTP/1.1 413 Too large\r\n" + emptyBody), "413", nothing, true},
		{"answers 503 before the body", answersEarly("HTTP/1.1 503 Busy\r\n" + emptyBody), "503, large", nothing, true},
		{"sends more than announced", sends(okHead + "Content-Length: 3\r\n\r\nbadHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"), "200", nothing, false},
	}
}

// how is one way to send a request.
type how struct {
	name, method string
	keyed        bool
	tries        func(ending) string
}

func hows() []how {
	return []how{
		{"GET", "GET", false, func(e ending) string { return e.get }},
		{"PUT", "PUT", false, func(e ending) string { return e.put }},
		{"POST", "POST", false, func(e ending) string { return e.post }},
		{"POST with Idempotency-Key", "POST", true, func(e ending) string { return e.keyed }},
	}
}

// TestMisbehavingBackends holds every misdeed to the table, for every method,
// on new with and without fallback, and on legacy.
func TestMisbehavingBackends(t *testing.T) {
	for _, deed := range misdeeds() {
		t.Run(deed.name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			t.Run("for", func(t *testing.T) {
				for _, how := range hows() {
					t.Run(how.name+" to new", func(t *testing.T) { t.Parallel(); deed.meets(t, how, routing.New, false) })
					t.Run(how.name+" to new with fallback", func(t *testing.T) { t.Parallel(); deed.meets(t, how, routing.New, true) })
					t.Run(how.name+" to legacy", func(t *testing.T) { t.Parallel(); deed.meets(t, how, routing.Legacy, false) })
				}
			})
			goleak.VerifyNone(t, before)
		})
	}
}

// expectation is a line of the table for one request.
type expectation struct {
	ending
	tries   int
	crosses bool // legacy answers in the end
}

func (d misdeed) expected(how how, side routing.Side, fallback bool) expectation {
	e := expectation{ending: endings()[d.comes]}
	tries, arrow := strings.CutSuffix(how.tries(e.ending), "→")
	e.tries, e.crosses = int(tries[0]-'0'), arrow && fallback
	if side == routing.Legacy {
		e.tries, e.crosses = e.legacy, false
	}
	return e
}

func (d misdeed) meets(t *testing.T, how how, side routing.Side, fallback bool) {
	policies := staged(fallback)
	d.tight.narrow(&policies.Legacy)
	d.tight.narrow(&policies.New)
	s := set(t, d.act(t), side, policies)
	header := http.Header{}
	if how.keyed {
		header.Set("Idempotency-Key", "k")
	}
	body := ""
	if how.method != "GET" {
		body = "amount=1"
		if d.large {
			body = strings.Repeat("x", 1<<20)
		}
	}
	got := s.ask(how.method, "/orders/1", header, body)
	want := d.expected(how, side, fallback)
	if got.status != 0 || !d.large { // a client still sending may meet the close before it reads the answer
		want.client(t, got)
	}
	want.counted(t, s)
	s.othersAreWell(t, want.crosses)
	atRest(t, s.proxy)
	want.logged(t, s.logged()[0], s)
}

// client checks what the client got.
func (e expectation) client(t *testing.T, got outcome) {
	t.Helper()
	status, code := e.status, e.code
	if e.crosses {
		status, code = 200, ""
		if got.body != "legacy" {
			t.Errorf("the client got %q, want legacy's answer", got.body)
		}
	}
	if got.status != status || got.code != code {
		t.Errorf("the client got %d %q, want %d %q; body %q", got.status, got.code, status, code, got.body)
	}
}

// counted checks how often the backend was asked, and what its lane made of it.
func (e expectation) counted(t *testing.T, s *scene) {
	t.Helper()
	heads := e.tries
	if e.class == "not_sent" {
		heads = 0
	}
	if got := int(s.bad.heads.Load()); got != heads {
		t.Errorf("the backend was sent %d requests, want %d", got, heads)
	}
	lane := s.lane("orders", s.side)
	failures := 0
	if e.blamed(s.side) {
		failures = e.tries
	}
	if b := lane.Breaker; b.State != guard.Closed || b.Total != e.tries || b.Failures != failures {
		t.Errorf("the breaker is %s with %d failures of %d, want closed with %d of %d", b.State, b.Failures, b.Total, failures, e.tries)
	}
	if spent := 30 - lane.Retries; spent != e.tries-1 { // the budget begins with ten seconds' floor
		t.Errorf("%d retries were taken from the budget, want %d", spent, e.tries-1)
	}
	if lane.Rejected != 0 {
		t.Errorf("the bulkhead refused %d", lane.Rejected)
	}
}

// blamed reports whether the side's breaker takes the class for a failure:
// legacy's counts only what gave no answer.
func (e expectation) blamed(side routing.Side) bool {
	switch e.class {
	case "ok":
		return false
	case "not_sent", "no_response", "timeout":
		return true
	default:
		return side == routing.New
	}
}

// logged checks what the access log tells of the request.
func (e expectation) logged(t *testing.T, entry map[string]any, s *scene) {
	t.Helper()
	attempts := float64(s.bad.heads.Load())
	side, reason, class := s.side.String(), "stage", e.class
	if e.crosses {
		side, reason, class = "legacy", "fallback", "ok"
		attempts++
	}
	for key, want := range map[string]any{
		"strangler.attempts": attempts, "strangler.side": side, "strangler.reason": reason, "strangler.class": class,
	} {
		if entry[key] != want {
			t.Errorf("logged %s %v, want %v; error %v", key, entry[key], want, entry["error"])
		}
	}
}

// othersAreWell checks that the other side heard only of a fallback, and the
// other route of nothing.
func (s *scene) othersAreWell(t *testing.T, crossed bool) {
	t.Helper()
	other, heard := routing.Legacy, 0
	if s.side == routing.Legacy {
		other = routing.New
	}
	if crossed {
		heard = 1
	}
	if b := s.lane("orders", other).Breaker; b.State != guard.Closed || b.Total != heard || b.Failures != 0 {
		t.Errorf("the other side is %s with %d failures of %d, want closed with 0 of %d", b.State, b.Failures, b.Total, heard)
	}
	if got := s.ask("GET", "/users", nil, ""); got.status != 200 || got.body != "users-new" {
		t.Errorf("the other route answers %d %q", got.status, got.body)
	}
	for side, heard := range map[routing.Side]int{routing.Legacy: 0, routing.New: 1} {
		lane := s.lane("users", side)
		if b := lane.Breaker; b.State != guard.Closed || b.Total != heard || b.Failures != 0 || lane.Rejected != 0 || lane.Retries != 30 {
			t.Errorf("users/%s: %+v, want %d results and nothing else", side, lane, heard)
		}
	}
}
