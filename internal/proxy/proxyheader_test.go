package proxy_test

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stranglerfig/strangler/internal/proxy"
	"github.com/stranglerfig/strangler/internal/telemetry"
)

// pipes is a listener in memory, for tests with a clock of their own.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l pipes) Close() error {
	select {
	case <-l.closed:
	default:
		close(l.closed)
	}
	return nil
}

func (l pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

// dial connects to the listener.
func (l pipes) dial() net.Conn {
	client, server := net.Pipe()
	l.conns <- pipeEnd{server}
	return client
}

// pipeEnd is a pipe that looks like a connection from a balancer.
type pipeEnd struct{ net.Conn }

func (pipeEnd) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4000} }

// inMemory serves the client's address behind PROXY headers.
func inMemory(t testing.TB) (pipes, *telemetry.Metrics, *logBuffer) {
	metrics, log := telemetry.New(""), newLogBuffer()
	p := proxy.New(proxy.Options{
		Trusted: []netip.Prefix{netip.MustParsePrefix(loopback)}, ProxyProtocol: true, Metrics: metrics,
		Logger: slog.New(slog.NewJSONHandler(log, nil)),
	})
	l := pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := p.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.RemoteAddr)
	}), nil)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Drain(t.Context()) // ended by now: nobody is waited for
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return l, metrics, log
}

// TestPROXYHeaderHasFiveSeconds, however much of it has come, and a connection
// that had a good one has all the time of any other.
func TestPROXYHeaderHasFiveSeconds(t *testing.T) {
	for name, sent := range map[string]string{
		"nothing": "", "a letter": "P", "half a line": "PROXY TCP4 203.0.113.9 10.", "half a signature": "\r\n\r\n\x00",
		"half of version 2": v2(0x21, 0x11, strings.Repeat("\x01", 12))[:20],
		"no extensions yet": v2(0x21, 0x11, strings.Repeat("\x01", 12)+"\x20\x00\x01\x01")[:28],
	} {
		synctest.Test(t, func(t *testing.T) {
			l, metrics, _ := inMemory(t)
			slow, good := l.dial(), l.dial()
			began := time.Now()
			_, _ = io.WriteString(slow, sent)
			if n, err := io.Copy(io.Discard, slow); n > 0 || err != nil {
				t.Errorf("%s: %d bytes, %v", name, n, err)
			}
			if took := time.Since(began); took != 5*time.Second {
				t.Errorf("%s: closed after %s", name, took)
			}
			want := "strangler_proxy_protocol_rejected_total{reason=\"timeout\"} 2\n" // good has sent nothing, either
			synctest.Wait()
			if got := scraped(t, metrics); got != want {
				t.Errorf("%s: counted %q", name, got)
			}
			_ = good.Close()

			patient := l.dial()
			_, _ = io.WriteString(patient, "PROXY TCP4 203.0.113.9 10.0.0.1 4711 443\r\n")
			time.Sleep(10 * time.Second)
			go func() { _, _ = io.WriteString(patient, "GET / HTTP/1.0\r\n\r\n") }()
			answer, err := io.ReadAll(patient)
			if err != nil || !strings.HasSuffix(string(answer), "\r\n\r\n203.0.113.9:4711") {
				t.Errorf("%s: %q, %v", name, answer, err)
			}
		})
	}
}

// TestRefusalsDoNotFillTheLog: one line in ten seconds, which says how many
// connections had none.
func TestRefusalsDoNotFillTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, metrics, log := inMemory(t)
		for round := range 2 {
			for range 50 {
				conn := l.dial()
				_, _ = io.WriteString(conn, "GET / HTTP/1.0\r\n\r\n")
				_, _ = io.Copy(io.Discard, conn)
			}
			synctest.Wait()
			lines := log.entries(t, round+1)
			if last := lines[round]; len(lines) != round+1 || last["reason"] != "missing" || last["peer"] != "127.0.0.1:4000" || last["suppressed"] != float64(49*round) {
				t.Errorf("logged %v", lines)
			}
			time.Sleep(10 * time.Second)
		}
		if got := scraped(t, metrics); got != "strangler_proxy_protocol_rejected_total{reason=\"missing\"} 100\n" {
			t.Errorf("counted %q", got)
		}
	})
}
