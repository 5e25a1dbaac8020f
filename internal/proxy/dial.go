package proxy

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
)

// checkDialled looks at the resolved address, after DNS, just before the
// connection is made: a name must not be able to point the router where cloud
// machines keep their credentials. Literal addresses were checked when written.
func checkDialled(_ context.Context, _, address string, _ syscall.RawConn) error {
	resolved, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("dial address %q: %w", address, err)
	}
	return guard.CheckAddress(resolved.Addr())
}

// Reach connects to an endpoint of a backend as the data plane does, up to the
// end of the TLS handshake, and hangs up. It sends no request. ctx bounds it.
func Reach(ctx context.Context, b Backend, endpoint string) error {
	target, err := url.Parse(endpoint)
	if err != nil {
		return err
	}
	port := map[string]string{"http": "80", "https": "443"}[target.Scheme]
	address := net.JoinHostPort(target.Hostname(), cmp.Or(target.Port(), port))
	limits := guard.LegacyPolicy().Timeouts
	d := newDialer(poolKey{files: b.TLS, connect: limits.Connect, tls: limits.TLS}, nil, slog.New(slog.DiscardHandler))
	conn, err := d.tcp.DialContext(ctx, "tcp", address)
	if err == nil && target.Scheme == "https" {
		conn, err = d.secure(ctx, conn, address, b.Protocol)
	}
	if err != nil {
		return err
	}
	return conn.Close()
}

// dialer makes connections to one endpoint.
type dialer struct {
	tcp       net.Dialer
	names     *names
	secrets   *clientTLS
	handshake time.Duration // until it is done
}

func newDialer(key poolKey, known *names, logger *slog.Logger) *dialer {
	return &dialer{
		tcp: net.Dialer{Timeout: key.connect, ControlContext: checkDialled}, names: known,
		secrets: newClientTLS(key.files, logger), handshake: key.tls,
	}
}

// An HTTP/2 connection on which nothing was read for pingAfter is asked whether
// it is still there: it carries many exchanges, and a peer that vanished
// without a word would hold all of them.
const (
	pingAfter  = 15 * time.Second
	pingAnswer = 15 * time.Second
)

// transport is net/http's, with nothing done to messages behind our back: no
// decompression, no proxy from the environment, no protocol but the one asked for.
func (d *dialer) transport(protocol Protocol) *http.Transport {
	var protocols http.Protocols
	protocols.SetHTTP1(protocol == HTTP1 || protocol == Auto)
	protocols.SetHTTP2(protocol == H2 || protocol == Auto)
	protocols.SetUnencryptedHTTP2(protocol == H2C)
	return &http.Transport{
		Protocols:              &protocols,
		HTTP2:                  backendFlow(),
		DisableCompression:     true,
		MaxIdleConns:           0,
		MaxIdleConnsPerHost:    maxIdlePerEndpoint,
		IdleConnTimeout:        idleLife,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: maxResponseHead,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := d.dial(ctx, network, address)
			if err != nil || protocol == H2C {
				return conn, err
			}
			return watchResponses(conn), nil
		},
		DialTLSContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := d.dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return d.secure(ctx, conn, address, protocol)
		},
	}
}

// secure speaks TLS over conn; on failure conn is closed. A connection that is
// to speak HTTP/2 is returned bare: net/http takes it over by its type.
func (d *dialer) secure(ctx context.Context, conn net.Conn, address string, protocol Protocol) (net.Conn, error) {
	host, _, _ := net.SplitHostPort(address)
	config, err := d.secrets.config(host, protocol.offer())
	if err != nil {
		_ = conn.Close()
		return nil, &handshakeError{err}
	}
	ctx, cancel := context.WithTimeout(ctx, d.handshake)
	defer cancel()
	secured := tls.Client(conn, config)
	err = secured.HandshakeContext(ctx)
	agreed := secured.ConnectionState().NegotiatedProtocol
	if err == nil && protocol == H2 && agreed != "h2" {
		err = errNoHTTP2
	}
	switch {
	case err != nil:
		_ = conn.Close()
		return nil, &handshakeError{err}
	case agreed == "h2":
		return secured, nil
	default:
		return watchResponses(secured), nil
	}
}

// handshakeError marks a failed TLS handshake: nothing of the request was sent.
type handshakeError struct{ err error }

func (e *handshakeError) Error() string { return "TLS handshake: " + e.err.Error() }
func (e *handshakeError) Unwrap() error { return e.err }

// proxyError is the RFC 9209 error type of a failed attempt, where err says
// more than the attempt's class does.
func proxyError(err error) string {
	if _, handshake := errors.AsType[*handshakeError](err); !handshake {
		return ""
	}
	if _, untrusted := errors.AsType[*tls.CertificateVerificationError](err); untrusted {
		return "tls_certificate_error"
	}
	return "tls_protocol_error"
}
