package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"
)

// handshakeTimeout bounds a client's TLS handshake.
const handshakeTimeout = 10 * time.Second

// acmeProtocol is agreed on with a certificate authority that checks a name
// (RFC 8737). The handshake is all there is to it.
const acmeProtocol = "acme-tls/1"

// secureListener does the TLS handshakes itself, so that HTTP/1.1 is read
// through a watched connection. HTTP/2 needs no watch, and net/http takes it
// over by the connection's type, so it gets that one bare.
type secureListener struct {
	net.Listener
	config *tls.Config
	logger *slog.Logger
	ready  chan net.Conn
	failed chan error      // of Accept, in turn
	ctx    context.Context //nolint:containedctx // ends the handshakes under way when the listener is closed
	end    context.CancelFunc
}

// newSecureListener accepts from ln, on a goroutine that ends with it.
func newSecureListener(ln net.Listener, config *tls.Config, logger *slog.Logger) *secureListener {
	config = config.Clone()
	for _, protocol := range [...]string{"h2", "http/1.1"} {
		if !slices.Contains(config.NextProtos, protocol) {
			config.NextProtos = append(config.NextProtos, protocol)
		}
	}
	l := &secureListener{Listener: ln, config: config, logger: logger, ready: make(chan net.Conn), failed: make(chan error)}
	l.ctx, l.end = context.WithCancel(context.Background())
	go l.acceptAll()
	return l
}

// acceptAll ends with the listener below, but not before the handshakes under
// way have: whoever has connected is served.
func (l *secureListener) acceptAll() {
	var handshakes sync.WaitGroup
	for {
		conn, err := l.Listener.Accept()
		switch {
		case err == nil:
			handshakes.Go(func() { l.secure(conn) })
		case errors.Is(err, net.ErrClosed):
			handshakes.Wait()
			l.end()
			return
		default:
			select {
			case l.failed <- err: // net/http waits a little after what may pass, and asks again
			case <-l.ctx.Done():
				return
			}
		}
	}
}

// secure does one handshake and hands the connection to Accept.
func (l *secureListener) secure(conn net.Conn) {
	ctx, cancel := context.WithTimeout(l.ctx, handshakeTimeout)
	defer cancel()
	secured := tls.Server(conn, l.config)
	if err := secured.HandshakeContext(ctx); err != nil {
		l.logger.Debug("a client's TLS handshake failed", "peer", conn.RemoteAddr().String(), "error", err)
		_ = conn.Close()
		return
	}
	var accepted net.Conn = secured
	switch secured.ConnectionState().NegotiatedProtocol {
	case "h2":
	case acmeProtocol:
		_ = secured.Close()
		return
	default:
		accepted = &watchedConn{Conn: secured, watch: &headWatch{state: inHead, secured: true}}
	}
	select {
	case l.ready <- accepted:
	case <-l.ctx.Done():
		_ = secured.Close()
	}
}

// Accept waits for the next connection whose handshake is done.
func (l *secureListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.ready:
		return conn, nil
	case err := <-l.failed:
		return nil, err
	case <-l.ctx.Done():
		return nil, net.ErrClosed
	}
}

// Close stops accepting and breaks the handshakes under way off. Close the
// listener below to let them end.
func (l *secureListener) Close() error {
	l.end()
	return l.Listener.Close()
}
