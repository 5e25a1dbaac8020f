package proxy_test

import (
	"net/http"
	"testing"
)

// TestTrustedNetworksInEitherForm: peers of IPv4 are the same ones, however
// their network was written.
func TestTrustedNetworksInEitherForm(t *testing.T) {
	for network, want := range map[string]string{
		"127.0.0.0/8":          "192.0.2.1, 127.0.0.1",
		"::ffff:127.0.0.0/104": "192.0.2.1, 127.0.0.1",
		"::ffff:0.0.0.0/96":    "192.0.2.1, 127.0.0.1",
		"::ffff:10.0.0.0/104":  "127.0.0.1",
		"::/0":                 "127.0.0.1", // of IPv6 alone, as netip has it
	} {
		url, requests := seen(t)
		r := start(t, map[string]string{"legacy": url}, trusting(network))
		r.install(1, legacyOnly())
		r.do(http.MethodGet, "/", http.Header{"X-Forwarded-For": {"192.0.2.1"}}, nil)
		if got := (<-requests).Header.Get("X-Forwarded-For"); got != want {
			t.Errorf("%s: X-Forwarded-For %q, want %q", network, got, want)
		}
	}
}
