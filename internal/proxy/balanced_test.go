package proxy_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"

	"github.com/stranglerfig/strangler/internal/telemetry"
)

// balanced makes a router take PROXY headers from peers in prefix.
func balanced(prefix string, metrics *telemetry.Metrics) option {
	return func(s *settings) {
		trusting(prefix)(s)
		s.options.ProxyProtocol, s.options.Metrics = true, metrics
	}
}

// loopback is where the tests' balancers are.
const loopback = "127.0.0.0/8"

// pp is a PROXY header; source and destination are address:port.
func pp(t testing.TB, version byte, source, destination string, extensions ...proxyproto.TLV) string {
	t.Helper()
	from, to := netip.MustParseAddrPort(source), netip.MustParseAddrPort(destination)
	header := proxyproto.HeaderProxyFromAddrs(version, net.TCPAddrFromAddrPort(from), net.TCPAddrFromAddrPort(to))
	if err := header.SetTLVs(extensions); err != nil {
		t.Fatal(err)
	}
	text, err := header.Format()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// v2 is a PROXY header of version 2 by its parts.
func v2(command, family byte, block string) string {
	return string(proxyproto.SIGV2) + string([]byte{command, family, byte(len(block) >> 8), byte(len(block))}) + block
}

// whence answers with what a backend is told of the client.
func whence(t testing.TB) string {
	return backend(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%s by %s", strings.Join(r.Header["X-Forwarded-For"], "|"), r.Header.Get("X-Forwarded-Proto"))
	})
}

func TestPROXYHeaderNamesTheClient(t *testing.T) {
	tls12 := proxyproto.TLV{Type: proxyproto.PP2_TYPE_SSL, Value: []byte{1, 0, 0, 0, 0}}
	plain := proxyproto.TLV{Type: proxyproto.PP2_TYPE_SSL, Value: []byte{0, 0, 0, 0, 0}}
	other := proxyproto.TLV{Type: proxyproto.PP2_TYPE_UNIQUE_ID, Value: make([]byte, 1000)}
	udp := v2(0x21, 0x12, "\xcb\x00\x71\x09\x0a\x00\x00\x01\x01\xbb\x01\xbb")
	for name, c := range map[string]struct{ header, want, logged string }{
		"version 1, IPv4":         {"PROXY TCP4 203.0.113.9 10.0.0.1 4711 443\r\n", "203.0.113.9 by http", "203.0.113.9"},
		"version 1, IPv6":         {"PROXY TCP6 2001:db8::9 2001:db8::1 4711 443\r\n", "2001:db8::9 by http", "2001:db8::9"},
		"version 1, mapped":       {"PROXY TCP6 ::ffff:203.0.113.9 ::ffff:10.0.0.1 4711 443\r\n", "203.0.113.9 by http", "203.0.113.9"},
		"version 2, IPv4":         {pp(t, 2, "203.0.113.9:4711", "10.0.0.1:443"), "203.0.113.9 by http", "203.0.113.9"},
		"version 2, IPv6":         {pp(t, 2, "[2001:db8::9]:4711", "[2001:db8::1]:443"), "2001:db8::9 by http", "2001:db8::9"},
		"version 2, a datagram's": {udp, "203.0.113.9 by http", "203.0.113.9"},
		"client speaks TLS":       {pp(t, 2, "203.0.113.9:4711", "10.0.0.1:443", other, tls12), "203.0.113.9 by https", "203.0.113.9"},
		"client speaks no TLS":    {pp(t, 2, "203.0.113.9:4711", "10.0.0.1:443", plain), "203.0.113.9 by http", "203.0.113.9"},
		"version 1, unknown":      {"PROXY UNKNOWN\r\n", "127.0.0.1 by http", "127.0.0.1"},
		"unknown with addresses":  {"PROXY UNKNOWN 203.0.113.9 10.0.0.1 4711 443\r\n", "127.0.0.1 by http", "127.0.0.1"},
		"version 2, local":        {v2(0x20, 0x00, ""), "127.0.0.1 by http", "127.0.0.1"},
		"local with addresses":    {v2(0x20, 0x11, "\xcb\x00\x71\x09\x0a\x00\x00\x01\x01\xbb\x01\xbb"), "127.0.0.1 by http", "127.0.0.1"},
		"a socket file":           {v2(0x21, 0x31, strings.Repeat("\x00", 216)), "127.0.0.1 by http", "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			metrics := telemetry.New("")
			r := start(t, map[string]string{"legacy": whence(t)}, balanced(loopback, metrics))
			r.install(1, legacyOnly())
			// What the client says of itself counts for nothing.
			request := "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 198.51.100.1\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n"
			for _, pieces := range [][]string{{c.header + request}, strings.Split(c.header+request, "")} {
				if _, body, _ := strings.Cut(inPieces(r, pieces), "\r\n\r\n"); body != c.want {
					t.Errorf("in %d pieces: %q, want %q", len(pieces), body, c.want)
				}
			}
			for _, entry := range r.log.entries(t, 2) {
				if entry["client.address"] != c.logged {
					t.Errorf("logged %v", entry)
				}
			}
			if page := scraped(t, metrics); strings.Contains(page, "rejected") {
				t.Errorf("counted as refused:\n%s", page)
			}
		})
	}
}

