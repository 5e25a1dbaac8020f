package proxy

import (
	"context"
	"net"
	"net/http"
	"time"
)

// Times of a drain that nobody needs to set.
const (
	// lingerFor is how long connections without a request are kept after the
	// listener has closed: a first request is on its way on those just accepted,
	// and a kept-alive one hears with its next answer that this was the last.
	lingerFor = time.Second
	// handshakeGrace is how long TLS handshakes under way may take then: the time
	// that net/http gives a new connection for its first request as well.
	handshakeGrace = 5 * time.Second
	// lookAgain is how often a drain counts the connections.
	lookAgain = 10 * time.Millisecond
)

// Announce makes every answer from now on the last one of its connection
// (`Connection: close`, GOAWAY over HTTP/2), so that clients leave by
// themselves and none is in the middle of a request when connections close.
func (s *Server) Announce() { s.proxy.leaving.Store(true) }

// Linger closes the listener and gives those who are connected, or about to
// be, time for a request that they have already sent. It returns when nobody is
// connected any more, or after about a second.
//
// net/http's own Shutdown, which comes next, drops a request that it reads
// afterwards on a connection it had already accepted.
func (s *Server) Linger(ctx context.Context) {
	s.Announce()
	s.closeListener(ctx)
	ctx, cancel := context.WithTimeout(ctx, lingerFor)
	defer cancel()
	for s.open.Load() > 0 {
		select {
		case <-ctx.Done():
			return
		case <-time.After(lookAgain):
		}
	}
}

// closeListener closes the listener below the TLS handshakes and waits for
// these: Shutdown would break them off.
func (s *Server) closeListener(ctx context.Context) {
	listener := s.listener.Load()
	if listener == nil {
		return
	}
	_ = (*listener).Close() // it may have been closed
	select {
	case <-s.served:
	case <-time.After(handshakeGrace):
	case <-ctx.Done():
	}
}

// Drain stops accepting and waits for the exchanges under way, tunnels
// included, until ctx ends; then it closes what is left.
func (s *Server) Drain(ctx context.Context) {
	s.Announce()
	s.closeListener(ctx)
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

// count keeps the number of connections that the server holds.
func (s *Server) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.open.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.open.Add(-1)
	case http.StateActive, http.StateIdle:
	}
}
