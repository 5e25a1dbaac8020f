package proxy_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/proxy"
	"github.com/stranglerfig/strangler/internal/routing"
)

// flood is a body without an end, which counts what was taken of it.
type flood struct{ taken *atomic.Int64 }

func (f flood) Read(p []byte) (int, error) {
	f.taken.Add(int64(len(p)))
	return len(p), nil
}

// TestHTTP2StuckUploadsHoldNoOthers: a backend that does not read its requests
// must not keep those of other routes out that come on the same connection.
func TestHTTP2StuckUploadsHoldNoOthers(t *testing.T) {
	stuck := rawBackend(t, func(net.Conn, *http.Request) { <-t.Context().Done() })
	r := start(t, map[string]string{"stuck": stuck, "legacy": backend(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	})})
	r.install(1, legacyOnly(), routing.Definition{Name: "stuck", Match: routing.Match{Prefix: "/stuck"}, Legacy: "stuck"})
	c := overHTTP2(t)
	var taken atomic.Int64
	for range 4 {
		go func() {
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.addr+"/stuck", flood{&taken})
			if res, err := c.Do(req); err == nil {
				_ = res.Body.Close()
			}
		}()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for before := int64(-1); before != taken.Load(); { // until nothing moves any more
		before = taken.Load()
		for range 20 {
			req, _ := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+r.addr+"/", io.MultiReader(strings.NewReader("content")))
			res, err := c.Do(req)
			if err != nil {
				t.Fatalf("behind %d bytes that are stuck: %v", taken.Load(), err)
			}
			if body, err := io.ReadAll(res.Body); string(body) != "content" || err != nil {
				t.Fatalf("%s %q, %v", res.Status, body, err)
			}
			_ = res.Body.Close()
		}
	}
	if taken.Load() == 0 {
		t.Error("no upload was stuck")
	}
}

// TestHTTP2BackendsMaySendAhead as much as the router keeps for a client that
// takes nothing, on each of many streams.
func TestHTTP2BackendsMaySendAhead(t *testing.T) {
	ln := listen(t)
	defer ln.Close()
	r := start(t, nil)
	r.backends["legacy"] = proxy.Backend{Endpoints: []string{"http://" + ln.Addr().String()}, Protocol: proxy.H2C}
	r.install(1, legacyOnly())
	go func() { _, _ = http.Get("http://" + r.addr) }() // there is no answer
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	head := make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")+frameHeadBytes)
	if _, err := io.ReadFull(conn, head); err != nil {
		t.Fatal(err)
	}
	settings := make([]byte, head[len(head)-frameHeadBytes+2])
	if _, err := io.ReadFull(conn, settings); err != nil {
		t.Fatal(err)
	}
	const initialWindowSize = 4
	window := uint32(0)
	for ; len(settings) >= 6; settings = settings[6:] {
		if binary.BigEndian.Uint16(settings) == initialWindowSize {
			window = binary.BigEndian.Uint32(settings[2:])
		}
	}
	if window != 512<<10 {
		t.Errorf("a stream's window is %d bytes", window)
	}
}
