package proxy_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/proxy"
	"github.com/stranglerfig/strangler/internal/routing"
)

// touchy is a breaker that opens at the first failure of whatever kind.
func touchy(p *guard.BreakerPolicy) {
	p.MinResults, p.FailureRate, p.InARow = 1, 0.001, 1
}

// patientShop is a backend without fault: it takes what the client sends, and
// waits, or sends, for as long as the client does.
func patientShop(t testing.TB) *villain {
	v := &villain{}
	v.url = backend(t, func(w http.ResponseWriter, r *http.Request) {
		v.heads.Add(1)
		switch r.URL.Path {
		case "/orders/think":
			<-r.Context().Done()
		case "/orders/flood":
			block := make([]byte, 64<<10)
			for {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		default:
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(w, "new")
		}
	})
	return v
}

// clientDeed is one way in which a client misbehaves.
type clientDeed struct {
	name  string
	sends string
	then  func(t *testing.T, s *scene, conn *net.TCPConn)
	limit time.Duration // how long it may stand still; 0: longer than the test
}

func clientDeeds() []clientDeed {
	post := func(fields, body string) string {
		return "POST /orders/1 HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n\r\n" + body
	}
	return []clientDeed{
		{"sends less than announced", post("Content-Length: 10", "abc"), halfCloses, 0},
		{"sends no body at all", post("Content-Length: 10", ""), halfCloses, 0},
		{"sends a chunk that is none", post("Transfer-Encoding: chunked", "3\r\nabc\r\nzz\r\n\r\n"), stays, 0},
		{"truncates its chunks", post("Transfer-Encoding: chunked", "5\r\nab"), halfCloses, 0},
		{"ends without a last chunk", post("Transfer-Encoding: chunked", "2\r\nab\r\n"), halfCloses, 0},
		{"leaves before the body", post("Content-Length: 10", ""), leavesOnceSent, 0},
		{"leaves in the body", post("Content-Length: 10", "abc"), leavesOnceSent, 0},
		{"resets in the body", post("Transfer-Encoding: chunked", "2\r\nab\r\n"), resetsOnceSent, 0},
		{"leaves while the backend thinks", "GET /orders/think HTTP/1.1\r\nHost: h\r\n\r\n", leavesOnceSent, 0},
		{"resets while the backend thinks", "GET /orders/think HTTP/1.1\r\nHost: h\r\n\r\n", resetsOnceSent, 0},
		{"leaves in the answer", "GET /orders/flood HTTP/1.1\r\nHost: h\r\n\r\n", leavesInTheAnswer, 0},
		{"stops sending", post("Content-Length: 10", "abc"), stays, 100 * time.Millisecond},
		{"stops reading", "GET /orders/flood HTTP/1.1\r\nHost: h\r\n\r\n", stays, 100 * time.Millisecond},
		{"upgrades to nonsense", "GET /orders/1 HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: \x22,/,\r\n\r\n", halfCloses, 0},
		{"promises a body and waits for leave", post("Expect: 100-continue\r\nContent-Length: 10", ""), halfCloses, 0},
	}
}

func halfCloses(_ *testing.T, _ *scene, conn *net.TCPConn) { _ = conn.CloseWrite() }

// stays waits for the router to have enough of it.
func stays(*testing.T, *scene, *net.TCPConn) {}

// leavesOnceSent goes away when the request is at the backend.
func leavesOnceSent(t *testing.T, s *scene, conn *net.TCPConn) {
	s.awaitHeads(t, 1)
	_ = conn.Close()
}

func resetsOnceSent(t *testing.T, s *scene, conn *net.TCPConn) {
	_ = conn.SetLinger(0)
	leavesOnceSent(t, s, conn)
}

func leavesInTheAnswer(t *testing.T, _ *scene, conn *net.TCPConn) {
	if _, err := io.CopyN(io.Discard, conn, 100<<10); err != nil {
		t.Error(err)
	}
	_ = conn.Close()
}

// awaitHeads waits until more than so many requests have reached the backend
// since this was last asked.
func (s *scene) awaitHeads(t *testing.T, n int32) {
	t.Helper()
	within(t, "the requests reach the backend", func() bool { return s.bad.heads.Load() >= n })
	s.bad.heads.Store(0)
}

// within waits for something that happens on a socket.
func within(t testing.TB, what string, happens func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !happens(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

// commit does the deed, and waits until the router is done with it.
func (d clientDeed) commit(t *testing.T, s *scene) {
	t.Helper()
	conn := dialled(t, s.addr, d.sends)
	d.then(t, s, conn)
	<-s.ended
	_ = conn.Close()
}

// TestMisbehavingClientsMoveNoBreaker: or any visitor could cut a route off.
func TestMisbehavingClientsMoveNoBreaker(t *testing.T) {
	for _, deed := range clientDeeds() {
		t.Run(deed.name, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			t.Run("", func(t *testing.T) {
				s := set(t, patientShop(t), routing.New, deed.policies())
				for range 3 {
					deed.commit(t, s)
				}
				if b := s.lane("orders", routing.New).Breaker; b.State != guard.Closed || b.Failures != 0 || b.Generation != 1 {
					t.Errorf("the breaker is %s with %d failures, generation %d", b.State, b.Failures, b.Generation)
				}
				if b := s.lane("orders", routing.Legacy).Breaker; b.Total != 0 {
					t.Errorf("legacy was asked %d times", b.Total)
				}
				if spent := 30 - s.lane("orders", routing.New).Retries; spent != 0 {
					t.Errorf("%d retries were made", spent)
				}
				atRest(t, s.proxy)
			})
		})
	}
}

func (d clientDeed) policies() proxy.Policies {
	policies := staged(true)
	touchy(&policies.New.Breaker)
	d.narrow(&policies.New)
	return policies
}

func (d clientDeed) narrow(p *guard.Policy) {
	if d.limit > 0 {
		p.Timeouts.Stream = d.limit
	}
}

// TestMisbehavingClientsGiveTheTrialBack: a client that got the one trial of a
// half-open breaker and does not see it through leaves it to the next one.
func TestMisbehavingClientsGiveTheTrialBack(t *testing.T) {
	for _, deed := range clientDeeds() {
		if strings.Contains(deed.sends, "flood") || strings.Contains(deed.sends, "Upgrade") {
			continue // these have their answer's head, which settles the trial
		}
		t.Run(deed.name, func(t *testing.T) {
			l := newLab(t, deed.narrow)
			l.open(t)
			l.mode.Store(modeThink)
			deed.commit(t, l.scene)
			l.mode.Store(modeFine)
			if got := l.ask("GET", "/orders/1", nil, ""); got.status != 200 || got.body != "fine" {
				t.Errorf("the next request got %d %q, want the trial", got.status, got.body)
			}
			l.changed(t, "open", "half_open", "closed")
		})
	}
}

// dialled sends text on a connection of its own.
func dialled(t testing.TB, addr, text string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}
