package proxy_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/stranglerfig/strangler/internal/routing"
)

func TestServerSentEventsArriveOneByOne(t *testing.T) {
	send := make(chan string)
	url := backend(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.WriteHeader(200)
		_ = http.NewResponseController(w).Flush()
		for event := range send {
			_, _ = fmt.Fprintf(w, "data: %s\n\n", event)
			_ = http.NewResponseController(w).Flush()
		}
	})
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	res, err := client().Get("http://" + r.addr + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	for _, event := range []string{"one", "two", "three"} {
		send <- event
		if line, err := lines.ReadString('\n'); err != nil || line != "data: "+event+"\n" {
			t.Fatalf("got %q, %v; want %s before the next is sent", line, err, event)
		}
		if _, err := lines.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	close(send)
	if _, err := lines.ReadString('\n'); err != io.EOF {
		t.Fatalf("after the end: %v", err)
	}
	if entry := r.log.entries(t, 1)[0]; entry["strangler.kind"] != "events" {
		t.Errorf("logged as %v", entry)
	}
}

// TestHeadDoesNotWaitForItsBody: a download that is still being made shows that
// it has begun.
func TestHeadDoesNotWaitForItsBody(t *testing.T) {
	headSeen := make(chan struct{})
	url := rawBackend(t, func(conn net.Conn, _ *http.Request) {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
		<-headSeen
		_, _ = io.WriteString(conn, "ok")
	})
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	res, err := client().Get("http://" + r.addr + "/")
	close(headSeen)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err != nil || string(body) != "ok" || res.ContentLength != 2 {
		t.Errorf("body %q, length %d, %v", body, res.ContentLength, err)
	}
}

// echoSocket is a WebSocket that answers every message with itself.
func echoSocket(t testing.TB) string {
	return backend(t, func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Errorf("accept: %v", err)
			return
		}
		defer c.CloseNow()
		for {
			kind, message, err := c.Read(r.Context())
			if err != nil {
				return
			}
			if err := c.Write(r.Context(), kind, message); err != nil {
				return
			}
		}
	})
}

func TestWebSocketSurvivesTableChanges(t *testing.T) {
	r := start(t, map[string]string{"legacy": echoSocket(t), "new": named(t, "new")})
	r.install(1, canary("/ws", 0), legacyOnly())
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, _, err := websocket.Dial(ctx, "ws://"+r.addr+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	for revision := routing.Revision(2); revision < 20; revision++ {
		weight := routing.FullWeight
		if revision%2 == 0 {
			weight = 2500
		}
		r.install(revision, canary("/ws", weight), legacyOnly())
		message := fmt.Sprintf("after revision %d", revision)
		if err := c.Write(ctx, websocket.MessageText, []byte(message)); err != nil {
			t.Fatal(err)
		}
		if _, got, err := c.Read(ctx); err != nil || string(got) != message {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	if err := c.Close(websocket.StatusNormalClosure, "bye"); err != nil {
		t.Errorf("close: %v", err)
	}
	if entry := r.log.entries(t, 1)[0]; entry["strangler.kind"] != "upgrade" || entry["http.response.status_code"] != 101.0 {
		t.Errorf("logged as %v", entry)
	}
}

func TestUpgradeThatTheBackendDeclines(t *testing.T) {
	r := start(t, map[string]string{"legacy": named(t, "no upgrade here")})
	r.install(1, legacyOnly())
	got := r.raw("GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\n\r\n")
	if !strings.HasPrefix(got, "HTTP/1.1 200 ") || !strings.Contains(got, "no upgrade here") {
		t.Errorf("got %q", got)
	}
}

func TestOtherUpgradesAreTunnelled(t *testing.T) {
	url := rawBackend(t, func(conn net.Conn, request *http.Request) {
		if request.Header.Get("Upgrade") != "chat/1" {
			t.Errorf("Upgrade %q", request.Header.Get("Upgrade"))
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat/1\r\n\r\nhello ")
		line, _ := bufio.NewReader(conn).ReadString('\n')
		_, _ = io.WriteString(conn, line)
	})
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	// What the client sends right behind its head belongs to the new protocol.
	got := r.raw("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: chat/1\r\n\r\nyou\n")
	if !strings.HasPrefix(got, "HTTP/1.1 101 ") || !strings.HasSuffix(got, "hello you\n") {
		t.Errorf("got %q", got)
	}
}

func TestEarlyHintsPass(t *testing.T) {
	url := rawBackend(t, func(conn net.Conn, _ *http.Request) {
		_, _ = io.WriteString(conn, "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"+
			"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	})
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	var hint textproto.MIMEHeader
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
			if code == 103 {
				hint = header
			}
			return nil
		},
	})
	req, _ := http.NewRequestWithContext(ctx, "GET", "http://"+r.addr+"/", nil)
	res, err := client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if hint.Get("Link") != "</a.css>; rel=preload" {
		t.Errorf("hint %v", hint)
	}
	if res.StatusCode != 200 || res.Header.Get("Link") != "" {
		t.Errorf("final answer %d carries the hint's fields: %v", res.StatusCode, res.Header)
	}
}

func TestTrailersPassBothWays(t *testing.T) {
	url := backend(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "body")
		w.Header().Set("X-Sum", "of "+r.Trailer.Get("X-Up"))
		w.Header().Set(http.TrailerPrefix+"X-Late", "unannounced")
	})
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	req, _ := http.NewRequest("POST", "http://"+r.addr+"/", io.MultiReader(strings.NewReader("abc")))
	req.Trailer = http.Header{"X-Up": {"abc"}}
	res, err := client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.ReadAll(res.Body); err != nil {
		t.Fatal(err)
	}
	if res.Trailer.Get("X-Sum") != "of abc" || res.Trailer.Get("X-Late") != "unannounced" {
		t.Errorf("trailers %v", res.Trailer)
	}
}

// TestEarlyAnswerIsRelayedAtOnce: a backend that refuses an upload before it
// has read it is heard while the client is still sending.
func TestEarlyAnswerIsRelayedAtOnce(t *testing.T) {
	url := rawBackend(t, func(conn net.Conn, _ *http.Request) {
		_, _ = io.WriteString(conn, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
		_, _ = io.Copy(io.Discard, conn)
	})
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	// A megabyte is announced and one byte sent: the answer must not wait for the rest.
	_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1048576\r\n\r\nx")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); res.StatusCode != 413 || string(body) != "big" {
		t.Errorf("%d %q", res.StatusCode, body)
	}
}

func TestExpectContinueIsAnsweredByTheBackend(t *testing.T) {
	refuse := backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/no" {
			w.WriteHeader(http.StatusExpectationFailed)
			return
		}
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
	})
	r := start(t, map[string]string{"legacy": refuse})
	r.install(1, legacyOnly())
	for path, want := range map[string]string{"/no": "HTTP/1.1 417", "/yes": "HTTP/1.1 100"} {
		conn, err := net.Dial("tcp", r.addr)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		_, _ = io.WriteString(conn, "POST "+path+" HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil || !strings.HasPrefix(line, want) {
			t.Errorf("%s: first line %q, %v; want %s", path, line, err, want)
		}
		_ = conn.Close()
	}
}

