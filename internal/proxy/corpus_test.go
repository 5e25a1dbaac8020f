package proxy_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// The corpus holds the router to its first rule: what users and the monolith
// see is the same with and without it. Every message goes over the wire once
// directly and once through the router, as bytes; what is compared is the
// bytes, with header lines in order of name, and with exactly those
// differences that the tests name.

// wire is a message's first line, its sorted header lines, and its body.
type wire struct {
	first string
	lines []string
	body  string
}

// parseWire splits a message; lines whose name is in without are left out.
func parseWire(t *testing.T, text string, without ...string) wire {
	t.Helper()
	head, body, ok := strings.Cut(text, "\r\n\r\n")
	if !ok {
		t.Fatalf("no head in %q", text)
	}
	first, rest, _ := strings.Cut(head, "\r\n")
	w := wire{first: first, body: body}
	for line := range strings.SplitSeq(rest, "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		name = http.CanonicalHeaderKey(name)
		if line != "" && !slices.Contains(without, name) {
			w.lines = append(w.lines, name+": "+strings.TrimSpace(value))
		}
	}
	slices.SortStableFunc(w.lines, func(a, b string) int {
		nameA, _, _ := strings.Cut(a, ":")
		nameB, _, _ := strings.Cut(b, ":")
		return strings.Compare(nameA, nameB)
	})
	return w
}

func (w wire) String() string {
	return w.first + "\n" + strings.Join(w.lines, "\n") + "\n\n" + w.body
}

// recorder is a backend that hands the bytes of each request to the test and
// answers with whatever it is told to, byte for byte.
type recorder struct {
	addr     string
	answer   string
	requests chan string
}

func record(t *testing.T) *recorder {
	ln := listen(t)
	b := &recorder{addr: ln.Addr().String(), requests: make(chan string, 8)}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			b.serve(conn)
		}
	}()
	return b
}

// serve reads until the client has been silent for a moment: it must not
// understand what it records.
func (b *recorder) serve(conn net.Conn) {
	defer conn.Close()
	var request strings.Builder
	buf := make([]byte, 64<<10)
	for {
		_ = conn.SetReadDeadline(time.Now().Add(30 * time.Millisecond))
		n, err := conn.Read(buf)
		request.Write(buf[:n])
		if err != nil && (request.Len() > 0 || n == 0 && errors.Is(err, io.EOF)) {
			break
		}
	}
	b.requests <- request.String()
	_, _ = io.WriteString(conn, b.answer)
}

// exchangeBytes sends a request as it is and returns all that comes back.
func exchangeBytes(t *testing.T, addr, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatalf("%v after %q", err, answer)
	}
	return string(answer)
}

