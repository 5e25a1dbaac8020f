package proxy

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// deadline cancels an exchange when the one who is waited for takes too long.
// It is a single timer, armed anew for each wait: for the response head, for
// the client's next bytes, for the backend's next bytes.
type deadline struct {
	ctx    context.Context //nolint:containedctx // it lives as long as the attempt that it is for
	cancel context.CancelCauseFunc
	timer  *time.Timer
	cause  atomic.Pointer[error] // why, should the timer fire now

	last time.Time // no wait goes beyond it; zero: nothing does

	unblock func() // ends a read of the request body that waits for the client; nil without a body

	mu       sync.Mutex // owns headDone: the transport's writer arms as well until then
	headDone bool
}

// start makes the context of an attempt.
func (d *deadline) start(parent context.Context) context.Context {
	d.ctx, d.cancel = context.WithCancelCause(parent)
	return d.ctx
}

// limit ends every wait for the backend at from+total: the caller waits no
// longer. 0: it said nothing.
func (d *deadline) limit(from time.Time, total time.Duration) {
	if total > 0 {
		d.last = from.Add(total)
	}
}

// arm starts or restarts the wait. The handler's goroutine only.
func (d *deadline) arm(limit time.Duration, cause *error) {
	if !d.last.IsZero() && time.Until(d.last) < limit {
		limit, cause = time.Until(d.last), &errCallerDeadline
	}
	d.cause.Store(cause)
	if d.timer == nil {
		d.timer = time.AfterFunc(limit, d.fire)
		return
	}
	d.timer.Reset(limit)
}

// armUpload is arm for the transport's writer, which reads the request body:
// it has no say any more once the response head has arrived.
func (d *deadline) armUpload(limit time.Duration, cause *error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.headDone {
		d.arm(limit, cause)
	}
}

// headArrived ends the wait for the response head.
func (d *deadline) headArrived() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.headDone = true
	d.disarm()
}

// disarm ends the wait; nothing is being waited for.
func (d *deadline) disarm() {
	if d.timer != nil {
		d.timer.Stop()
	}
}

func (d *deadline) fire() {
	cause := d.cause.Load()
	d.cancel(*cause)
	if d.unblock != nil && (cause == &errUploadTimeout || cause == &errCallerDeadline) {
		d.unblock() // the transport does not return before its writer has
	}
}

// stop releases everything at the end of the exchange.
func (d *deadline) stop() {
	if d.cancel == nil {
		return
	}
	d.disarm()
	d.cancel(nil)
}

// expired returns the limit of ours that ended the exchange; nil when none did.
func (d *deadline) expired() error {
	if d.ctx == nil || d.ctx.Err() == nil {
		return nil
	}
	cause := context.Cause(d.ctx)
	for _, ours := range [...]error{errHeadTimeout, errIdleTimeout, errUploadTimeout, errCallerDeadline} {
		if errors.Is(cause, ours) {
			return ours
		}
	}
	return nil
}
