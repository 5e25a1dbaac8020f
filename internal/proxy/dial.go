package proxy

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
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

// DialChecked connects like the data plane does: to no address that a backend
// must not have.
func DialChecked(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{ControlContext: checkDialled}
	return dialer.DialContext(ctx, network, address)
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
