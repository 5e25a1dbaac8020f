package proxy

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// clientBody is the request body on its way to the backend. The transport's
// writer reads it, possibly while the response is already being relayed, and
// possibly for a moment after the exchange ended.
//
// It keeps two things apart: errors of the client (remembered here) from errors
// of the backend, and the time we wait for the client from the time we wait
// for the backend.
type clientBody struct {
	src      io.ReadCloser
	deadline *deadline
	head     time.Duration // to wait for the response head once the client's bytes are there
	idle     time.Duration // to wait for the client's next bytes

	interrupt func() // ends a Read that waits for the client; nil: Close does not

	read    atomic.Int64          // bytes so far
	failed  atomic.Pointer[error] // the client's fault; nil: none
	ended   atomic.Bool           // no Read waits for the client any more
	dropped atomic.Bool           // the transport wants no more of it
	retired atomic.Bool           // the handler has returned or is about to
}

// Read passes the client's bytes on.
func (b *clientBody) Read(p []byte) (int, error) {
	if b.retired.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	b.deadline.armUpload(b.idle, &errUploadTimeout)
	n, err := b.src.Read(p)
	b.deadline.armUpload(b.head, &errHeadTimeout)
	b.read.Add(int64(n))
	if err != nil {
		b.ended.Store(true)
		if !errors.Is(err, io.EOF) && !b.dropped.Load() {
			b.failed.Store(&err)
		}
	}
	return n, err
}

// Close is the transport's; the server closes the real body when the handler
// has returned. Closing it here would wait for an HTTP/1 client that may never
// send.
func (b *clientBody) Close() error {
	if b.interrupt != nil && !b.ended.Load() && b.dropped.CompareAndSwap(false, true) {
		b.interrupt()
	}
	return nil
}

// retire ends every further Read.
func (b *clientBody) retire() { b.retired.Store(true) }

// unread is the body for another try on a fresh connection after one on which
// nothing was written; once a byte was read it cannot be had again.
func (b *clientBody) unread() (io.ReadCloser, error) {
	if b.read.Load() > 0 || b.failed.Load() != nil || b.dropped.Load() {
		return nil, errBodyConsumed
	}
	return b, nil
}

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
