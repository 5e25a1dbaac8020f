package proxy_test

import (
	"bufio"
	"context"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/proxy"
)

// short are limits under which a test need not wait long for a timeout.
func short() proxy.Policies {
	t := guard.Timeouts{
		Connect: time.Second, TLS: time.Second, Read: 100 * time.Millisecond, Write: 100 * time.Millisecond,
		Whole: 200 * time.Millisecond, Idle: 100 * time.Millisecond, Stream: 100 * time.Millisecond,
	}
	policies := proxy.Policies{Legacy: guard.LegacyPolicy(), New: guard.NewPolicy()}
	policies.Legacy.Timeouts, policies.New.Timeouts = t, t
	return policies
}

// TestBackendFaults: whatever a backend does wrong, the client gets a problem
// that says what, and the log says whose fault it was.
func TestBackendFaults(t *testing.T) {
	refused := "http://" + reserve(t).address
	answer := func(text string) string {
		return rawBackend(t, func(conn net.Conn, _ *http.Request) { _, _ = io.WriteString(conn, text) })
	}
	for name, c := range map[string]struct {
		backend            string
		status             int
		code, class, proxy string
	}{
		"refuses":                   {refused, 502, "upstream_unreachable", "not_sent", "destination_unavailable"},
		"closes without an answer":  {answer(""), 502, "upstream_closed", "no_response", "connection_terminated"},
		"closes in the status line": {answer("HTTP/1."), 502, "upstream_invalid", "bad_response", "http_protocol_error"},
		"closes in the head":        {answer("HTTP/1.1 200 OK\r\nX-A: b"), 502, "upstream_closed", "no_response", "connection_terminated"},
		"does not speak HTTP":       {answer("SSH-2.0-OpenSSH_9\r\n\r\n"), 502, "upstream_invalid", "bad_response", "http_protocol_error"},
		"status below 100":          {answer("HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n"), 502, "upstream_invalid", "bad_response", "http_protocol_error"},
		"switches unasked":          {answer("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"), 502, "upstream_invalid", "bad_response", "http_protocol_error"},
		"two content lengths":       {answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc"), 502, "upstream_invalid", "bad_response", "http_protocol_error"},
		"length and chunks":         {answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"), 502, "upstream_invalid", "bad_response", "http_protocol_error"},
		"endless interim answers":   {answer(strings.Repeat("HTTP/1.1 102 Processing\r\nX-Fill: "+strings.Repeat("x", 1000)+"\r\n\r\n", 1000)), 502, "upstream_invalid", "bad_response", "http_protocol_error"},
		"says nothing": {
			rawBackend(t, func(conn net.Conn, _ *http.Request) { _, _ = io.Copy(io.Discard, conn) }),
			504, "upstream_timeout", "timeout", "http_response_timeout",
		},
		"own errors pass": {answer("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\nContent-Type: application/problem+json\r\n\r\nbusy"), 503, "", "failure", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, map[string]string{"legacy": c.backend}, limited(short()))
			r.install(1, legacyOnly())
			res, body := r.get("/x")
			if res.StatusCode != c.status {
				t.Fatalf("status %d, want %d; body %s", res.StatusCode, c.status, body)
			}
			if c.code == "" {
				if body != "busy" || res.Header.Get("Proxy-Status") != "" {
					t.Errorf("the backend's own error was changed: %q", body)
				}
			} else if got := problem(t, res, body); got != c.code {
				t.Errorf("code %q, want %q", got, c.code)
			}
			if want := "strangler; error=" + c.proxy; c.proxy != "" && res.Header.Get("Proxy-Status") != want {
				t.Errorf("Proxy-Status %q, want %q", res.Header.Get("Proxy-Status"), want)
			}
			entry := r.log.entries(t, 1)[0]
			if entry["strangler.class"] != c.class || entry["http.response.status_code"] != float64(c.status) {
				t.Errorf("logged class %v, status %v, error %v; want %s", entry["strangler.class"], entry["http.response.status_code"], entry["error"], c.class)
			}
		})
	}
}

