package app_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/app"
)

// through sends one request with a PROXY header before it and returns status
// and body; status 0: the connection was closed without an answer.
func (r running) through(t *testing.T, header, path string) (int, string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		conn, err := net.Dial("tcp", r.DataAddr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(deadline)
		_, _ = io.WriteString(conn, header+"GET "+path+" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		answer, _ := io.ReadAll(conn)
		_ = conn.Close()
		if strings.Contains(string(answer), "not_ready") && time.Now().Before(deadline) {
			continue
		}
		var status int
		_, _ = fmt.Sscanf(string(answer), "HTTP/1.1 %d", &status)
		_, body, _ := strings.Cut(string(answer), "\r\n\r\n")
		return status, body
	}
}

func TestProxyProtocolOnTheDataListener(t *testing.T) {
	legacy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "client "+r.Header.Get("X-Forwarded-For"))
	}))
	t.Cleanup(legacy.Close)
	r := run(t, func(c *app.Config) {
		c.Legacy, c.HealthPath = legacy.URL, "/up"
		c.ProxyProtocol, c.TrustedProxies = true, []string{"127.0.0.1"}
	}, quiet())
	for _, c := range []struct {
		header, path string
		status       int
		body         string
	}{
		{"PROXY TCP4 203.0.113.9 10.0.0.1 4711 443\r\n", "/", 200, "client 203.0.113.9"},
		{"PROXY TCP4 203.0.113.9 10.0.0.1 4711 443\r\n", "/up", 200, "ok\n"},
		{"PROXY UNKNOWN\r\n", "/up", 200, "ok\n"},
		{"", "/up", 0, ""},
		{"", "/", 0, ""},
	} {
		if status, body := r.through(t, c.header, c.path); status != c.status || body != c.body {
			t.Errorf("%q %s: %d %q, want %d %q", c.header, c.path, status, body, c.status, c.body)
		}
	}
	if status := adminStatus(t, r, "token-of-the-test"); status != 200 {
		t.Errorf("the admin listener, which takes no header, answers %d", status)
	}
}
