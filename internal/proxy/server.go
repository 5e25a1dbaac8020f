package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Bounds of the data listener. They keep one client from holding much of the
// router; a backend's own, tighter bounds still apply behind them.
const (
	maxRequestHead    = 64 << 10         // more is answered with 431
	readHeadTimeout   = 20 * time.Second // a head that trickles in is cut off
	clientIdleTimeout = 5 * time.Minute  // a kept-alive connection without a request
)

// Server is the data listener's server.
type Server struct {
	proxy  *Proxy
	http   *http.Server
	tls    *tls.Config // nil: plain text
	logger *slog.Logger
}

// NewServer returns a server for handler, which is p itself or something in
// front of it. It speaks HTTP/1.1 and HTTP/2: over TLS when config is given (by
// ALPN), in plain text otherwise (HTTP/2 by prior knowledge).
func (p *Proxy) NewServer(handler http.Handler, config *tls.Config) *Server {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(config != nil)
	protocols.SetUnencryptedHTTP2(config == nil)
	return &Server{
		proxy: p, logger: p.logger, tls: config,
		http: &http.Server{
			Handler:                      handler,
			Protocols:                    &protocols,
			HTTP2:                        clientFlow(),
			MaxHeaderBytes:               maxRequestHead,
			ReadHeaderTimeout:            readHeadTimeout,
			IdleTimeout:                  clientIdleTimeout,
			DisableGeneralOptionsHandler: true, // OPTIONS * is ours to answer
			ConnContext:                  connContext,
			ErrorLog:                     slog.NewLogLogger(p.logger.Handler(), slog.LevelDebug), // what clients do wrong
		},
	}
}

// Serve serves ln until Drain; it returns nil then.
func (s *Server) Serve(ln net.Listener) error {
	var err error
	ln = complainingListener{ln, s.logger}
	if s.proxy.refusals != nil { // the header comes before everything else, TLS included
		ln = balancedListener{ln, s.proxy.trusts, s.proxy.refusals}
	}
	if s.tls != nil {
		err = s.http.Serve(newSecureListener(ln, s.tls, s.logger))
	} else {
		err = s.http.Serve(watchListener{ln})
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Drain stops accepting and waits for the exchanges under way, tunnels
// included, until ctx ends; then it closes what is left.
func (s *Server) Drain(ctx context.Context) {
	if err := s.http.Shutdown(ctx); err != nil {
		s.logger.Warn("exchanges cut off: the drain took too long", "error", err)
		_ = s.http.Close()
	}
	select {
	case <-s.proxy.tunnels.drain():
	case <-ctx.Done():
		if n := s.proxy.tunnels.closeAll(); n > 0 {
			s.logger.Warn("upgraded connections cut off: the drain took too long", "count", n)
		}
	}
	s.proxy.pools.closeIdle()
}

// complainingListener says when no connection can be taken, which the server
// itself would only say among what clients do wrong.
type complainingListener struct {
	net.Listener
	logger *slog.Logger
}

// Accept waits for the next connection.
func (l complainingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil && !errors.Is(err, net.ErrClosed) {
		l.logger.Error("no connection can be taken: are there enough file descriptors?", "error", err)
	}
	return conn, err
}
