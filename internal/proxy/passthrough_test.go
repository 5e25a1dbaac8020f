package proxy_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"slices"
	"strings"
	"testing"
)

// seen is a backend that hands each request it gets to the test, and answers 204.
func seen(t testing.TB) (string, <-chan *http.Request) {
	requests := make(chan *http.Request, 16)
	return backend(t, func(w http.ResponseWriter, r *http.Request) {
		requests <- r
		w.WriteHeader(http.StatusNoContent)
	}), requests
}

func TestTargetIsForwardedByteForByte(t *testing.T) {
	url, requests := seen(t)
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	for _, target := range []string{
		"/", "/a", "/a/", "/a/../b", "/a/./b", "/a%2Fb", "/a%2fb", "/%6Frders", "/a;jsessionid=1/b;x", "/a?b;c=d&e", "/a?",
		"/a?b=c?d", "/a?x=%zz", "/a//b", "//a/b", "//a//?q", "/caf%C3%A9", "/a+b?c+d", "/a|b", "/a\"b", "/{x}", "/a%20b?q=%20", "/*", "/a:b@c",
	} {
		r.raw("GET " + target + " HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")
		select {
		case got := <-requests:
			if got.RequestURI != target {
				t.Errorf("target %q reached the backend as %q", target, got.RequestURI)
			}
			if got.Host != "shop.example" {
				t.Errorf("Host reached the backend as %q", got.Host)
			}
		default:
			t.Errorf("target %q did not reach the backend", target)
		}
	}
}

func TestAbsoluteFormTargetIsForwardedAsPath(t *testing.T) {
	url, requests := seen(t)
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	for target, want := range map[string]string{
		"http://shop.example/a?b": "/a?b", "http://shop.example": "/", "http://shop.example?q": "/?q",
	} {
		r.raw("GET " + target + " HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n")
		got := <-requests
		if got.RequestURI != want || got.Host != "shop.example" {
			t.Errorf("%s arrived as %s for host %s, want %s for shop.example", target, got.RequestURI, got.Host, want)
		}
	}
}

// TestNothingIsAdded compares what a backend gets directly and by the router.
func TestNothingIsAdded(t *testing.T) {
	dumps := make(chan string, 2)
	url := backend(t, func(_ http.ResponseWriter, r *http.Request) {
		dump, err := httputil.DumpRequest(r, true)
		if err != nil {
			t.Error(err)
		}
		dumps <- string(dump)
	})
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	request := "POST /x?y HTTP/1.1\r\nHost: shop.example\r\nCookie: a=b\r\nX-Odd:  spaced \r\nContent-Length: 5\r\nAccept-Encoding: br\r\nConnection: close\r\n\r\nhello"

	direct, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer direct.Close()
	if _, err := io.WriteString(direct, request); err != nil {
		t.Fatal(err)
	}
	want := headLines(<-dumps)
	r.raw(request)
	got := headLines(<-dumps)
	for _, line := range got {
		name, _, _ := strings.Cut(line, ":")
		ours := name == "X-Forwarded-For" || name == "X-Forwarded-Host" || name == "X-Forwarded-Proto" || name == "X-Request-Id"
		if !slices.Contains(want, line) && !ours {
			t.Errorf("the router added %q", line)
		}
	}
	for _, line := range want {
		if !slices.Contains(got, line) && line != "Connection: close" {
			t.Errorf("the router lost %q", line)
		}
	}
}

func headLines(dump string) []string { return strings.Split(dump, "\r\n") }

