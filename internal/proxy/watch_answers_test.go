package proxy_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// TestAnswersPassWholeHoweverTheyEnd: the watch holds back what comes behind an
// answer, so it has to know the end of each as net/http does. Answers come whole
// and byte by byte, and their connection is used again where it can be.
func TestAnswersPassWholeHoweverTheyEnd(t *testing.T) {
	for name, c := range map[string]struct {
		method, answer, body string
		once                 bool // the connection ends with the answer
	}{
		"a length":                 {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", false},
		"a length, twice":          {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "hello", false},
		"no content":               {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", false},
		"bare line feeds":          {"GET", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", "hello", false},
		"no reason":                {"GET", "HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello", "hello", false},
		"spaces before the status": {"GET", "HTTP/1.1   200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", false},
		"chunks":                   {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;a=b\r\nlo\r\n0\r\n\r\n", "hello", false},
		"chunks and trailers":      {"GET", "HTTP/1.1 200 OK\r\nTrailer: A\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\nC: d\r\n\r\n", "hello", false},
		"a hint before":            {"GET", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", false},
		"204":                      {"GET", "HTTP/1.1 204 No Content\r\n\r\n", "", false},
		"304 with a length":        {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "", false},
		"HEAD with a length":       {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "", false},
		"HEAD with chunks":         {"HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "", false},
		"HTTP/1.0, kept alive":     {"GET", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello", "hello", false},
		"HTTP/1.0 and no chunks":   {"GET", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\nhello", "1\r\na\r\n0\r\n\r\nhello", true},
		"the connection's end":     {"GET", "HTTP/1.1 200 OK\r\n\r\nhello", "hello", true},
		"a folded field":           {"GET", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 5\r\n\r\nhello", "hello", false},
	} {
		for way, write := range map[string]func(io.Writer, string){"whole": writeWhole, "in bytes": writeBytes} {
			t.Run(name+", "+way, func(t *testing.T) {
				var connections atomic.Int32
				v := accepting(t, listen(t), "http://", func(_ *villain, conn net.Conn) {
					connections.Add(1)
					in := bufio.NewReader(conn)
					for {
						if _, err := http.ReadRequest(in); err != nil {
							return
						}
						if write(conn, c.answer); c.once {
							return
						}
					}
				})
				r := start(t, map[string]string{"legacy": v.url})
				r.install(1, legacyOnly())
				for range 3 {
					if res, body := r.do(c.method, "/", nil, nil); res.StatusCode > 304 || body != c.body {
						t.Errorf("got %d %q, want %q", res.StatusCode, body, c.body)
					}
				}
				if want := map[bool]int32{false: 1, true: 3}[c.once]; connections.Load() != want {
					t.Errorf("%d connections were made for 3 requests, want %d", connections.Load(), want)
				}
			})
		}
	}
}

func writeWhole(w io.Writer, text string) { _, _ = io.WriteString(w, text) }

func writeBytes(w io.Writer, text string) {
	for piece := range strings.SplitSeq(text, "") {
		_, _ = io.WriteString(w, piece)
	}
}
