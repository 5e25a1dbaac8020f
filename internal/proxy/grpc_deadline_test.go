package proxy_test

import (
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/stranglerfig/strangler/internal/proxy"
)

// TestGRPCDeadline: the caller's deadline ends the wait for the backend, and a
// stream that goes on is not bound by the timeouts of ordinary exchanges.
func TestGRPCDeadline(t *testing.T) {
	r := startGRPC(t, false)
	// By net/http, which keeps no deadline of its own and so shows the router's.
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: &protocols}
	defer transport.CloseIdleConnections()
	body, writer := io.Pipe()
	defer writer.Close()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.addr+"/test.Service/Silent", body)
	req.Header.Set("Content-Type", "application/grpc")
	req.Header.Set("Grpc-Timeout", "1S")
	silent := rawBackend(t, func(conn net.Conn, _ *http.Request) { _, _ = io.Copy(io.Discard, conn) })
	r.backends["legacy"] = proxy.Backend{Endpoints: []string{silent}}
	r.install(2, legacyOnly())
	res, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got := res.Header.Get("Grpc-Status"); res.StatusCode != 200 || got != "4" || res.Header.Get("Content-Type") != "application/grpc" {
		t.Errorf("status %d, %v", res.StatusCode, res.Header)
	}
	if entry := r.log.entries(t, 1)[0]; entry["strangler.class"] != "timeout" || entry["strangler.problem"] != "upstream_timeout" {
		t.Errorf("logged %v", entry)
	}
}

// TestGRPCDeadlineBeforeTheRequest was sent blames no backend: with deadlines
// of a nanosecond a client could otherwise make any look unreachable.
func TestGRPCDeadlineBeforeTheRequest(t *testing.T) {
	r := start(t, map[string]string{"legacy": named(t, "legacy")})
	r.install(1, legacyOnly())
	res, _ := r.do(http.MethodPost, "/", http.Header{"Content-Type": {"application/grpc"}, "Grpc-Timeout": {"1n"}}, nil)
	if got := res.Header.Get("Grpc-Status"); res.StatusCode != 200 || got != "4" {
		t.Errorf("status %d, %v", res.StatusCode, res.Header)
	}
	entry := r.log.entries(t, 1)[0]
	if entry["strangler.class"] != "client_fault" || entry["strangler.problem"] != "caller_deadline" || entry["error"] == nil {
		t.Errorf("logged %v", entry)
	}
}

// TestGRPCOutlastsWhole: only silence ends a stream.
func TestGRPCOutlastsWhole(t *testing.T) {
	limits := short()
	limits.Legacy.Timeouts.Stream = time.Minute
	r := startGRPC(t, false, limited(limits))
	s := r.stream("Both")
	pause := time.NewTicker(limits.Legacy.Timeouts.Idle / 2)
	defer pause.Stop()
	for range 2 * int(limits.Legacy.Timeouts.Whole/limits.Legacy.Timeouts.Idle) * 2 {
		message := []byte("still here")
		if err := s.SendMsg(&message); err != nil {
			t.Fatal(err)
		}
		receive(t, s)
		<-pause.C
	}
}

// TestGRPCSilenceEndsAStream: the client is told so, and the backend is blamed.
func TestGRPCSilenceEndsAStream(t *testing.T) {
	limits := short()
	limits.Legacy.Timeouts.Stream = time.Second
	r := startGRPC(t, false, limited(limits))
	s := r.stream("Wait")
	_ = s.CloseSend() // or it would be the client who is waited for
	if err := s.RecvMsg(new([]byte)); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("%v", err)
	}
	if entry := r.log.entries(t, 1)[0]; entry["strangler.class"] != "timeout" {
		t.Errorf("logged %v", entry)
	}
}

// TestGRPCSilenceOfBothEndsAStream: the transport's writer waits for the
// client's next message all the while.
func TestGRPCSilenceOfBothEndsAStream(t *testing.T) {
	limits := short()
	limits.Legacy.Timeouts.Stream = time.Second
	r := startGRPC(t, false, limited(limits))
	s := r.stream("Both")
	message := []byte("hello")
	if err := s.SendMsg(&message); err != nil {
		t.Fatal(err)
	}
	receive(t, s)
	if err := s.RecvMsg(new([]byte)); status.Code(err) != codes.Internal { // by HTTP/2's INTERNAL_ERROR
		t.Errorf("%v", err)
	}
	if entry := r.log.entries(t, 1)[0]; entry["strangler.class"] != "broken" || entry["error"] != "the response stood still for too long" {
		t.Errorf("logged %v", entry)
	}
}