// TestRequestsAreTheSame compares what the monolith is sent.
func TestRequestsAreTheSame(t *testing.T) {
	b := record(t)
	b.answer = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
	r := start(t, map[string]string{"legacy": "http://" + b.addr})
	r.install(1, legacyOnly())
	head := "Host: shop.example:8080\r\nConnection: close\r\n"
	for name, request := range map[string]string{
		"plain":             "GET / HTTP/1.1\r\n" + head + "\r\n",
		"odd target":        "GET /a%2fb;x=1/./..//%E2%82%ac?a;b&c=%zz&&=? HTTP/1.1\r\n" + head + "\r\n",
		"odd method":        "M-SEARCH /x HTTP/1.1\r\n" + head + "\r\n",
		"lower-case method": "get /x HTTP/1.1\r\n" + head + "\r\n",
		"cookies":           "GET / HTTP/1.1\r\n" + head + "Cookie: a=b; c=\"d e\"; a=b\r\nCookie: x=y\r\n\r\n",
		"repeated fields":   "GET / HTTP/1.1\r\n" + head + "X-A: 2\r\nX-A: 1\r\nX-A:\r\nx-b: \"q,\"\r\nX_Under: 1\r\nX-Utf: \xc3\xa9\xff\r\n\r\n",
		"negotiation":       "GET / HTTP/1.1\r\n" + head + "Accept: */*;q=0.1\r\nAccept-Encoding: identity;q=0, br\r\nAccept-Language: de\r\nUser-Agent: a/1 (b; c)\r\nAuthorization: Basic eDp5\r\n\r\n",
		"conditional":       "GET / HTTP/1.1\r\n" + head + "If-None-Match: W/\"a\", \"b\"\r\nIf-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\nRange: bytes=0-1,5-\r\nIf-Range: \"b\"\r\n\r\n",
		"caching":           "GET / HTTP/1.1\r\n" + head + "Cache-Control: no-cache\r\nPragma: no-cache\r\nVia: 1.1 edge\r\nMax-Forwards: 5\r\nDate: x\r\nOrigin: null\r\nReferer: http://a/b\r\n\r\n",
		"body":              "POST /x HTTP/1.1\r\n" + head + "Content-Type: text/plain\r\nContent-Length: 5\r\nContent-Encoding: x\r\n\r\nhello",
		"body of a GET":     "GET /x HTTP/1.1\r\n" + head + "Content-Length: 5\r\n\r\nhello",
		"body of a DELETE":  "DELETE /x HTTP/1.1\r\n" + head + "Content-Length: 5\r\n\r\nhello",
		"empty body":        "POST /x HTTP/1.1\r\n" + head + "Content-Length: 0\r\n\r\n",
		"chunks":            "PUT /x HTTP/1.1\r\n" + head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"trailers":          "PUT /x HTTP/1.1\r\n" + head + "Trailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n",
		"binary body":       "POST /x HTTP/1.1\r\n" + head + "Content-Length: 6\r\n\r\n\x00\r\n\xff\r\n",
		"method override":   "POST /x HTTP/1.1\r\n" + head + "X-HTTP-Method-Override: PUT\r\nContent-Length: 0\r\n\r\n",
		"tracing":           "GET / HTTP/1.1\r\n" + head + "Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\nTracestate: a=b\r\nBaggage: c=d\r\n\r\n",
		"preflight":         "OPTIONS /x HTTP/1.1\r\n" + head + "Origin: https://a\r\nAccess-Control-Request-Method: PUT\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			exchangeBytes(t, b.addr, request)
			want := parseWire(t, <-b.requests, "Connection")
			exchangeBytes(t, r.addr, request)
			got := parseWire(t, <-b.requests, "Connection", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Request-Id")
			if got.String() != want.String() {
				t.Errorf("the monolith is sent\n%s\n\ninstead of\n%s", got, want)
			}
		})
	}
}