// TestBrokenBodiesAreSeenByTheClient: once the head is out, the only honest
// answer to a break is a break.
func TestBrokenBodiesAreSeenByTheClient(t *testing.T) {
	// Only the body may be late: on a busy machine a head takes its time.
	limits := short()
	limits.Legacy.Timeouts.Read, limits.Legacy.Timeouts.Whole = 10*time.Second, 10*time.Second
	for name, script := range map[string]func(net.Conn, *http.Request){
		"short body": func(conn net.Conn, _ *http.Request) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
		},
		"truncated chunks": func(conn net.Conn, _ *http.Request) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc")
		},
		"malformed chunk": func(conn net.Conn, _ *http.Request) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n")
		},
		"stands still": func(conn net.Conn, _ *http.Request) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
			_, _ = io.Copy(io.Discard, conn)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, map[string]string{"legacy": rawBackend(t, script)}, limited(limits))
			r.install(1, legacyOnly())
			res, err := client().Get("http://" + r.addr + "/")
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if body, err := io.ReadAll(res.Body); err == nil {
				t.Errorf("the client got %q without an error", body)
			}
			if entry := r.log.entries(t, 1)[0]; entry["strangler.class"] != "broken" {
				t.Errorf("logged class %v, want broken", entry["strangler.class"])
			}
		})
	}
}

// TestClientFaultsAreNotTheBackends: otherwise any visitor could make a
// healthy backend look broken.
func TestClientFaultsAreNotTheBackends(t *testing.T) {
	url := backend(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	for name, c := range map[string]struct {
		request string
		status  string // "": nobody is left to be answered
	}{
		"short body":       {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc", "400"},
		"malformed chunks": {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n\r\n", "400"},
		"truncated chunks": {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "400"},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, map[string]string{"legacy": url})
			r.install(1, legacyOnly())
			conn, err := net.Dial("tcp", r.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
			_, _ = io.WriteString(conn, c.request)
			_ = conn.(*net.TCPConn).CloseWrite()
			got, _ := io.ReadAll(conn)
			if !strings.HasPrefix(string(got), "HTTP/1.1 "+c.status) {
				t.Errorf("got %q", got)
			}
			if entry := r.log.entries(t, 1)[0]; entry["strangler.class"] != "client_fault" {
				t.Errorf("logged class %v, error %v", entry["strangler.class"], entry["error"])
			}
		})
	}
}

func TestClientThatLeavesIsLoggedAs499(t *testing.T) {
	reached, gone := make(chan struct{}), make(chan struct{})
	url := backend(t, func(_ http.ResponseWriter, r *http.Request) {
		close(reached)
		<-r.Context().Done()
		close(gone)
	})
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	ctx, leave := context.WithCancel(context.Background())
	req, _ := http.NewRequestWithContext(ctx, "GET", "http://"+r.addr+"/", nil)
	go func() { <-reached; leave() }()
	if _, err := client().Do(req); err == nil {
		t.Fatal("the request succeeded")
	}
	<-gone // the backend hears of it
	entry := r.log.entries(t, 1)[0]
	if entry["strangler.class"] != "client_gone" || entry["http.response.status_code"] != 499.0 {
		t.Errorf("logged class %v, status %v", entry["strangler.class"], entry["http.response.status_code"])
	}
}

// TestSlowUploadIsNotATimeout: the clock to the response head runs only while
// the backend is waited for.
func TestSlowUploadIsNotATimeout(t *testing.T) {
	url := backend(t, func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		if n == 6 {
			_, _ = io.WriteString(w, "all there")
		}
	})
	limits := short()
	limits.Legacy.Timeouts.Stream = 10 * time.Second // for the client
	r := start(t, map[string]string{"legacy": url}, limited(limits))
	r.install(1, legacyOnly())
	body, slow := io.Pipe()
	go func() {
		for range 6 {
			time.Sleep(40 * time.Millisecond) // the slowness itself is what is tested: 240 ms against a limit of 100
			_, _ = slow.Write([]byte("x"))
		}
		_ = slow.Close()
	}()
	if res, text := r.do("POST", "/", nil, body); res.StatusCode != 200 || text != "all there" {
		t.Errorf("%d %q", res.StatusCode, text)
	}
}

