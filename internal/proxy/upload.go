package proxy

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/stranglerfig/strangler/internal/exchange"
)

// upload is one attempt's reading of the client's body: what earlier attempts
// have read, from the record, and then what the client sends. The transport's
// writer reads it.
//
// It keeps two things apart: errors of the client (remembered by the body) from
// errors of the backend, and the time we wait for the client from the time we
// wait for the backend.
type upload struct {
	body     *clientBody
	deadline *deadline
	head     time.Duration       // to wait for the response head once the client's bytes are there
	idle     time.Duration       // to wait for the client's next bytes
	rewrites *exchange.Rewritten // nil: none
	proceed  func() bool         // tells a client that waits for it to send; nil: it does not wait

	interrupt func() // ends a Read that waits for the client; nil: Close does not

	given   atomic.Int64 // bytes that the transport got
	taking  atomic.Bool  // a Read is under way
	dropped atomic.Bool  // the transport wants no more of it, or the attempt is over
}

// Read passes the client's bytes on.
func (u *upload) Read(p []byte) (int, error) {
	u.taking.Store(true) // before dropped is asked for: Close does it the other way round
	defer u.taking.Store(false)
	b := u.body
	if !b.reading.TryLock() { // an attempt that was given up still waits for the client
		u.deadline.armUpload(u.idle, errUploadTimeout)
		b.reading.Lock()
		u.deadline.armUpload(u.head, errHeadTimeout)
	}
	defer b.reading.Unlock()
	if b.retired || u.dropped.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	if kept := b.record.after(u.given.Load()); len(kept) > 0 {
		return u.give(copy(p, kept)), nil
	}
	switch {
	case u.given.Load() < b.read.Load(): // what came meanwhile went to the attempt before
		return 0, errBodyAstray
	case b.ended.Load():
		return 0, io.EOF
	}
	if u.proceed != nil && !u.proceed() {
		return 0, errBodyNotWanted
	}
	u.deadline.armUpload(u.idle, errUploadTimeout)
	n, err := b.next(p, u)
	u.deadline.armUpload(u.head, errHeadTimeout)
	return u.give(n), err
}

// give counts n bytes.
func (u *upload) give(n int) int {
	u.given.Add(int64(n))
	return n
}

// Close is the transport's; the server closes the real body when the handler
// has returned. Closing it here would wait for an HTTP/1 client that may never
// send. Nor is it closed where nobody waits for the client, as after a dial that
// failed: the body may yet be another attempt's.
func (u *upload) Close() error {
	b := u.body
	if u.interrupt == nil || b.ended.Load() || b.failed.Load() != nil || !u.dropped.CompareAndSwap(false, true) {
		return nil
	}
	if u.taking.Load() {
		b.cut.Store(true)
		u.interrupt()
	}
	return nil
}

// unread is the body for another try on a fresh connection after one on which
// nothing was written; once a byte was read it cannot be had again.
func (u *upload) unread() (io.ReadCloser, error) {
	if u.given.Load() > 0 || u.body.failed.Load() != nil || u.dropped.Load() {
		return nil, errBodyConsumed
	}
	return u, nil
}

// errBodyNotWanted ends an upload that was answered before the client was told to begin.
var errBodyNotWanted = errors.New("the request was answered without its body")

// errBodyConsumed ends an attempt whose connection turned out to be closed
// after part of the body had been read.
var errBodyConsumed = errors.New("the connection was closed and the request body cannot be sent twice")

// errBodyAstray ends an attempt for which part of the body is missing.
var errBodyAstray = errors.New("part of the request body came too late for the try before, and was not kept for this one")