func TestResponseIsPassedUnchanged(t *testing.T) {
	answer := "HTTP/1.1 404 Nope\r\nX-One: 1\r\nX-One: 2\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\nContent-Length: 3\r\nServer: old\r\n\r\n<b>"
	url := rawBackend(t, func(conn net.Conn, _ *http.Request) { _, _ = io.WriteString(conn, answer) })
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	got := r.raw("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	head, body, _ := strings.Cut(got, "\r\n\r\n")
	lines := headLines(head)
	for _, want := range []string{"X-One: 1", "X-One: 2", "Set-Cookie: a=b", "Set-Cookie: c=d", "Content-Length: 3", "Server: old"} {
		if !slices.Contains(lines, want) {
			t.Errorf("%q is missing from\n%s", want, head)
		}
	}
	if !strings.HasPrefix(lines[0], "HTTP/1.1 404 ") || body != "<b>" {
		t.Errorf("got %q", got)
	}
	for _, name := range []string{"Content-Type:", "Date:"} {
		if strings.Contains(head, name) {
			t.Errorf("the router made up %s in\n%s", name, head)
		}
	}
}

func TestHopByHopFieldsAreStripped(t *testing.T) {
	url, requests := seen(t)
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	for name, head := range map[string]string{
		"named by Connection":        "Connection: close, X-Secret\r\nX-Secret: 1\r\n",
		"named on a second line":     "Connection: close\r\nConnection: x-secret\r\nX-Secret: 1\r\n",
		"named among empty elements": "Connection: close, , x-secret,\r\nX-Secret: 1\r\nX-Secret: 2\r\n",
		"ours cannot be named away":  "Connection: close, X-Forwarded-For, X-Forwarded-Proto, X-Request-Id, X-Secret\r\nX-Secret: 1\r\n",
		"the fixed ones":             "Connection: close\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nTe: gzip\r\nProxy-Authorization: y\r\nHTTP2-Settings: AA\r\nUpgrade: h2c\r\n",
	} {
		r.raw("GET / HTTP/1.1\r\nHost: h\r\n" + head + "\r\n")
		got := <-requests
		for _, gone := range []string{"X-Secret", "Connection", "Keep-Alive", "Proxy-Connection", "Te", "Proxy-Authorization", "Http2-Settings", "Upgrade"} {
			if v, ok := got.Header[gone]; ok {
				t.Errorf("%s: %s: %q reached the backend", name, gone, v)
			}
		}
		for _, ours := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Request-Id"} {
			if got.Header.Get(ours) == "" {
				t.Errorf("%s: our %s is missing", name, ours)
			}
		}
	}
}

func TestForwardedFieldsOfStrangersAreDropped(t *testing.T) {
	url, requests := seen(t)
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	hostile := http.Header{
		"X-Forwarded-For": {"6.6.6.6"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"evil"}, "X-Forwarded-Prefix": {"/p"},
		"Forwarded": {"for=6.6.6.6"}, "X-Real-Ip": {"6.6.6.6"}, "X-Original-Url": {"/admin"}, "X-Rewrite-Url": {"/admin"},
		"Strangler-Shadow": {"1"}, "X_forwarded_for": {"6.6.6.6"}, "Strangler_shadow": {"1"},
		"X-Http-Method-Override": {"DELETE"}, "X_plain": {"kept"},
	}
	r.do("GET", "/", hostile, nil)
	got := (<-requests).Header
	for name, want := range map[string]string{
		"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http", "X-Forwarded-Host": r.addr,
		"X-Forwarded-Prefix": "", "Forwarded": "", "X-Real-Ip": "", "X-Original-Url": "", "X-Rewrite-Url": "",
		"Strangler-Shadow": "", "X_forwarded_for": "", "Strangler_shadow": "",
		"X-Http-Method-Override": "DELETE", "X_plain": "kept",
	} {
		if v := got.Get(name); v != want {
			t.Errorf("%s reached the backend as %q, want %q", name, v, want)
		}
	}
}

