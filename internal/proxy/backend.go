package proxy

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"

	"github.com/stranglerfig/strangler/internal/certs"
	"github.com/stranglerfig/strangler/internal/guard"
)

// Backend is one backend as the data plane reaches it.
type Backend struct {
	Endpoints []string // "http://host:port", "https://host:port"
	Protocol  Protocol
	TLS       BackendTLS
	Bulkhead  guard.BulkheadPolicy // shared by all lanes of the backend
	Health    *Health              // nil: its endpoints are not asked

	Trust       string // backends of another one see no credentials of copied requests
	BuildHeader string // the response field that names the backend's build; empty: none does

	Fallback guard.FallbackBudgetPolicy // for what falls back to it; a zero field has its default
}

func (b Backend) fallback() guard.FallbackBudgetPolicy {
	return b.Fallback.Defaulted(guard.DefaultFallbackBudget())
}

// Protocol is what a backend is spoken to in.
type Protocol string

// The protocols. HTTP1 is the default over TLS, too: only it can upgrade
// (WebSocket), it keeps the fault of one connection to one exchange, and a
// monolith that has never been asked for HTTP/2 need not begin with it on the
// day a router is put in front.
const (
	HTTP1 Protocol = ""
	H2    Protocol = "h2"   // HTTP/2 over TLS; a server that does not offer it is refused
	H2C   Protocol = "h2c"  // HTTP/2 in plain text, by prior knowledge
	Auto  Protocol = "auto" // over TLS, what the server prefers; HTTP/1.1 for upgrades
)

// BackendTLS is how a backend is verified and what we show it. The zero value
// verifies by the system's authorities and shows nothing.
type BackendTLS struct {
	CA         string // file, or PEM itself
	ServerName string // "": the endpoint's host
	Cert, Key  string // files of the client certificate
}

// Check reports why a handshake would fail on this machine, whatever the
// backend: a file that is missing or unusable.
func (b BackendTLS) Check() error {
	_, err := newClientTLS(b, slog.New(slog.DiscardHandler)).config("", nil)
	return err
}

// clientTLS makes the TLS configuration of each handshake with a backend.
type clientTLS struct {
	serverName  string
	authorities *certs.Authorities // nil: the system's
	pair        *certs.Pair        // nil: we show no certificate
}

func newClientTLS(b BackendTLS, logger *slog.Logger) *clientTLS {
	t := &clientTLS{serverName: b.ServerName}
	if b.CA != "" {
		t.authorities = certs.NewAuthorities(b.CA, logger)
	}
	if b.Cert != "" {
		t.pair = certs.NewPair(b.Cert, b.Key, logger)
	}
	return t
}

// config returns the configuration of a handshake with host, in which the
// protocols in offer are offered.
func (t *clientTLS) config(host string, offer []string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: cmp.Or(t.serverName, host), NextProtos: offer}
	if t.authorities != nil {
		pool, err := t.authorities.Pool()
		if err != nil {
			return nil, fmt.Errorf("the backend's tls.ca cannot be used: %w", err)
		}
		config.RootCAs = pool
	}
	if t.pair != nil {
		pair, err := t.pair.Certificate()
		if err != nil {
			return nil, fmt.Errorf("the backend's tls.cert and tls.key cannot be used: %w", err)
		}
		// Unlike Certificates, this shows it whatever authorities the server
		// lists: people gave it for exactly this backend.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair, nil }
	}
	return config, nil
}

// offer is what ALPN offers in a handshake. HTTP/1.1 alone is not offered:
// some old servers stumble over the extension.
func (p Protocol) offer() []string {
	switch p {
	case H2:
		return []string{"h2"}
	case Auto:
		return []string{"h2", "http/1.1"}
	default:
		return nil
	}
}

var errNoHTTP2 = errors.New("the server does not offer HTTP/2 (ALPN h2): correct it, or write protocol: auto for the backend")
