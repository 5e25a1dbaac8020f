package proxy_test

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stranglerfig/strangler/internal/proxy"
)

// Frame types and error codes of RFC 9113.
const (
	frameHeaders   = 1
	frameReset     = 3
	frameSettings  = 4
	protocolError  = 1
	refusedStream  = 7
	frameHeadBytes = 9
)

// resettingBackend speaks just enough HTTP/2 to count the requests it is sent
// and to reset each of them with code.
func resettingBackend(t *testing.T, code uint32) (url string, requests *atomic.Int32) {
	t.Helper()
	requests = new(atomic.Int32)
	ln := listen(t)
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go resetAll(conn, code, requests)
		}
	}()
	return "http://" + ln.Addr().String(), requests
}

func resetAll(conn net.Conn, code uint32, requests *atomic.Int32) {
	defer conn.Close()
	preface := make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
	if _, err := io.ReadFull(conn, preface); err != nil {
		return
	}
	_, _ = conn.Write([]byte{0, 0, 0, frameSettings, 0, 0, 0, 0, 0})
	head := make([]byte, frameHeadBytes)
	for {
		if _, err := io.ReadFull(conn, head); err != nil {
			return
		}
		length := int64(head[0])<<16 | int64(head[1])<<8 | int64(head[2])
		if _, err := io.CopyN(io.Discard, conn, length); err != nil {
			return
		}
		if head[3] == frameHeaders {
			requests.Add(1)
			reset := append([]byte{0, 0, 4, frameReset, 0}, head[5:]...)
			_, _ = conn.Write(binary.BigEndian.AppendUint32(reset, code))
		}
	}
}

// TestHTTP2ResetsAreNotRepeated: net/http sends a request without a body again,
// up to six times and whatever its method, when the backend resets it with one
// of these codes. With PROTOCOL_ERROR it may have taken effect.
func TestHTTP2ResetsAreNotRepeated(t *testing.T) {
	for name, code := range map[string]uint32{"protocol error": protocolError, "refused": refusedStream} {
		for method, most := range map[string]int32{"POST": 1, "DELETE": 1, "GET": 2} {
			t.Run(name+" "+method, func(t *testing.T) {
				t.Parallel()
				url, requests := resettingBackend(t, code)
				r := start(t, nil)
				r.backends["legacy"] = proxy.Backend{Endpoints: []string{url}, Protocol: proxy.H2C}
				r.install(1, legacyOnly())
				res, body := r.do(method, "/", nil, nil)
				if code := problem(t, res, body); code != "upstream_closed" {
					t.Errorf("code %s", code)
				}
				entry := r.log.entries(t, 1)[0]
				if got := requests.Load(); got > most || entry["strangler.class"] != "no_response" {
					t.Errorf("the backend was asked %d times, want at most %d; logged %v", got, most, entry)
				}
				if !strings.Contains(entry["error"].(string), "reset") {
					t.Errorf("logged the error %v", entry["error"])
				}
			})
		}
	}
}
