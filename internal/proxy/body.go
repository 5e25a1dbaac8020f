package proxy

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/shadow"
)

// clientBody is the request body as it comes in from the client. Attempts read
// it one after the other, each through an upload of its own, possibly while the
// response is already being relayed, but never when the exchange has ended.
type clientBody struct {
	src     io.ReadCloser
	length  int64       // announced; -1: unknown
	trailer http.Header // the client's; filled when the end is read
	begun   time.Time   // the exchange

	came   atomic.Int64          // when the last bytes did, in nanoseconds since begun; 0: none have
	read   atomic.Int64          // bytes so far
	ended  atomic.Bool           // the end was read
	failed atomic.Pointer[error] // the client's fault; nil: none
	cut    atomic.Bool           // src was closed before its end

	reading sync.Mutex   // held while src is read; owns the rest
	retired bool         // the handler has returned or is about to
	copy    *shadow.Copy // what a shadow request is sent; nil: there is none
	record  *record      // nil: what was read is not kept
}

// next reads on, for u. It needs reading.
func (b *clientBody) next(p []byte, u *upload) (int, error) {
	n, err := b.src.Read(p)
	if n > 0 {
		b.came.Store(int64(time.Since(b.begun)))
	}
	b.read.Add(int64(n))
	b.record.add(p[:n])
	if b.copy != nil {
		_, _ = b.copy.Write(p[:n])
	}
	switch {
	case errors.Is(err, io.EOF):
		b.ended.Store(true)
		b.dropTrailers(u.rewrites)
	case err != nil && !u.dropped.Load():
		b.failed.Store(&err)
	}
	return n, err
}

// dropTrailers takes out what may not be passed on.
func (b *clientBody) dropTrailers(rewrites *exchange.Rewritten) {
	for name := range b.trailer {
		if !exchange.TrailerPasses(name) || !rewrites.TrailerPasses(name) {
			delete(b.trailer, name)
		}
	}
}

// whole reports whether the client has sent all of it.
func (b *clientBody) whole() bool { return b.ended.Load() || b.read.Load() == b.length }

// end ends the reading, also that which waits for the client, and returns how
// many bytes came.
func (b *clientBody) end(client http.ResponseWriter) int64 {
	if !b.ended.Load() {
		_ = http.NewResponseController(client).SetReadDeadline(time.Unix(1, 0))
	}
	b.reading.Lock()
	defer b.reading.Unlock()
	b.retired = true
	return b.read.Load()
}

// replayable reports whether another attempt can send the body from its
// beginning: nothing of it was read, or all that was is kept.
func (b *clientBody) replayable() bool {
	switch {
	case b == nil:
		return true
	case b.failed.Load() != nil || b.cut.Load():
		return false
	default:
		return b.read.Load() == 0 || b.record.holds(b.read.Load())
	}
}

// forget gives back what was kept, once the body is not sent any more but by u,
// and u has had all of that: a response may be relayed for hours.
func (b *clientBody) forget(u *upload) {
	if b == nil || u == nil || !b.reading.TryLock() {
		return
	}
	defer b.reading.Unlock()
	if u.given.Load() == b.read.Load() {
		b.record = nil
	}
}

// err returns the client's fault; nil: none.
func (b *clientBody) err() error {
	if b == nil {
		return nil
	}
	if e := b.failed.Load(); e != nil {
		return *e
	}
	return nil
}

// record is what was read of a body, for as long as it is small: a larger one
// streams through as any other, and is not sent twice. A nil record keeps
// nothing. The mutex of the body it belongs to owns what it holds.
type record struct {
	limit int64
	bytes []byte
	kept  atomic.Int64 // how many those are; -1: it was given up, the body is too large
}

func (r *record) add(p []byte) {
	switch {
	case r == nil || r.kept.Load() < 0:
	case int64(len(r.bytes)+len(p)) > r.limit:
		r.bytes = nil
		r.kept.Store(-1)
	default:
		r.bytes = append(r.bytes, p...)
		r.kept.Store(int64(len(r.bytes)))
	}
}

// holds reports whether the first n bytes of the body are kept.
func (r *record) holds(n int64) bool { return r != nil && r.kept.Load() >= n }

// after returns what is kept from position at on.
func (r *record) after(at int64) []byte {
	if r == nil || at >= int64(len(r.bytes)) {
		return nil
	}
	return r.bytes[at:]
}
