package test_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/stranglerfig/strangler/internal/store/pgtest"
)

func TestADrainedRouterLosesNoRequest(t *testing.T) {
	const healthPath, drainTimeout = "/up", 2 * time.Second
	s := openShop(t, pgtest.URL(t), "--health-path", healthPath, "--drain-delay", "500ms", "--drain-timeout", drainTimeout.String())
	s.ctl.must("promote", "orders", "--to", "50", "--wait")
	balancer := balance(t, healthPath, s.a, s.b)
	v := newVisitor(t, s.app, 16)
	var choices [2]atomic.Int64
	c := gather(t, 8, func(n int64) error {
		chosen := balancer.choose(n)
		choices[chosen].Add(1)
		_, err := v.order(s.routers()[chosen].data, strconv.FormatInt(n%visitors, 10))
		return err
	})
	slow := openSlow(t, s.b.data)
	socket := openSocket(t, s.b.data)
	c.more(500)

	s.b.signal(syscall.SIGTERM)
	eventually(t, "the load balancer looks away from b", func() bool { return !balancer.healthy[1].Load() })
	socket.says("between not ready and closing")
	eventually(t, "b takes no new connections", func() bool {
		conn, err := net.Dial("tcp", s.b.data)
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	closed := time.Now()
	socket.says("during the drain")
	close(s.app.finish)
	if rest, err := io.ReadAll(slow); err != nil || string(rest) != "end\n" {
		t.Errorf("the answer under way ended with %q, %v", rest, err)
	}

	socket.ends()
	// The listener was seen closed a little after the time for the drain began.
	if lived := time.Since(closed); lived < drainTimeout-500*time.Millisecond || lived > drainTimeout+slack() {
		t.Errorf("the WebSocket lived for %s of the drain, want %s", lived, drainTimeout)
	}
	if code := s.b.wait(); code != 0 {
		t.Errorf("b ended with exit code %d", code)
	}
	c.more(200)
	c.content()
	for i, r := range s.routers() {
		if choices[i].Load() == 0 {
			t.Errorf("nobody met %s: the test has shown nothing", r.name)
		}
	}
	s.checkFleet("a serving", "b signed_off")
	s.ctl.must("promote", "orders", "--to", "60", "--wait") // nobody waits for b
}

// balancer sends visitors to the routers that say they are healthy.
type balancer struct {
	healthy [2]atomic.Bool
}

// balance asks both routers' health path every 20 ms.
func balance(t *testing.T, path string, routers ...*router) *balancer {
	b := &balancer{}
	ctx, cancel := context.WithCancel(context.Background())
	asked := make(chan struct{})
	probe := func() {
		for i, r := range routers {
			res, err := http.Get("http://" + r.data + path)
			if err == nil {
				res.Body.Close()
			}
			b.healthy[i].Store(err == nil && res.StatusCode == http.StatusOK)
		}
	}
	probe()
	go func() {
		defer close(asked)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				probe()
			case <-ctx.Done():
				return
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-asked })
	return b
}

// choose takes turns among the healthy ones.
func (b *balancer) choose(n int64) int {
	if turn := int(n % 2); b.healthy[turn].Load() {
		return turn
	}
	return int((n + 1) % 2)
}

// openSlow asks for an answer that ends only when the test says so, and reads
// its beginning.
func openSlow(t *testing.T, address string) io.Reader {
	t.Helper()
	res, err := http.Get("http://" + address + "/slow")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	begin := make([]byte, len("begin\n"))
	if _, err := io.ReadFull(res.Body, begin); err != nil || string(begin) != "begin\n" {
		t.Fatalf("/slow begins with %q, %v", begin, err)
	}
	return res.Body
}

// socket is a WebSocket to the echo.
type socket struct {
	t    *testing.T
	conn *websocket.Conn
}

func openSocket(t *testing.T, address string) socket {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, "ws://"+address+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.CloseNow() })
	s := socket{t, conn}
	s.says("hello")
	return s
}

// says sends a text and expects it back.
func (s socket) says(text string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	if err := s.conn.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		s.t.Fatalf("say %q: %v", text, err)
	}
	if _, back, err := s.conn.Read(ctx); err != nil || string(back) != text {
		s.t.Fatalf("said %q, heard %q, %v", text, back, err)
	}
}

// ends waits until the other end closes.
func (s socket) ends() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	if _, text, err := s.conn.Read(ctx); err == nil || ctx.Err() != nil {
		s.t.Fatalf("the WebSocket does not end: %q, %v", text, err)
	}
}
