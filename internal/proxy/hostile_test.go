package proxy_test

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/routing"
)

// dial opens a connection to the router on which nothing waits for ever.
func (r *router) dial() *net.TCPConn {
	r.t.Helper()
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	return conn.(*net.TCPConn)
}

// TestStalledUploadIsNotWaitedForAfterTheAnswer: the rest of a body that the
// answer did not wait for is read for some seconds, so that the client reads
// the answer; a client that sends nothing more must not be waited for.
func TestStalledUploadIsNotWaitedForAfterTheAnswer(t *testing.T) {
	refuse := rawBackend(t, func(conn net.Conn, _ *http.Request) {
		_, _ = io.WriteString(conn, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig")
		_, _ = io.Copy(io.Discard, conn)
	})
	gone := listen(t)
	_ = gone.Close()
	for name, c := range map[string]struct{ backend, path, status string }{
		"early answer": {refuse, "/", "413"}, "no backend": {"http://" + gone.Addr().String(), "/", "502"}, "refused": {refuse, "/%zz", "400"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, map[string]string{"legacy": c.backend})
			r.install(1, legacyOnly())
			conn := r.dial()
			_, _ = io.WriteString(conn, "POST "+c.path+" HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nx")
			reader := bufio.NewReader(conn)
			res, err := http.ReadResponse(reader, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
			if !strings.HasPrefix(res.Status, c.status) || !res.Close {
				t.Errorf("%s, announces its close: %v", res.Status, res.Close)
			}
			if _, err := reader.ReadByte(); err != io.EOF {
				t.Errorf("the connection stays open: %v", err)
			}
		})
	}
}