// TestLargeBodiesAreStreamed sends 64 MiB each way, holds them to their hash,
// and to a memory that does not grow with them: everything this process
// allocates meanwhile, client and backend included, is a fraction of one body.
func TestLargeBodiesAreStreamed(t *testing.T) {
	const size = 64 << 20
	url := backend(t, func(w http.ResponseWriter, r *http.Request) {
		hash := sha256.New()
		n, err := io.Copy(io.MultiWriter(w, hash), r.Body)
		if err != nil || n != size {
			t.Errorf("backend read %d bytes, %v", n, err)
		}
	})
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	want, got := sha256.New(), sha256.New()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	source := io.TeeReader(io.LimitReader(pattern{}, size), want)
	req, _ := http.NewRequest("POST", "http://"+r.addr+"/", source)
	req.ContentLength = size
	res, err := client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if n, err := io.Copy(got, res.Body); err != nil || n != size {
		t.Fatalf("client read %d bytes, %v", n, err)
	}
	if string(got.Sum(nil)) != string(want.Sum(nil)) {
		t.Error("the body changed on its way")
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > size/4 {
		t.Errorf("%d MiB were allocated for bodies of %d MiB", grown>>20, size>>20)
	}
	entry := r.log.entries(t, 1)[0]
	if entry["http.request.body.size"] != float64(size) || entry["http.response.body.size"] != float64(size) {
		t.Errorf("logged sizes %v and %v", entry["http.request.body.size"], entry["http.response.body.size"])
	}
}

// pattern is an endless reader of bytes that repeat with a prime period.
type pattern struct{}

func (pattern) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(i % 251)
	}
	return len(p), nil
}

func TestHTTP2ByPriorKnowledge(t *testing.T) {
	url, requests := seen(t)
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	h2 := &http.Client{Transport: &http.Transport{Protocols: &protocols}}
	defer h2.CloseIdleConnections()
	res, err := h2.Get("http://" + r.addr + "/a%2Fb?c;d")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.ProtoMajor != 2 || res.StatusCode != 204 {
		t.Errorf("%s %d", res.Proto, res.StatusCode)
	}
	if got := <-requests; got.RequestURI != "/a%2Fb?c;d" || got.ProtoMajor != 1 {
		t.Errorf("the backend saw %s %s", got.RequestURI, got.Proto)
	}
}
