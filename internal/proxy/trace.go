package proxy

import (
	"errors"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"sync"
	"sync/atomic"
)

// trace is told by the transport how far an attempt came. Its callbacks run on
// the transport's goroutines.
type trace struct {
	hooks    httptrace.ClientTrace
	attempts atomic.Int32                // connections that were given to the request; the transport's own replays count
	wrote    atomic.Bool                 // the request head was written
	conn     atomic.Pointer[watchedConn] // nil: it speaks HTTP/2

	mu       sync.Mutex // orders interim answers before the final one; owns the rest
	interims int        // 1xx answers so far
	finished bool       // RoundTrip has returned: the client's header map is the handler's again
}

// watch returns the hooks of f's attempt.
func (f *flow) watch() *httptrace.ClientTrace {
	t := &f.trace
	t.hooks = httptrace.ClientTrace{
		GotConn:        f.gotConn,
		WroteHeaders:   f.wroteHeaders,
		Got1xxResponse: f.interim,
	}
	return &t.hooks
}

func (f *flow) gotConn(info httptrace.GotConnInfo) {
	f.trace.attempts.Add(1)
	conn, _ := info.Conn.(*watchedConn)
	if conn != nil {
		conn.watch.expectResponse()
	}
	f.trace.conn.Store(conn)
}

// answered reports whether an answer has begun.
func (t *trace) answered() bool {
	conn := t.conn.Load()
	return conn != nil && conn.watch.sawAnswer()
}

// wroteHeaders is where an attempt has started: the table it started by need
// not be waited for any longer.
func (f *flow) wroteHeaders() {
	f.trace.wrote.Store(true)
	f.unpin()
}

// maxInterims bounds the interim answers to one request. No server has use for
// more than a few; one that never stops must not hold the exchange.
const maxInterims = 64

var errTooManyInterims = errors.New("the backend sends interim answers without end")

// interim passes a 1xx answer on, 103 Early Hints for one. 100 is left to the
// server, which sends it when the body is first read; that is when the backend
// has asked for it.
func (f *flow) interim(code int, header textproto.MIMEHeader) error {
	f.trace.mu.Lock()
	defer f.trace.mu.Unlock()
	if f.trace.interims++; f.trace.interims > maxInterims {
		return errTooManyInterims
	}
	old := f.r.ProtoMajor == 1 && f.r.ProtoMinor == 0
	if f.trace.finished || old || code == http.StatusContinue {
		return nil
	}
	h := f.w.Header()
	maps.Copy(h, http.Header(header))
	f.w.WriteHeader(code)
	clear(h)
	return nil
}

// finish ends the time in which interim answers are passed on.
func (t *trace) finish() {
	t.mu.Lock()
	t.finished = true
	t.mu.Unlock()
}