// TestUploadThatIsWholeKeepsTheConnection, whether or not anybody read it.
func TestUploadThatIsWholeKeepsTheConnection(t *testing.T) {
	url := backend(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	conn := r.dial()
	reader := bufio.NewReader(conn)
	for range 20 {
		for _, body := range []string{"Content-Length: 5\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"} {
			_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: h\r\n"+body)
			res, err := http.ReadResponse(reader, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
			if res.StatusCode != 200 || res.Close {
				t.Fatalf("%s, closed: %v", res.Status, res.Close)
			}
		}
	}
}

// TestClientThatTakesNothingIsGivenUp: its exchange ends, and a connection to
// the backend is not held for it.
func TestClientThatTakesNothingIsGivenUp(t *testing.T) {
	released := make(chan struct{})
	url := backend(t, func(w http.ResponseWriter, _ *http.Request) {
		defer close(released)
		chunk := make([]byte, 1<<20)
		for {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	limits := short()
	limits.Legacy.Timeouts.Idle = 10 * time.Second // for the backend, which is not to blame
	r := start(t, map[string]string{"legacy": url}, limited(limits))
	r.install(1, legacyOnly())
	_, _ = io.WriteString(r.dial(), "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	entry := r.log.entries(t, 1)[0]
	if entry["strangler.class"] != "client_gone" || entry["error"] != "the client took nothing of the response for too long" {
		t.Errorf("logged class %v, error %v", entry["strangler.class"], entry["error"])
	}
	<-released
}

// TestContinueAndHintsAreInOrder: 100 and 103 come on different goroutines of
// the transport; the race detector watches this one.
func TestContinueAndHintsAreInOrder(t *testing.T) {
	url := rawBackend(t, func(conn net.Conn, request *http.Request) {
		_, _ = io.WriteString(conn, strings.Repeat("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x-hop\r\nX-Hop: 1\r\n\r\n", 3))
		_, _ = io.Copy(io.Discard, request.Body)
		// It closes, and says so: the second POST must not meet this connection again.
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
	})
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	got := r.raw("POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello")
	hint := "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
	want := "HTTP/1.1 100 Continue\r\n\r\n" + strings.Repeat(hint, 3) + "HTTP/1.1 200 OK\r\n"
	if !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want it to begin with %q", got, want)
	}
	got = r.raw("POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello")
	if want := strings.Repeat(hint, 3) + "HTTP/1.1 200 OK\r\n"; !strings.HasPrefix(got, want) {
		t.Errorf("without Expect: got %q, want it to begin with %q", got, want)
	}
}

// TestBackendThatIgnoresExpectGetsItsBody after the second that a client would
// give it as well.
func TestBackendThatIgnoresExpectGetsItsBody(t *testing.T) {
	url := rawBackend(t, func(conn net.Conn, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"+string(body))
	})
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	got := r.raw("POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello")
	if !strings.HasPrefix(got, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n") || !strings.HasSuffix(got, "\r\n\r\nhello") {
		t.Errorf("got %q", got)
	}
}

// brokenWriter is a server's writer that panics when its fields are asked for.
type brokenWriter struct {
	http.ResponseWriter
	panics int
}

func (w *brokenWriter) Header() http.Header {
	if w.panics--; w.panics >= 0 {
		panic("a bug of ours")
	}
	return w.ResponseWriter.Header()
}

func (w *brokenWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// TestPanicsAreAnsweredAndSeen: a bug costs one request, and is not silent.
func TestPanicsAreAnsweredAndSeen(t *testing.T) {
	var complaints strings.Builder
	r := start(t, map[string]string{"legacy": named(t, "legacy")}, func(s *settings) {
		s.options.Logger = slog.New(slog.NewTextHandler(&complaints, nil))
	})
	r.install(1, legacyOnly())
	ln := listen(t)
	server := r.proxy.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.proxy.ServeHTTP(&brokenWriter{w, 1}, req)
	}), nil)
	go func() { _ = server.Serve(ln) }()
	res, err := client().Get("http://" + ln.Addr().String() + "/")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if code := problem(t, res, string(body)); code != "internal" || res.StatusCode != 500 {
		t.Errorf("%d %s", res.StatusCode, code)
	}
	entry := r.log.entries(t, 1)[0]
	if entry["strangler.problem"] != "internal" || entry["error"] != "panic: a bug of ours" {
		t.Errorf("logged %v", entry)
	}
	server.Drain(t.Context())
	for _, want := range []string{"a bug of ours", "hostile_test.go", entry["request_id"].(string)} {
		if !strings.Contains(complaints.String(), want) {
			t.Errorf("the log does not mention %q:\n%s", want, complaints.String())
		}
	}
}

// TestReplayDoesNotOutliveItsTable: the transport repeats a GET whose kept-alive
// connection turned out to be closed. Once a newer table is in force, that must
// not reach the side it took away.
func TestReplayDoesNotOutliveItsTable(t *testing.T) {
	arrived, swapped := make(chan struct{}), make(chan struct{})
	served := make(chan string, 10)
	ln := listen(t)
	defer ln.Close()
	go func() {
		for first := true; ; first = false {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				reader := bufio.NewReader(conn)
				request, err := http.ReadRequest(reader)
				if err != nil {
					return
				}
				served <- request.RequestURI
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew")
				if _, err := http.ReadRequest(reader); err == nil && first {
					close(arrived)
					<-swapped
				}
			}()
		}
	}()
	r := start(t, map[string]string{"legacy": named(t, "legacy"), "new": "http://" + ln.Addr().String()})
	r.install(1, canary("/orders", routing.FullWeight), legacyOnly())
	if _, body := r.get("/orders/1"); body != "new" {
		t.Fatalf("got %q", body)
	}
	answer := make(chan string, 1)
	go func() {
		_, body := r.get("/orders/2")
		answer <- body
	}()
	<-arrived
	r.install(2, canary("/orders", 0), legacyOnly())
	close(swapped)
	if got := <-answer; got != "legacy" {
		t.Errorf("served by %s, want legacy, which a retry finds in charge", got)
	}
	if len(served) != 1 {
		t.Errorf("new was asked %d times, the last time after the rollback was in force", len(served))
	}
}
