package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/proxy"
	"github.com/stranglerfig/strangler/internal/routing"
)

// takenUp is what a villain of several acts read of a request.
type takenUp struct {
	body string
	err  error
}

// acts is a backend whose connections each do the next of the acts, the first
// one as soon as the head is there.
func acts(t testing.TB, acts ...script) *villain {
	var n atomic.Int32
	return impatient(func(v *villain, conn net.Conn, request *http.Request) bool {
		i := int(n.Add(1)) - 1
		if i >= len(acts) {
			t.Errorf("the backend was asked %d times", i+1)
			return false
		}
		return acts[i](v, conn, request)
	})(t)
}

// hasty answers without reading the body, and stays.
func hasty(answer string) script {
	return func(v *villain, conn net.Conn, _ *http.Request) bool {
		_, _ = io.WriteString(conn, answer)
		<-v.closing
		return false
	}
}

// takes reads the body, says what it was, and answers.
func takes(started chan<- struct{}, taken chan<- takenUp, answer string) script {
	return func(v *villain, conn net.Conn, request *http.Request) bool {
		close(started)
		body, err := io.ReadAll(request.Body)
		taken <- takenUp{string(body), err}
		if answer == "" {
			<-v.closing
		}
		_, _ = io.WriteString(conn, answer)
		return false
	}
}

const (
	busy = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
	fine = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"
)

// slowly runs a router whose route new serves, by a backend that is bad, and
// sends it a PUT of which at first only the head comes.
func slowly(t *testing.T, bad *villain, change func(*guard.Policy), head string) (*router, net.Conn) {
	t.Helper()
	policies := staged(false)
	if change != nil {
		change(&policies.New)
	}
	r := start(t, map[string]string{"legacy": named(t, "legacy"), "new": bad.url}, limited(policies))
	r.install(1, canary("/orders", routing.FullWeight))
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	_, _ = fmt.Fprintf(conn, "PUT /orders/1 HTTP/1.1\r\nHost: h\r\n%s", head)
	return r, conn
}

// statusOf reads an answer's status.
func statusOf(t *testing.T, conn net.Conn) int {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// TestBodyThatComesBetweenTries: the first try was answered before the client
// had sent anything of the body, and waits for it still when the second begins.
// What the client then sends is the second try's, or no try's.
func TestBodyThatComesBetweenTries(t *testing.T) {
	for _, test := range []struct {
		name, head string
		replay     int64 // bytes that are kept
		sent       string
		status     int
		body       string // as the second try saw it; empty: not to its end
	}{
		{"kept", "Transfer-Encoding: chunked\r\n\r\n", 64, "5\r\nfirst\r\n5\r\nlater\r\n0\r\n\r\n", 200, "firstlater"},
		{"kept, with a length", "Content-Length: 10\r\n\r\n", 64, "firstlater", 200, "firstlater"},
		{"larger than what is kept", "Transfer-Encoding: chunked\r\n\r\n", 4, "5\r\nfirst\r\n5\r\nlater\r\n0\r\n\r\n", 502, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			started, taken := make(chan struct{}), make(chan takenUp, 1)
			bad := acts(t, hasty(busy), takes(started, taken, fine))
			r, conn := slowly(t, bad, func(p *guard.Policy) { p.Retry.Replay = test.replay }, test.head)
			<-started
			_, _ = io.WriteString(conn, test.sent)
			if got := statusOf(t, conn); got != test.status {
				t.Errorf("status %d, want %d", got, test.status)
			}
			got := <-taken
			if whole := got.err == nil; got.body != test.body && whole || whole != (test.body != "") {
				t.Errorf("the second try saw %q, %v; want %q", got.body, got.err, test.body)
			}
			r.log.entries(t, 1)
			if lane := laneOf(t, r.proxy, routing.New); lane.Breaker.Failures != 1 {
				t.Errorf("%d failures were counted, want that of the first try", lane.Breaker.Failures)
			}
			atRest(t, r.proxy)
		})
	}
}

// TestBodyThatIsNotKeptIsNotSentTwice, even if the client has sent nothing yet:
// the first try waits for it.
func TestBodyThatIsNotKeptIsNotSentTwice(t *testing.T) {
	bad := acts(t, hasty(busy))
	r, conn := slowly(t, bad, func(p *guard.Policy) { p.Retry.Replay = 4 }, "Content-Length: 10\r\n\r\n")
	if got := statusOf(t, conn); got != 503 {
		t.Errorf("status %d, want the backend's own 503", got)
	}
	_ = conn.Close()
	r.log.entries(t, 1)
	if got := bad.heads.Load(); got != 1 {
		t.Errorf("the backend was asked %d times", got)
	}
	atRest(t, r.proxy)
}

