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
	hooks       httptrace.ClientTrace
	connections atomic.Int32                // that were given to this attempt; more than one: the transport's own replays
	wrote       atomic.Bool                 // the request head was written
	conn        atomic.Pointer[watchedConn] // nil: it speaks HTTP/2
	interims    int                         // 1xx answers so far; inform.mu owns it
}

// inform is what the client was told before its answer.
type inform struct {
	mu       sync.Mutex // orders interim answers before the final one; owns the rest
	told     bool       // to send its body
	finished bool       // no attempt is under way: the client's header map is the handler's
	lost     bool       // the client left during an interim answer: nobody may write to its header map any more
}

// watch returns the hooks of an attempt.
func (a *attempt) watch() *httptrace.ClientTrace {
	a.trace.hooks = httptrace.ClientTrace{
		GotConn:        a.gotConn,
		WroteHeaders:   a.wroteHeaders,
		Got1xxResponse: a.interim,
	}
	return &a.trace.hooks
}

// gotConn is where an attempt gets its connection. The transport repeats an
// attempt by itself when a kept-alive connection turns out to be closed; by
// then the table it started by may have been replaced, and Install has said so.
// Each repetition is a retry of the lane: it needs room in its budget.
func (a *attempt) gotConn(info httptrace.GotConnInfo) {
	conn, _ := info.Conn.(*watchedConn)
	a.flow.connections.Add(1)
	if fault := a.repeats(int(a.trace.connections.Add(1)), conn == nil); fault != nil {
		a.deadline.giveUp(fault)
		if conn != nil { // over HTTP/2 it carries other exchanges
			_ = conn.Close() // before the transport writes on it
		}
		return
	}
	if conn != nil {
		conn.watch.expectResponse(a.flow.Method)
	}
	a.trace.conn.Store(conn)
}

// repeats says why the transport may not put the request on a connection for
// the nth time. Over HTTP/1 it knows itself what it must not send twice. Over
// HTTP/2 it sends whatever has no body again, and again, as long as the backend
// resets it with REFUSED_STREAM or PROTOCOL_ERROR, though after the latter it
// may have taken effect; and which of the two it was it does not tell.
func (a *attempt) repeats(n int, multiplexed bool) error {
	switch {
	case n == 1:
		return nil
	case multiplexed && a.trace.wrote.Load() && (n > 2 || !a.flow.Safe()):
		return errReset
	case !a.repin():
		return errTableChanged
	case int(a.flow.connections.Load())-a.flow.Elsewhere > max(a.flow.lane.policy.Retry.Attempts, 2):
		return errReplays
	case !a.flow.lane.guard.spend():
		a.flow.metrics.RetryRefused()
		return errReplays
	default:
		a.flow.metrics.Replayed()
		return nil
	}
}

var (
	errTableChanged = errors.New("the backend closed the kept-alive connection, and the table changed before the request could be sent again")
	errReplays      = errors.New("the backend closed one kept-alive connection after the other, and no retry is left")
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
func (a *attempt) wroteHeaders() {
	a.trace.wrote.Store(true)
	a.unpin()
}

// maxInterims bounds the interim answers to one request. No server has use for
// more than a few; one that never stops must not hold the exchange.
const maxInterims = 64

var errTooManyInterims = errors.New("the backend sends interim answers without end")

// interim passes a 1xx answer on, 103 Early Hints for one. 100 is left to
// proceed, and over HTTP/2 to the server, which sends it when the body is first
// read; that is when the backend has asked for it.
func (a *attempt) interim(code int, header textproto.MIMEHeader) error {
	f := a.flow
	f.inform.mu.Lock()
	defer f.inform.mu.Unlock()
	if a.trace.interims++; a.trace.interims > maxInterims {
		return errTooManyInterims
	}
	old := f.r.ProtoMajor == 1 && f.r.ProtoMinor == 0
	switch {
	case f.inform.finished || f.inform.lost || f.try != a || old:
	case code == http.StatusContinue:
		if f.expectsContinue() {
			f.tell()
		}
	default:
		h := f.w.Header()
		exchange.InterimResponse(exchange.Fields(h), exchange.Fields(header))
		f.w.WriteHeader(code)
		if f.r.ProtoMajor > 1 && f.r.Context().Err() != nil {
			// Where the stream is closed net/http does not wait until it has
			// read h, and a map that is written meanwhile ends the process.
			f.inform.lost = true
			return errClientLost
		}
		clear(h)
	}
	return nil
}

// errClientLost ends a try whose client left while it was told of it.
var errClientLost = errors.New("the client left during an interim answer")

// lost reports whether the client's header map must be left alone.
func (f *flow) lost() bool {
	f.inform.mu.Lock()
	defer f.inform.mu.Unlock()
	return f.inform.lost
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
func (a *attempt) proceed() bool {
	f := a.flow
	f.inform.mu.Lock()
	defer f.inform.mu.Unlock()
	if !f.inform.finished && f.try == a {
		f.tell()
	}
	return f.inform.told
}

// tell needs inform.mu.
func (f *flow) tell() {
	if !f.inform.told {
		f.inform.told = true
		f.w.WriteHeader(http.StatusContinue)
	}
}

// finishInterims ends the time in which interim answers are passed on, until
// the next attempt.
func (f *flow) finishInterims() {
	f.inform.mu.Lock()
	f.inform.finished = true
	f.inform.mu.Unlock()
}