// TestResponsesAreTheSame compares what the client is sent. Two things net/http
// does are named here: the reason phrase becomes the usual one, and a body that
// ended with its connection is sent in chunks.
func TestResponsesAreTheSame(t *testing.T) {
	many := func(n int, line string) string {
		var text strings.Builder
		for i := range n {
			fmt.Fprintf(&text, line, i)
		}
		return text.String()
	}
	for name, c := range map[string]struct{ method, answer string }{
		"plain":              {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
		"nothing but a body": {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"},
		"typed":              {"GET", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nDate: yesterday\r\nServer: old\r\nContent-Length: 2\r\n\r\nok"},
		"chunks":             {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"},
		"empty chunks":       {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
		"empty":              {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
		"redirect":           {"GET", "HTTP/1.1 302 Found\r\nLocation: //x/../y?a b\r\nContent-Length: 0\r\n\r\n"},
		"no content":         {"DELETE", "HTTP/1.1 204 No Content\r\nETag: \"a\"\r\n\r\n"},
		"not modified":       {"GET", "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nVary: Accept\r\nCache-Control: max-age=1\r\n\r\n"},
		"HEAD":               {"HEAD", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1234\r\n\r\n"},
		"partial":            {"GET", "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/9\r\nAccept-Ranges: bytes\r\nContent-Length: 2\r\n\r\nok"},
		"encoded":            {"GET", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\nVary: Accept-Encoding\r\n\r\n\x1f\x8b\x00"},
		"cookies":            {"GET", "HTTP/1.1 200 OK\r\nSet-Cookie: b=\"2\"; Expires=Thu, 01 Jan 1970 00:00:00 GMT; path=/; httponly\r\nSet-Cookie: a=1\r\nSet-Cookie: a=1\r\nContent-Length: 0\r\n\r\n"},
		"many fields":        {"GET", "HTTP/1.1 200 OK\r\n" + many(200, "X-F%03d: v\r\n") + "Content-Length: 0\r\n\r\n"},
		"odd fields":         {"GET", "HTTP/1.1 200 OK\r\nX-Empty:\r\nX_Under: 1\r\nX-Utf: \xc3\xa9\xff\r\nWarning: 199 - \"x\"\r\nRefresh: 0; url=/\r\nContent-Length: 0\r\n\r\n"},
		"refused":            {"GET", "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"a\"\r\nWWW-Authenticate: Bearer\r\nContent-Length: 2\r\n\r\nno"},
		"unknown status":     {"GET", "HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n"},
		"far status":         {"GET", "HTTP/1.1 799 \r\nContent-Length: 2\r\n\r\nok"},
		"server error":       {"POST", "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\nRetry-After: 1\r\n\r\noops"},
		"trailers":           {"GET", "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n"},
		"a late trailer":     {"GET", "HTTP/1.1 200 OK\r\nTrailer: X-Sum-Of-All\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 2\r\nX-Sum-Of-All: 1\r\n\r\n"},
		"hints":              {"GET", "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
		"problem of its own": {"GET", "HTTP/1.1 502 Bad Gateway\r\nContent-Type: application/problem+json\r\nProxy-Status: other; error=x\r\nContent-Length: 2\r\n\r\n{}"},
	} {
		t.Run(name, func(t *testing.T) {
			b := record(t)
			b.answer = c.answer
			r := start(t, map[string]string{"legacy": "http://" + b.addr})
			r.install(1, legacyOnly())
			got := exchangeBytes(t, r.addr, c.method+" / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
			<-b.requests
			for c.answer != "" {
				var one, other wire
				one, c.answer = cutInterim(parseWire(t, c.answer))
				other, got = cutInterim(parseWire(t, got, "Connection"))
				if other.String() != one.String() {
					t.Fatalf("the client is sent\n%s\n\ninstead of\n%s", other, one)
				}
			}
		})
	}
}

// cutInterim parts an interim answer from the bytes behind it, which are the
// next one, and takes the reason phrase off.
func cutInterim(w wire) (answer wire, rest string) {
	w.first = w.first[:len("HTTP/1.1 200")]
	if !strings.HasPrefix(w.first, "HTTP/1.1 1") {
		return w, ""
	}
	rest, w.body = w.body, ""
	return w, rest
}

// TestBodyThatEndsWithTheConnection reaches the client whole, and a client of
// HTTP/1.0 without chunks.
func TestBodyThatEndsWithTheConnection(t *testing.T) {
	url := rawBackend(t, func(conn net.Conn, _ *http.Request) { _, _ = io.WriteString(conn, "HTTP/1.0 200 OK\r\n\r\nall of it") })
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	for version, chunks := range map[string]bool{"1.1": true, "1.0": false} {
		got := r.raw("GET / HTTP/" + version + "\r\nHost: h\r\nConnection: close\r\n\r\n")
		if strings.Contains(got, "Transfer-Encoding: chunked\r\n") != chunks {
			t.Errorf("HTTP/%s: got %q", version, got)
		}
		res, err := http.ReadResponse(bufio.NewReader(strings.NewReader(got)), nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(res.Body); err != nil || string(body) != "all of it" {
			t.Errorf("HTTP/%s: body %q, %v", version, body, err)
		}
	}
}