// TestHeadLimitAfterAWaitForTheBody: a try that had to wait until the one
// before let go of the body waits no longer for its response than any other.
func TestHeadLimitAfterAWaitForTheBody(t *testing.T) {
	started, taken := make(chan struct{}), make(chan takenUp, 1)
	bad := acts(t, hasty(busy), takes(started, taken, ""))
	_, conn := slowly(t, bad, func(p *guard.Policy) {
		p.Timeouts.Write, p.Retry.Attempts = 500*time.Millisecond, 2
	}, "Content-Length: 4\r\n\r\n")
	<-started
	_, _ = io.WriteString(conn, "body") // is read at once, end and all
	if got := <-taken; got.body != "body" || got.err != nil {
		t.Errorf("the second try saw %q, %v", got.body, got.err)
	}
	began := time.Now()
	if got := statusOf(t, conn); got != 504 {
		t.Errorf("status %d after %s, want 504", got, time.Since(began))
	}
}

// TestAnswerThatNobodyWantsLeavesTheClientAlone: the first try's answer has no
// end. That it is given up says nothing about the client, whose second try is
// under way.
func TestAnswerThatNobodyWantsLeavesTheClientAlone(t *testing.T) {
	bad := acts(t, func(v *villain, conn net.Conn, request *http.Request) bool {
		_, _ = io.Copy(io.Discard, request.Body)
		_, _ = io.WriteString(conn, "HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\nwait")
		<-v.closing
		return false
	}, func(v *villain, conn net.Conn, request *http.Request) bool {
		_, _ = io.Copy(io.Discard, request.Body)
		select {
		case <-v.closing:
		case <-time.After(1500 * time.Millisecond): // longer than anybody reads on in an answer that is not wanted
		}
		_, _ = io.WriteString(conn, fine)
		return false
	})
	_, conn := slowly(t, bad, nil, "Content-Length: 4\r\n\r\nbody")
	if got := statusOf(t, conn); got != 200 {
		t.Errorf("status %d, want 200", got)
	}
}

// TestSwitchThatNobodyAskedForIsClosed: on a connection that has left HTTP
// nobody waits for what may never come.
func TestSwitchThatNobodyAskedForIsClosed(t *testing.T) {
	closed := make(chan error, 1)
	bad := acts(t, func(_ *villain, conn net.Conn, _ *http.Request) bool {
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		_, err := io.Copy(io.Discard, conn)
		closed <- err
		return false
	})
	r := start(t, map[string]string{"legacy": named(t, "legacy"), "new": bad.url}, limited(staged(true)))
	r.install(1, canary("/orders", routing.FullWeight))
	if res, body := r.get("/orders/1"); res.StatusCode != 200 || body != "legacy" {
		t.Errorf("%d %q, want legacy's answer", res.StatusCode, body)
	}
	if err := <-closed; err != nil {
		t.Errorf("the connection was kept open: %v", err)
	}
}

// laneOf returns the state of one side of the route orders.
func laneOf(t testing.TB, p *proxy.Proxy, side routing.Side) proxy.LaneState {
	t.Helper()
	for _, lane := range p.LaneStates() {
		if lane.Route == "orders" && lane.Side == side {
			return lane
		}
	}
	t.Fatalf("no lane orders/%s", side)
	return proxy.LaneState{}
}

// TestUploadIsWholeAfterADialThatFailed: of what was not sent nothing is lost,
// whatever the protocols on either side, and however the client sends it.
func TestUploadIsWholeAfterADialThatFailed(t *testing.T) {
	echo := backend(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	for _, protocol := range []proxy.Protocol{proxy.HTTP1, proxy.H2C} {
		for name, c := range map[string]*http.Client{"HTTP/1": client(), "HTTP/2": overHTTP2(t)} {
			t.Run(name+" to "+string(protocol), func(t *testing.T) {
				r := start(t, map[string]string{"legacy": echo, "new": "http://" + reserve(t).address}, limited(staged(true)))
				gone := r.backends["new"]
				gone.Protocol = protocol
				r.backends["new"] = gone
				r.install(1, canary("/orders", routing.FullWeight))
				body, upload := io.Pipe()
				go func() {
					_, _ = io.WriteString(upload, "first")
					_, _ = io.WriteString(upload, "later")
					_ = upload.Close()
				}()
				res, err := c.Post("http://"+r.addr+"/orders/1", "text/plain", body)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				if text, err := io.ReadAll(res.Body); err != nil || string(text) != "firstlater" {
					t.Errorf("legacy was sent %q, %v", text, err)
				}
				if entry := r.log.entries(t, 1)[0]; entry["strangler.fallback"] != "not_sent" || entry["strangler.retries"] != 2.0 {
					t.Errorf("fallback %v after %v retries", entry["strangler.fallback"], entry["strangler.retries"])
				}
			})
		}
	}
}
