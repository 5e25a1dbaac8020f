package proxy

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

// These say which limit of ours ended an exchange.
var (
	errHeadTimeout   = errors.New("no response head in time")
	errIdleTimeout   = errors.New("the response stood still for too long")
	errUploadTimeout = errors.New("the request body stood still for too long")
	errClientStalled = errors.New("the client took nothing of the response for too long")

	errCallerDeadline = errors.New("the caller's own deadline (grpc-timeout) has passed")
)

// deadline cancels an exchange when the one who is waited for takes too long.
// It is a single timer, armed anew for each wait: for the response head, for
// the client's next bytes, for the backend's next bytes.
type deadline struct {
	ctx    context.Context //nolint:containedctx // it lives as long as the attempt that it is for
	cancel context.CancelCauseFunc
	client http.ResponseWriter // whose reads and writes may have to be ended

	last      time.Time // no wait for the backend goes beyond it; zero: nothing does
	uploading bool      // there is a request body, whose reads may have to be ended

	mu       sync.Mutex // owns the rest: the transport's writer arms as well until headDone
	timer    *time.Timer
	armed    bool
	stale    int   // fires on their way for waits that have ended meanwhile
	cause    error // why, should the timer fire now
	passed   error // why it has fired
	headDone bool
}

// start makes the context of an attempt.
func (d *deadline) start(parent context.Context, client http.ResponseWriter) context.Context {
	d.ctx, d.cancel = context.WithCancelCause(parent)
	d.client = client
	return d.ctx
}

// arm starts or restarts the wait. The handler's goroutine only.
func (d *deadline) arm(limit time.Duration, cause error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wait(limit, cause)
}

// armUpload is arm for the transport's writer, which reads the request body:
// it has no say any more once the response head has arrived.
func (d *deadline) armUpload(limit time.Duration, cause error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.headDone {
		d.wait(limit, cause)
	}
}

// headArrived ends the wait for the response head.
func (d *deadline) headArrived() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.headDone = true
	d.rest()
}

// disarm ends the wait; nothing is being waited for.
func (d *deadline) disarm() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rest()
}

// wait needs mu.
func (d *deadline) wait(limit time.Duration, cause error) {
	if !d.last.IsZero() && !errors.Is(cause, errClientStalled) {
		if left := time.Until(d.last); left < limit {
			limit, cause = left, errCallerDeadline
		}
	}
	d.cause = cause
	switch {
	case d.timer == nil:
		d.timer = time.AfterFunc(limit, d.fire)
	case !d.timer.Reset(limit) && d.armed:
		d.stale++
	}
	d.armed = true
}

// rest needs mu.
func (d *deadline) rest() {
	if d.armed && !d.timer.Stop() {
		d.stale++
	}
	d.armed = false
}

// fire ends the wait that took too long. One that ended just before leaves the
// exchange, and the client's connection, alone.
func (d *deadline) fire() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stale > 0 {
		d.stale--
		return
	}
	d.armed = false
	d.end(d.cause)
	// The transport does not return before its writer has, nor a handler
	// before its write has.
	past := time.Unix(1, 0)
	switch {
	case errors.Is(d.passed, errUploadTimeout), d.uploading && (errors.Is(d.passed, errIdleTimeout) || errors.Is(d.passed, errCallerDeadline)):
		_ = http.NewResponseController(d.client).SetReadDeadline(past)
	case errors.Is(d.passed, errClientStalled):
		_ = http.NewResponseController(d.client).SetWriteDeadline(past)
	}
}

// end cancels the attempt. It needs mu.
func (d *deadline) end(cause error) {
	d.passed = cause
	d.cancel(cause)
}

// giveUp ends the attempt for another reason than time.
func (d *deadline) giveUp(cause error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.end(cause)
}

// stop releases everything at the end of the exchange.
func (d *deadline) stop() {
	if d.cancel == nil {
		return
	}
	d.disarm()
	d.cancel(nil)
}

// expired returns why the attempt was ended by us; nil when it was not.
func (d *deadline) expired() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.passed
}
