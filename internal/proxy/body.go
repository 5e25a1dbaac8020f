package proxy

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stranglerfig/strangler/internal/exchange"
)

// clientBody is the request body on its way to the backend. The transport's
// writer reads it, possibly while the response is already being relayed, but
// never when the exchange has ended.
//
// It keeps two things apart: errors of the client (remembered here) from errors
// of the backend, and the time we wait for the client from the time we wait
// for the backend.
type clientBody struct {
	src      io.ReadCloser
	deadline *deadline
	head     time.Duration       // to wait for the response head once the client's bytes are there
	idle     time.Duration       // to wait for the client's next bytes
	length   int64               // announced; -1: unknown
	trailer  http.Header         // the client's; filled when the end is read
	rewrites *exchange.Rewritten // nil: none
	proceed  func() bool         // tells a client that waits for it to send; nil: it does not wait

	interrupt func() // ends a Read that waits for the client; nil: Close does not

	read    atomic.Int64          // bytes so far
	ended   atomic.Bool           // the end was read
	failed  atomic.Pointer[error] // the client's fault; nil: none
	dropped atomic.Bool           // the transport wants no more of it

	reading sync.Mutex // held while src is read; owns retired
	retired bool       // the handler has returned or is about to
}

// Read passes the client's bytes on.
func (b *clientBody) Read(p []byte) (int, error) {
	b.reading.Lock()
	defer b.reading.Unlock()
	if b.retired {
		return 0, http.ErrBodyReadAfterClose
	}
	if b.proceed != nil && !b.proceed() {
		return 0, errBodyNotWanted
	}
	b.deadline.armUpload(b.idle, errUploadTimeout)
	n, err := b.src.Read(p)
	b.deadline.armUpload(b.head, errHeadTimeout)
	b.read.Add(int64(n))
	switch {
	case errors.Is(err, io.EOF):
		b.ended.Store(true)
		b.dropTrailers()
	case err != nil && !b.dropped.Load():
		b.failed.Store(&err)
	}
	return n, err
}

// dropTrailers takes out what may not be passed on.
func (b *clientBody) dropTrailers() {
	for name := range b.trailer {
		if !exchange.TrailerPasses(name) || !b.rewrites.TrailerPasses(name) {
			delete(b.trailer, name)
		}
	}
}

// whole reports whether the client has sent all of it.
func (b *clientBody) whole() bool { return b.ended.Load() || b.read.Load() == b.length }

// Close is the transport's; the server closes the real body when the handler
// has returned. Closing it here would wait for an HTTP/1 client that may never
// send.
func (b *clientBody) Close() error {
	if b.interrupt != nil && !b.ended.Load() && b.failed.Load() == nil && b.dropped.CompareAndSwap(false, true) {
		b.interrupt()
	}
	return nil
}

// end ends the transport's reading, also that which waits for the client, and
// returns how many bytes came.
func (b *clientBody) end(client http.ResponseWriter) int64 {
	if !b.ended.Load() {
		_ = http.NewResponseController(client).SetReadDeadline(time.Unix(1, 0))
	}
	b.reading.Lock()
	defer b.reading.Unlock()
	b.retired = true
	return b.read.Load()
}

// unread is the body for another try on a fresh connection after one on which
// nothing was written; once a byte was read it cannot be had again.
func (b *clientBody) unread() (io.ReadCloser, error) {
	if b.read.Load() > 0 || b.failed.Load() != nil || b.dropped.Load() {
		return nil, errBodyConsumed
	}
	return b, nil
}

// errBodyNotWanted ends an upload that was answered before the client was told to begin.
var errBodyNotWanted = errors.New("the request was answered without its body")

// errBodyConsumed ends an attempt whose connection turned out to be closed
// after part of the body had been read.
var errBodyConsumed = errors.New("the connection was closed and the request body cannot be sent twice")

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