// inPieces sends each piece in a packet of its own and returns the answer.
func inPieces(r *router, pieces []string) string {
	conn := r.dial()
	_ = conn.SetNoDelay(true)
	for _, piece := range pieces {
		if _, err := io.WriteString(conn, piece); err != nil {
			r.t.Fatal(err)
		}
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(answer)
}

// scraped is our counters of refused connections.
func scraped(t testing.TB, metrics *telemetry.Metrics) string {
	t.Helper()
	page := httptest.NewRecorder()
	metrics.Handler().ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	var found strings.Builder
	for line := range strings.Lines(page.Body.String()) {
		if strings.HasPrefix(line, "strangler_proxy_protocol_rejected_total{") {
			found.WriteString(line)
		}
	}
	return found.String()
}

func TestConnectionsWithoutAGoodPROXYHeaderAreClosed(t *testing.T) {
	const request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
	good := "PROXY TCP4 203.0.113.9 10.0.0.1 4711 443\r\n"
	huge := v2(0x21, 0x11, "\xcb\x00\x71\x09\x0a\x00\x00\x01\x01\xbb\x01\xbb"+strings.Repeat("\x04\x00\x00", 2000))
	for name, c := range map[string]struct{ sent, reason string }{
		"plain request":           {request, "missing"},
		"POST, like PROXY":        {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", "missing"},
		"HTTP/2 without a header": {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "missing"},
		"TLS":                     {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", "missing"},
		"empty lines":             {"\r\n\r\n" + request, "missing"},
		"PROXY alone":             {"PROXY\r\n" + request, "malformed"},
		"more than PROXY":         {"PROXYING TCP4 203.0.113.9 10.0.0.1 4711 443\r\n" + request, "malformed"},
		"no line end":             {"PROXY TCP4 " + strings.Repeat("1", 200) + "\r\n" + request, "malformed"},
		"a line end too little":   {"PROXY TCP4 203.0.113.9 10.0.0.1 4711 443\n" + request, "malformed"},
		"other family":            {"PROXY TCP4 2001:db8::9 2001:db8::1 4711 443\r\n" + request, "malformed"},
		"a name":                  {"PROXY TCP4 shop.example 10.0.0.1 4711 443\r\n" + request, "malformed"},
		"port beyond":             {"PROXY TCP4 203.0.113.9 10.0.0.1 65536 443\r\n" + request, "malformed"},
		"unspecified client":      {"PROXY TCP4 0.0.0.0 10.0.0.1 4711 443\r\n" + request, "malformed"},
		"unspecified, mapped":     {"PROXY TCP6 ::ffff:0.0.0.0 ::1 4711 443\r\n" + request, "malformed"},
		"multicast client":        {"PROXY TCP6 ff02::1 2001:db8::1 4711 443\r\n" + request, "malformed"},
		"shorter than its kind":   {v2(0x21, 0x11, "\xcb\x00\x71\x09") + request, "malformed"},
		"unknown command":         {v2(0x2f, 0x11, "\xcb\x00\x71\x09\x0a\x00\x00\x01\x01\xbb\x01\xbb") + request, "malformed"},
		"unknown version":         {v2(0x31, 0x11, "\xcb\x00\x71\x09\x0a\x00\x00\x01\x01\xbb\x01\xbb") + request, "malformed"},
		"unknown family":          {v2(0x21, 0x13, "\xcb\x00\x71\x09\x0a\x00\x00\x01\x01\xbb\x01\xbb") + request, "malformed"},
		"no family":               {v2(0x21, 0x00, "") + request, "malformed"},
		"over-long":               {huge + request, "malformed"},
		"lying extension":         {v2(0x21, 0x11, "\xcb\x00\x71\x09\x0a\x00\x00\x01\x01\xbb\x01\xbb\x20\x00\x09\x01") + request, "malformed"},
		"ends in a line":          {good[:20], "truncated"},
		"ends in a signature":     {string(proxyproto.SIGV2)[:7], "truncated"},
		"ends in addresses":       {v2(0x21, 0x11, "\xcb\x00\x71\x09\x0a\x00\x00\x01\x01\xbb\x01\xbb")[:20], "truncated"},
		"ends at once":            {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			metrics := telemetry.New("")
			r := start(t, map[string]string{"legacy": whence(t)}, balanced(loopback, metrics))
			r.install(1, legacyOnly())
			conn := r.dial()
			_, _ = io.WriteString(conn, c.sent)
			if c.reason == "truncated" || c.reason == "" {
				_ = conn.CloseWrite()
			}
			if answer, _ := io.ReadAll(conn); len(answer) > 0 {
				t.Errorf("it was answered: %q", answer)
			}
			want := ""
			if c.reason != "" {
				want = fmt.Sprintf("strangler_proxy_protocol_rejected_total{reason=%q} 1\n", c.reason)
			}
			if got := scraped(t, metrics); got != want {
				t.Errorf("counted %q, want %q", got, want)
			}
			if answer := inPieces(r, []string{good + "GET / HTTP/1.0\r\nHost: h\r\n\r\n"}); !strings.HasSuffix(answer, "\r\n\r\n203.0.113.9 by http") {
				t.Errorf("the next one got %q", answer)
			}
		})
	}
}

// TestStrangersAreRefused: with or without a header, true or not.
func TestStrangersAreRefused(t *testing.T) {
	metrics := telemetry.New("")
	r := start(t, map[string]string{"legacy": whence(t)}, balanced("192.0.2.0/24", metrics))
	r.install(1, legacyOnly())
	for _, header := range []string{"", "PROXY TCP4 192.0.2.1 10.0.0.1 4711 443\r\n", pp(t, 2, "192.0.2.1:4711", "10.0.0.1:443")} {
		conn := r.dial()
		_, _ = io.WriteString(conn, header+"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		if answer, _ := io.ReadAll(conn); len(answer) > 0 {
			t.Errorf("%q was answered: %q", header, answer)
		}
	}
	if got := scraped(t, metrics); got != "strangler_proxy_protocol_rejected_total{reason=\"untrusted\"} 3\n" {
		t.Errorf("counted %q", got)
	}
}

// TestForwardedFieldsBehindAPROXYHeader count when the client that the header
// names is a trusted proxy itself, and not because the balancer is one: the
// balancer passes on what it is sent.
func TestForwardedFieldsBehindAPROXYHeader(t *testing.T) {
	r := start(t, map[string]string{"legacy": whence(t)}, balanced(loopback, telemetry.New("")), trusting("198.51.100.0/24"))
	r.install(1, legacyOnly())
	for header, want := range map[string]string{
		"PROXY TCP4 203.0.113.9 10.0.0.1 4711 443\r\n":  "203.0.113.9 by http",
		"PROXY TCP4 198.51.100.7 10.0.0.1 4711 443\r\n": "192.0.2.44, 198.51.100.7 by https",
		"PROXY UNKNOWN\r\n":                             "127.0.0.1 by http",
		v2(0x20, 0x00, ""):                              "127.0.0.1 by http",
	} {
		answer := inPieces(r, []string{header + "GET / HTTP/1.0\r\nHost: h\r\nX-Forwarded-For: 192.0.2.44\r\nX-Forwarded-Proto: https\r\n\r\n"})
		if _, body, _ := strings.Cut(answer, "\r\n\r\n"); body != want {
			t.Errorf("%q: %q, want %q", header, body, want)
		}
	}
}

// throughBalancer is a client whose connections begin with header.
func throughBalancer(t testing.TB, header string, transport *http.Transport) *http.Client {
	t.Helper()
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err == nil {
			_, err = io.WriteString(conn, header)
		}
		return conn, err
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// TestPROXYHeaderComesBeforeEverything: before TLS, and before HTTP/2 without it.
func TestPROXYHeaderComesBeforeEverything(t *testing.T) {
	pair := httptest.NewUnstartedServer(nil)
	pair.StartTLS()
	defer pair.Close()
	roots := pair.Client().Transport.(*http.Transport).TLSClientConfig
	for _, secured := range []bool{false, true} {
		r := start(t, map[string]string{"legacy": whence(t)}, balanced(loopback, telemetry.New("")), func(s *settings) {
			if secured {
				s.tls = &tls.Config{Certificates: pair.TLS.Certificates, MinVersion: tls.VersionTLS12}
			}
		})
		r.install(1, legacyOnly())
		for _, http2 := range []bool{false, true} {
			var protocols http.Protocols
			protocols.SetHTTP1(!http2)
			protocols.SetHTTP2(http2 && secured)
			protocols.SetUnencryptedHTTP2(http2 && !secured)
			version := byte(1)
			if http2 != secured {
				version = 2
			}
			header := pp(t, version, "203.0.113.9:4711", "10.0.0.1:443")
			c := throughBalancer(t, header, &http.Transport{TLSClientConfig: roots.Clone(), Protocols: &protocols})
			scheme := map[bool]string{false: "http", true: "https"}[secured]
			for range 3 { // one connection for all of them
				res, err := c.Get(scheme + "://" + r.addr + "/")
				if err != nil {
					t.Fatal(err)
				}
				body, _ := io.ReadAll(res.Body)
				_ = res.Body.Close()
				if want := "203.0.113.9 by " + scheme; string(body) != want || (res.ProtoMajor == 2) != http2 {
					t.Errorf("%s: %q, want %q", res.Proto, body, want)
				}
			}
		}
		for _, entry := range r.log.entries(t, 6) {
			if entry["network.peer.port"] != 4711.0 {
				t.Errorf("logged %v", entry)
			}
		}
	}
}

// TestTunnelThroughABalancer: what followed the request at once is not lost, and
// a direction can end alone.
func TestTunnelThroughABalancer(t *testing.T) {
	url := rawBackend(t, func(conn net.Conn, _ *http.Request) {
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		all, _ := io.ReadAll(conn)
		_, _ = io.WriteString(conn, "got "+string(all))
	})
	r := start(t, map[string]string{"legacy": url}, balanced(loopback, telemetry.New("")))
	r.install(1, legacyOnly())
	conn := r.dial()
	_, _ = io.WriteString(conn, pp(t, 2, "203.0.113.9:4711", "10.0.0.1:443")+"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nall of it")
	reader := bufio.NewReader(conn)
	if _, err := reader.Peek(1); err != nil {
		t.Fatal(err)
	}
	_ = conn.CloseWrite()
	answer, err := io.ReadAll(reader)
	if err != nil || !strings.HasSuffix(string(answer), "\r\n\r\ngot all of it") {
		t.Errorf("%q, %v", answer, err)
	}
}

// TestFramingIsWatchedBehindAPROXYHeader: a header is no way past the checks.
func TestFramingIsWatchedBehindAPROXYHeader(t *testing.T) {
	r := start(t, map[string]string{"legacy": whence(t)}, balanced(loopback, telemetry.New("")))
	r.install(1, legacyOnly())
	answer := r.raw("PROXY UNKNOWN\r\nPOST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 400 ") || !strings.Contains(answer, "ambiguous_length") {
		t.Errorf("%q", answer)
	}
}

// TestSilentBalancersHoldNobody: connections without a header neither keep
// others from being served nor the router from stopping.
func TestSilentBalancersHoldNobody(t *testing.T) {
	r := start(t, map[string]string{"legacy": whence(t)}, balanced(loopback, telemetry.New("")))
	r.install(1, legacyOnly())
	for range 20 {
		r.dial()
	}
	began := time.Now()
	if answer := inPieces(r, []string{"PROXY TCP4 203.0.113.9 10.0.0.1 4711 443\r\nGET / HTTP/1.0\r\n\r\n"}); !strings.Contains(answer, "203.0.113.9 by http") {
		t.Errorf("%q", answer)
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("it had to wait for the silent ones: %s", took)
	}
}