func TestStalledUploadEnds(t *testing.T) {
	url := backend(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	r := start(t, map[string]string{"legacy": url}, limited(short()))
	r.install(1, legacyOnly())
	got := r.raw("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc")
	if !strings.HasPrefix(got, "HTTP/1.1 400 ") || !strings.Contains(got, "bad_body") {
		t.Errorf("got %q", got)
	}
}

// TestStaleConnectionIsReplacedOnce: a backend that closes kept-alive
// connections just as they are used again costs no request, and the second
// try is counted.
func TestStaleConnectionIsReplacedOnce(t *testing.T) {
	var connections, requests atomic.Int32
	ln := listen(t)
	defer ln.Close()
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			go func() {
				defer conn.Close()
				reader := bufio.NewReader(conn)
				if _, err := http.ReadRequest(reader); err != nil {
					return
				}
				requests.Add(1)
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
				_, _ = reader.ReadByte() // wait for the next request, and close on it
			}()
		}
	}()
	r := start(t, map[string]string{"legacy": "http://" + ln.Addr().String()})
	r.install(1, legacyOnly())
	for range 5 {
		if res, body := r.get("/"); res.StatusCode != 200 || body != "ok" {
			t.Fatalf("%d %q", res.StatusCode, body)
		}
	}
	attempts := 0.0
	for _, entry := range r.log.entries(t, 5) {
		attempts += entry["strangler.attempts"].(float64)
	}
	if attempts != 9 || requests.Load() != 5 || connections.Load() != 5 {
		t.Errorf("%v attempts counted, %d connections, %d requests answered; want 9, 5, 5", attempts, connections.Load(), requests.Load())
	}
}

// TestPostIsNotRepeated: once a byte of an unsafe request was sent, it is
// never sent again, not by the transport either.
func TestPostIsNotRepeated(t *testing.T) {
	var posts atomic.Int32
	url := rawBackend(t, func(net.Conn, *http.Request) { posts.Add(1) })
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	res, body := r.do("POST", "/pay", nil, strings.NewReader("amount=1"))
	if code := problem(t, res, body); code != "upstream_closed" || posts.Load() != 1 {
		t.Errorf("code %s after %d posts", code, posts.Load())
	}
}

func TestBackendsOverTLS(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Host+" "+r.Proto)
	}))
	defer server.Close()
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	r := start(t, nil)
	r.backends["legacy"] = proxy.Backend{Endpoints: []string{server.URL}, TLS: proxy.BackendTLS{CA: ca}}
	r.install(1, legacyOnly())
	req, _ := http.NewRequest("GET", "http://"+r.addr+"/", nil)
	req.Host = "shop.example"
	res, err := client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); string(body) != "shop.example HTTP/1.1" {
		t.Errorf("got %q", body)
	}

	strangers := start(t, map[string]string{"legacy": server.URL})
	strangers.install(1, legacyOnly())
	if res, body := strangers.get("/"); problem(t, res, body) != "upstream_unreachable" {
		t.Errorf("an untrusted certificate was accepted: %s", body)
	}
}

func TestMetadataAddressesAreNotDialled(t *testing.T) {
	r := start(t, map[string]string{"legacy": "http://169.254.169.254"})
	r.install(1, legacyOnly())
	res, body := r.get("/latest/meta-data/")
	if code := problem(t, res, body); code != "upstream_unreachable" {
		t.Errorf("code %s", code)
	}
	if entry := r.log.entries(t, 1)[0]; !strings.Contains(entry["error"].(string), "169.254.169.254") {
		t.Errorf("logged error %v", entry["error"])
	}
}
