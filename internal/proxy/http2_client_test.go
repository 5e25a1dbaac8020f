package proxy_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// TestHTTP2ClientThatCancels its upload is gone, not at fault.
func TestHTTP2ClientThatCancels(t *testing.T) {
	reached := make(chan struct{})
	url := backend(t, func(_ http.ResponseWriter, r *http.Request) {
		close(reached)
		_, _ = io.Copy(io.Discard, r.Body)
	})
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	ctx, leave := context.WithCancel(t.Context())
	body, upload := io.Pipe()
	defer upload.Close()
	req, _ := http.NewRequestWithContext(ctx, "POST", "http://"+r.addr+"/", body)
	go func() {
		_, _ = upload.Write([]byte("x"))
		<-reached
		leave()
	}()
	if _, err := overHTTP2(t).Do(req); err == nil {
		t.Fatal("the request succeeded")
	}
	if entry := r.log.entries(t, 1)[0]; entry["strangler.class"] != "client_gone" || entry["http.response.status_code"] != 499.0 {
		t.Errorf("logged class %v, status %v, error %v", entry["strangler.class"], entry["http.response.status_code"], entry["error"])
	}
}

// TestHTTP2StalledUploadIsNotWaitedForAfterTheAnswer, neither by its exchange
// nor by the other streams of its connection.
func TestHTTP2StalledUploadIsNotWaitedForAfterTheAnswer(t *testing.T) {
	url := rawBackend(t, func(conn net.Conn, _ *http.Request) {
		_, _ = io.WriteString(conn, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig")
		_, _ = io.Copy(io.Discard, conn)
	})
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	c := overHTTP2(t)
	for _, length := range []int64{-1, 1, 1000} {
		body, upload := io.Pipe()
		req, _ := http.NewRequest("POST", "http://"+r.addr+"/", body)
		req.ContentLength = length
		go func() { _, _ = upload.Write([]byte("x")) }()
		res, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(res.Body); res.StatusCode != 413 || string(text) != "big" || err != nil {
			t.Errorf("%s %q, %v", res.Status, text, err)
		}
		_ = res.Body.Close()
		defer upload.Close()
	}
	for _, entry := range r.log.entries(t, 3) {
		if entry["http.response.status_code"] != 413.0 {
			t.Errorf("logged %v", entry)
		}
	}
}

// overHTTP2 is a client that speaks HTTP/2 by prior knowledge.
func overHTTP2(t testing.TB) *http.Client {
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	c := &http.Client{Transport: &http.Transport{Protocols: &protocols}}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// TestHTTP2RefusalsKeepTheConnection: its other streams have done nothing wrong.
func TestHTTP2RefusalsKeepTheConnection(t *testing.T) {
	r := start(t, map[string]string{"legacy": named(t, "legacy")})
	r.install(1, legacyOnly())
	peers := make(map[string]bool)
	c := overHTTP2(t)
	for _, method := range []string{"TRACE", "GET", "TRACE", "GET"} {
		req, _ := http.NewRequest(method, "http://"+r.addr+"/", nil)
		res, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
	for _, entry := range r.log.entries(t, 4) {
		peers[fmt.Sprint(entry["network.peer.port"])] = true
	}
	if len(peers) != 1 {
		t.Errorf("four requests came over %d connections", len(peers))
	}
}

// TestHTTP2TargetWithASpace would end the request line of a backend that speaks
// HTTP/1: it would be asked for another path than the one that was matched.
func TestHTTP2TargetWithASpace(t *testing.T) {
	r := start(t, map[string]string{"legacy": backend(t, func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the backend was asked for %q", r.RequestURI)
	})})
	r.install(1, legacyOnly())
	for _, target := range []string{"/admin HTTP/1.1", "/?x HTTP/1.1"} {
		req, _ := http.NewRequest("GET", "http://"+r.addr, nil)
		req.URL.Opaque = target
		res, err := overHTTP2(t).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if code := problem(t, res, string(body)); code != "bad_target" {
			t.Errorf("%q: %s", target, code)
		}
	}
}

// TestHTTP2TargetThatIsAURL may name another host than the one that was
// matched. No client of Go's sends one, so this writes the frames itself.
func TestHTTP2TargetThatIsAURL(t *testing.T) {
	r := start(t, map[string]string{"legacy": backend(t, func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the backend was asked for %q", r.RequestURI)
	})})
	r.install(1, legacyOnly())
	conn := r.dial()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = io.WriteString(conn, http2.ClientPreface)
	framer := http2.NewFramer(conn, conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	var block bytes.Buffer
	fields := hpack.NewEncoder(&block)
	for _, field := range [][2]string{
		{":method", "GET"}, {":scheme", "http"}, {":authority", "shop.example"}, {":path", "http://other.example/admin"},
	} {
		_ = fields.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]})
	}
	_ = framer.WriteSettings()
	_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true})
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if head, ok := frame.(*http2.MetaHeadersFrame); ok {
			if status := head.PseudoValue("status"); status != "400" {
				t.Errorf("answered with %s, want 400", status)
			}
			return
		}
	}
}
