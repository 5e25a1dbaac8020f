package proxy

import (
	"errors"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/stranglerfig/strangler/internal/exchange"
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
	told     bool       // the client was told to send its body
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

// gotConn is where an attempt gets its connection. The transport repeats an
// attempt by itself when a kept-alive connection turns out to be closed; by
// then the table it started by may have been replaced, and Install has said so.
func (f *flow) gotConn(info httptrace.GotConnInfo) {
	conn, _ := info.Conn.(*watchedConn)
	if fault := f.repeats(int(f.trace.attempts.Add(1)), conn == nil); fault != nil {
		f.deadline.giveUp(fault)
		if conn != nil { // over HTTP/2 it carries other exchanges
			_ = conn.Close() // before the transport writes on it
		}
		return
	}
	if conn != nil {
		conn.watch.expectResponse()
	}
	f.trace.conn.Store(conn)
}

// repeats says why the transport may not put the request on a connection for
// the nth time. Over HTTP/1 it knows itself what it must not send twice. Over
// HTTP/2 it sends whatever has no body again, and again, as long as the backend
// resets it with REFUSED_STREAM or PROTOCOL_ERROR, though after the latter it
// may have taken effect; and which of the two it was it does not tell.
func (f *flow) repeats(n int, multiplexed bool) error {
	switch {
	case n == 1:
		return nil
	case multiplexed && f.trace.wrote.Load() && (n > 2 || !f.Safe()):
		return errReset
	case !f.repin():
		return errTableChanged
	default:
		return nil
	}
}

var (
	errTableChanged = errors.New("the backend closed the kept-alive connection, and the table changed before the request could be sent again")
	errReset        = errors.New("the backend reset the request, or sent GOAWAY, without an answer")
)

// answered reports whether an answer has begun.
func (t *trace) answered() bool {
	conn := t.conn.Load()
	return conn != nil && conn.watch.sawAnswer()
}

// bodyBegun reports whether bytes of the answer's body have come.
func (t *trace) bodyBegun() bool {
	conn := t.conn.Load()
	return conn != nil && conn.watch.sawBody()
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

// interim passes a 1xx answer on, 103 Early Hints for one. 100 is left to
// proceed, and over HTTP/2 to the server, which sends it when the body is first
// read; that is when the backend has asked for it.
func (f *flow) interim(code int, header textproto.MIMEHeader) error {
	f.trace.mu.Lock()
	defer f.trace.mu.Unlock()
	if f.trace.interims++; f.trace.interims > maxInterims {
		return errTooManyInterims
	}
	old := f.r.ProtoMajor == 1 && f.r.ProtoMinor == 0
	switch {
	case f.trace.finished || old:
	case code == http.StatusContinue:
		if f.expectsContinue() {
			f.tell()
		}
	default:
		h := f.w.Header()
		exchange.InterimResponse(exchange.Fields(h), exchange.Fields(header))
		f.w.WriteHeader(code)
		clear(h)
	}
	return nil
}

// expectsContinue reports whether a client of HTTP/1.1 waits with its body for our word.
func (f *flow) expectsContinue() bool {
	return f.r.ProtoMajor == 1 && f.r.ProtoMinor > 0 && f.r.ContentLength != 0 &&
		strings.EqualFold(f.r.Header.Get("Expect"), "100-continue")
}

// proceed tells a waiting client to send its body; false: it has its answer
// already. The server would say it by itself on the first read of the body,
// but that is on the transport's writer, and interim answers come on another
// goroutine.
func (f *flow) proceed() bool {
	f.trace.mu.Lock()
	defer f.trace.mu.Unlock()
	if !f.trace.finished {
		f.tell()
	}
	return f.trace.told
}

// tell needs trace.mu.
func (f *flow) tell() {
	if !f.trace.told {
		f.trace.told = true
		f.w.WriteHeader(http.StatusContinue)
	}
}

// finish ends the time in which interim answers are passed on.
func (t *trace) finish() {
	t.mu.Lock()
	t.finished = true
	t.mu.Unlock()
}
