package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/proxy"
	"github.com/stranglerfig/strangler/internal/telemetry"
)

// forwarding is who is known to forward untrusted, with the number of requests.
func forwarding(t *testing.T, p *proxy.Proxy) []string {
	t.Helper()
	var all []string
	for _, f := range p.UntrustedForwarders() {
		if age := time.Since(f.Last); age < 0 || age > time.Minute {
			t.Errorf("%s was last seen %s ago", f.Peer, age)
		}
		all = append(all, fmt.Sprintf("%s %d", f.Peer, f.Requests))
	}
	slices.Sort(all)
	return all
}

func TestUntrustedForwardersAreRemembered(t *testing.T) {
	r := start(t, map[string]string{"legacy": named(t, "legacy")})
	r.install(1, legacyOnly())
	for _, fields := range []http.Header{
		{"X-Forwarded-For": {"192.0.2.1"}},
		{"X-Forwarded-Proto": {"https"}},
		{"Forwarded": {"for=192.0.2.1"}},
		{"X-Real-Ip": {"192.0.2.1"}},
		{"X-Forwarded-For": {"192.0.2.1"}, "X-Forwarded-Host": {"shop.example"}, "Forwarded": {"for=192.0.2.1"}}, // one request
		{},
		{"X-Original-Url": {"/admin"}},
		{"Strangler-Side": {"new"}},
		{"X-Forwarded": {"no"}}, // nobody forwards with these
	} {
		r.do(http.MethodGet, "/", fields, nil)
	}
	r.log.entries(t, 9) // they have all ended
	if diff := cmp.Diff([]string{"127.0.0.1 5"}, forwarding(t, r.proxy)); diff != "" {
		t.Error(diff)
	}
}

func TestTrustedForwardersAreNotRemembered(t *testing.T) {
	r := start(t, map[string]string{"legacy": named(t, "legacy")}, trusting(loopback))
	r.install(1, legacyOnly())
	r.do(http.MethodGet, "/", http.Header{"X-Forwarded-For": {"192.0.2.1"}}, nil)
	r.log.entries(t, 1)
	if got := forwarding(t, r.proxy); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

// TestForwarderBehindABalancer is the client that the PROXY header names; a
// trusted balancer that names none needs no advice to trust it.
func TestForwarderBehindABalancer(t *testing.T) {
	r := start(t, map[string]string{"legacy": named(t, "legacy")}, balanced(loopback, telemetry.New("")))
	r.install(1, legacyOnly())
	for _, header := range []string{"PROXY TCP4 203.0.113.9 10.0.0.1 4711 443\r\n", "PROXY UNKNOWN\r\n"} {
		conn := r.dial()
		_, _ = io.WriteString(conn, header+"GET / HTTP/1.0\r\nHost: h\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n")
		_, _ = io.Copy(io.Discard, conn)
	}
	r.log.entries(t, 2)
	if diff := cmp.Diff([]string{"203.0.113.9 1"}, forwarding(t, r.proxy)); diff != "" {
		t.Error(diff)
	}
}