func TestForwardedFieldsOfTrustedProxiesAreKept(t *testing.T) {
	url, requests := seen(t)
	r := start(t, map[string]string{"legacy": url}, trusting("127.0.0.0/8"), trusting("10.0.0.0/8"))
	r.install(1, legacyOnly())
	r.do("GET", "/", http.Header{
		"X-Forwarded-For": {"6.6.6.6, 203.0.113.9", "10.1.2.3"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"shop.example"},
		"Forwarded": {"for=203.0.113.9"},
	}, nil)
	got := (<-requests).Header
	for name, want := range map[string]string{
		"X-Forwarded-For": "6.6.6.6, 203.0.113.9, 10.1.2.3, 127.0.0.1", "X-Forwarded-Proto": "https",
		"X-Forwarded-Host": "shop.example", "Forwarded": "for=203.0.113.9, for=127.0.0.1;proto=http",
	} {
		if v := got.Get(name); v != want {
			t.Errorf("%s reached the backend as %q, want %q", name, v, want)
		}
	}
	entry := r.log.entries(t, 1)[0]
	if entry["client.address"] != "203.0.113.9" {
		t.Errorf("the access log names client %v, want the last untrusted address", entry["client.address"])
	}
}

func TestUserAgentIsNotInvented(t *testing.T) {
	url, requests := seen(t)
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	r.raw("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	if v, ok := (<-requests).Header["User-Agent"]; ok {
		t.Errorf("User-Agent %q was made up", v)
	}
}

func TestMethodsAndEmptyBodies(t *testing.T) {
	url := backend(t, func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		w.Header().Set("X-Saw", r.Method)
		if n > 0 || r.ContentLength > 0 {
			t.Errorf("%s grew a body of %d bytes (Content-Length %d)", r.Method, n, r.ContentLength)
		}
	})
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "M-SEARCH"} {
		res, _ := r.do(method, "/", nil, nil)
		if res.StatusCode != 200 || res.Header.Get("X-Saw") != method {
			t.Errorf("%s: status %d, backend saw %q", method, res.StatusCode, res.Header.Get("X-Saw"))
		}
	}
}

func TestHeadKeepsItsContentLength(t *testing.T) {
	url := backend(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "1234") })
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	res, body := r.do("HEAD", "/", nil, nil)
	if res.ContentLength != 1234 || body != "" {
		t.Errorf("Content-Length %d, body %q", res.ContentLength, body)
	}
}

func TestNotModifiedPasses(t *testing.T) {
	url := backend(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"v1"`)
		if r.Header.Get("If-None-Match") == `"v1"` {
			w.WriteHeader(http.StatusNotModified)
		}
	})
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	res, _ := r.do("GET", "/", http.Header{"If-None-Match": {`"v1"`}}, nil)
	if res.StatusCode != 304 || res.Header.Get("ETag") != `"v1"` {
		t.Errorf("status %d, ETag %q", res.StatusCode, res.Header.Get("ETag"))
	}
}

func TestCompressedBodiesAreLeftAlone(t *testing.T) {
	url := backend(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Accept-Encoding"); got != "" {
			t.Errorf("the router asked for %q on its own", got)
		}
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = io.WriteString(w, "not really gzip")
	})
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	res, body := r.get("/")
	if body != "not really gzip" || res.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("body %q, encoding %q", body, res.Header.Get("Content-Encoding"))
	}
}

func TestRequestIDIsKeptWhileItIsShort(t *testing.T) {
	url, requests := seen(t)
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	for _, c := range []struct {
		sent string
		kept bool
	}{{"from-the-edge-1", true}, {strings.Repeat("x", 128), true}, {strings.Repeat("x", 129), false}} {
		r.do("GET", "/", http.Header{"X-Request-Id": {c.sent}}, nil)
		got := (<-requests).Header.Values("X-Request-Id")
		if len(got) != 1 || (got[0] == c.sent) != c.kept || (!c.kept && len(got[0]) != 32) {
			t.Errorf("an id of %d bytes arrived as %q", len(c.sent), got)
		}
	}
}

func TestPasswordsInTargetsAreNotLogged(t *testing.T) {
	url, requests := seen(t)
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	r.raw("GET http://ana:secret@shop.example/a?b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	<-requests
	r.raw("GET http://ana:secret@shop.example/a%00b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	entries := r.log.entries(t, 2)
	if entries[0]["url.path"] != "/a" || entries[0]["server.address"] != "shop.example" {
		t.Errorf("logged %v", entries[0])
	}
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	if strings.Contains(r.log.buf.String(), "secret") {
		t.Errorf("logged %s", r.log.buf.String())
	}
}
