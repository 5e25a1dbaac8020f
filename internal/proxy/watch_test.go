package proxy_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestMalformedChunkSizesHarmNobody: the watch reads chunk sizes before
// net/http has refused them, partly on goroutines where a panic would end the
// whole router.
func TestMalformedChunkSizesHarmNobody(t *testing.T) {
	url := backend(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	for _, size := range []string{
		"-5", "+5", "-0", "-8000000000000000", "10000000000000000", " 5", "5 5", "", ";x", "0x5",
		strings.Repeat("0", 100) + "5", "5;" + strings.Repeat("x", 100),
	} {
		conn, err := net.Dial("tcp", r.addr)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
		for _, piece := range []string{size[:len(size)/2], size[len(size)/2:] + "\r\n", "hello\r\n0\r\n\r\n"} {
			time.Sleep(2 * time.Millisecond) // so that the pieces arrive apart; correct either way
			_, _ = io.WriteString(conn, piece)
		}
		_ = conn.(*net.TCPConn).CloseWrite()
		got, _ := io.ReadAll(conn)
		_ = conn.Close()
		if want := "HTTP/1.1 400 "; !strings.HasPrefix(size, "5;") && !strings.HasPrefix(string(got), want) {
			t.Errorf("size %q: got %.100q, want %s", size, got, want)
		}
	}
	// These are sizes, of chunks that never end.
	for _, size := range []string{"7fffffffffffffff", "ffffffffffffffff"} {
		conn := r.dial()
		_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"+size+"\r\nhello")
		_ = conn.CloseWrite()
		if got, _ := io.ReadAll(conn); !strings.HasPrefix(string(got), "HTTP/1.1 400 ") {
			t.Errorf("size %q: got %.100q", size, got)
		}
	}
	if res, _ := r.get("/"); res.StatusCode != 200 {
		t.Errorf("afterwards: %d", res.StatusCode)
	}
}

// TestWatchIsNotLed into bodies or away from the connection: what hides the
// start of a head from it must not let an ambiguous one pass as clean.
func TestWatchIsNotLedAstray(t *testing.T) {
	url := backend(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "served "+r.URL.Path)
	})
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	smuggle := "POST /second HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" +
		"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
	decoy := "POST /x HTTP/1.1\r\nContent-Length: 999999\r\n\r\n"
	length := fmt.Sprint(len(decoy))
	for name, pieces := range map[string][]string{
		"a preface in the middle": {"GET /first HTTP/1.1\r\nHost: h\r\n\r\n", "POST /first HTTP/1.1\r\nHost: h\r\nContent-Length: 14\r\n\r\nPRI * HTTP/2.0"},
		"a folded length":         {"POST /first HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n " + length + "\r\n\r\n" + decoy},
		"a length far to the right": {
			"POST /first HTTP/1.1\r\nHost: h\r\nContent-Length: " + strings.Repeat(" ", 80), length + "\r\n\r\n" + decoy,
		},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", r.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
			for _, piece := range append(pieces, smuggle) {
				_, _ = io.WriteString(conn, piece)
				time.Sleep(5 * time.Millisecond) // so that the pieces arrive apart; correct either way
			}
			got, _ := io.ReadAll(conn) // the connection ends, or the deadline fails the test
			if !strings.Contains(string(got), "/first") || strings.Contains(string(got), "/smuggled") {
				t.Errorf("got %q", got)
			}
		})
	}
}

// TestChunksInHTTP10 are no chunks there (RFC 9112 §6.1): net/http ignores the
// field, a proxy in front of us may not.
func TestChunksInHTTP10(t *testing.T) {
	url := backend(t, func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s reached the backend", r.Method, r.RequestURI)
	})
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	got := r.raw("POST /a HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n2c\r\nGET /smuggled HTTP/1.0\r\nConnection: close\r\n\r\n\r\n0\r\n\r\n")
	if !strings.HasPrefix(got, "HTTP/1.0 400 ") && !strings.HasPrefix(got, "HTTP/1.1 400 ") || !strings.Contains(got, "ambiguous_length") {
		t.Errorf("got %q", got)
	}
}
