package proxy_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/proxy"
)

// TestUpgradeOffers: a backend may choose one of several offers, and nothing else.
func TestUpgradeOffers(t *testing.T) {
	for name, c := range map[string]struct{ offer, chosen, body, version, want string }{
		"one of two":    {"chat/2, chat/1", "chat/1", "", "1.1", "HTTP/1.1 101 "},
		"other case":    {"WebSocket", "websocket", "", "1.1", "HTTP/1.1 101 "},
		"not offered":   {"chat/1", "chat/3", "", "1.1", "HTTP/1.1 502 "},
		"none":          {"chat/1", "", "", "1.1", "HTTP/1.1 502 "},
		"with a body":   {"chat/1", "chat/1", "Content-Length: 2\r\n", "1.1", "HTTP/1.1 502 "},
		"in HTTP/1.0":   {"chat/1", "chat/1", "", "1.0", "HTTP/1.0 502 "},
		"only h2c":      {"h2c", "h2c", "", "1.1", "HTTP/1.1 502 "},
		"h2c and other": {"h2c, chat/1", "h2c", "", "1.1", "HTTP/1.1 502 "},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, map[string]string{"legacy": rawBackend(t, func(conn net.Conn, _ *http.Request) {
				_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+c.chosen+"\r\n\r\n")
			})})
			r.install(1, legacyOnly())
			conn := r.dial()
			_, _ = io.WriteString(conn, "GET / HTTP/"+c.version+"\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: "+c.offer+"\r\n"+c.body+"\r\n")
			if c.body != "" {
				_, _ = io.WriteString(conn, "xx")
			}
			line, err := bufio.NewReader(conn).ReadString('\n')
			if err != nil || !strings.HasPrefix(line, c.want) {
				t.Errorf("got %q, %v; want %s", line, err, c.want)
			}
		})
	}
}

// TestTunnelPassesHalfCloses both ways: what the other side still has to say arrives.
func TestTunnelPassesHalfCloses(t *testing.T) {
	url := rawBackend(t, func(conn net.Conn, _ *http.Request) {
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		all, _ := io.ReadAll(conn) // ends when the client's direction does
		_, _ = io.WriteString(conn, "got "+string(all))
	})
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	conn := r.dial()
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nall of it")
	reader := bufio.NewReader(conn)
	if _, err := reader.Peek(1); err != nil { // a client that half-closes before its answer counts as gone
		t.Fatal(err)
	}
	_ = conn.CloseWrite()
	got, err := io.ReadAll(reader)
	if err != nil || !strings.HasSuffix(string(got), "\r\n\r\ngot all of it") {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestTunnelEndsWhenNobodySpeaks for longer than a stream may stand still.
func TestTunnelEndsWhenNobodySpeaks(t *testing.T) {
	url := rawBackend(t, func(conn net.Conn, _ *http.Request) {
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		_, _ = io.Copy(io.Discard, conn)
	})
	r := start(t, map[string]string{"legacy": url}, limited(short()))
	r.install(1, legacyOnly())
	got := r.raw("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
	if !strings.HasPrefix(got, "HTTP/1.1 101 ") {
		t.Errorf("got %q", got)
	}
}

// TestDrainSeesTunnelsFromTheFirstMoment: a connection that leaves the server's
// care is in the tunnels' at once.
func TestDrainSeesTunnelsFromTheFirstMoment(t *testing.T) {
	for range 20 {
		r := start(t, map[string]string{"legacy": rawBackend(t, func(conn net.Conn, _ *http.Request) {
			_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
			_, _ = io.Copy(conn, conn)
		})}, limited(proxy.Policies{Legacy: longStream(), New: guard.NewPolicy()}))
		r.install(1, legacyOnly())
		ln := listen(t)
		server := r.proxy.NewServer(r.proxy, nil)
		served := make(chan struct{})
		go func() { defer close(served); _ = server.Serve(ln) }()
		conn, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		reader := bufio.NewReader(conn)
		if _, err := reader.Peek(1); err != nil { // the upgrade is under way
			t.Fatal(err)
		}
		drained := make(chan struct{})
		go func() { defer close(drained); server.Drain(t.Context()) }()
		<-served
		_, _ = io.WriteString(conn, "still here\n")
		res, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if line, err := reader.ReadString('\n'); err != nil || line != "still here\n" {
			t.Fatalf("the tunnel was cut: %q, %v", line, err)
		}
		select {
		case <-drained:
			t.Fatal("the drain ended with a tunnel open")
		default:
		}
		_ = conn.Close()
		<-drained
	}
}
