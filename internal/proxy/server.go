package proxy

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
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

	listener atomic.Pointer[net.Listener] // as given to Serve, once
	served   chan struct{}                // closed when Serve has ended
	open     atomic.Int64                 // connections, without those that became tunnels
}

// NewServer returns a server for handler, which is p itself or something in
// front of it. It speaks HTTP/1.1 and HTTP/2: over TLS when config is given (by
// ALPN), in plain text otherwise (HTTP/2 by prior knowledge).
func (p *Proxy) NewServer(handler http.Handler, config *tls.Config) *Server {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(config != nil)
	protocols.SetUnencryptedHTTP2(config == nil)
	s := &Server{
		proxy: p, logger: p.logger, tls: config, served: make(chan struct{}),
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
	s.http.ConnState = s.count
	return s
}

// Serve serves ln until Linger, Drain or whoever opened ln closes it; it
// returns nil then. It may be called once.
func (s *Server) Serve(ln net.Listener) error {
	defer close(s.served)
	given := ln
	s.listener.Store(&given)
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
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
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
