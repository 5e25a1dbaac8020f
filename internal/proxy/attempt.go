package proxy

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
)

// attempt is one try to have the request answered. Each has a struct of its
// own, since the transport's goroutines may still call the hooks of a try that
// was given up when the next one is under way.
type attempt struct {
	flow     *flow
	gen      *generation
	pinned   atomic.Bool // gen is still held; the transport's writer gives it back
	deadline deadline
	trace    trace
	upload   *upload // nil without a request body

	picker   *guard.Picker
	endpoint *guard.Endpoint // nil: none was picked, or it was told of the end
	sent     time.Time       // when the try began
	ticket   guard.Ticket    // of the lane's breaker
	owes     bool            // the ticket has not been reported
	used     bool            // the try is under way or over

	blameless bool // how it ended says nothing about the endpoint
}

// begin makes a the attempt under way, by a table that is held for it.
func (f *flow) begin(a *attempt, held *generation) {
	a.flow, a.gen = f, held
	a.pinned.Store(true)
	a.deadline.last = f.callerLeaves
	f.inform.mu.Lock()
	defer f.inform.mu.Unlock()
	f.try, f.inform.finished = a, false
}

// repin takes hold of the pinned table once more; false: it is no longer in service.
func (a *attempt) repin() bool {
	if a.pinned.Load() {
		return true
	}
	held := a.flow.proxy.hold(a.gen)
	a.pinned.Store(held)
	return held
}

// unpin says that no attempt can start by the pinned table any more.
func (a *attempt) unpin() {
	if a.pinned.CompareAndSwap(true, false) {
		a.gen.release()
	}
}

// report tells the breaker how the try ended, or that its response has begun.
func (a *attempt) report(class guard.Class, now time.Time) {
	if a.owes {
		a.owes = false
		a.ticket.Report(class, now.Sub(a.sent), now)
	}
}

// leave gives back whatever the try holds but its response. class is what it
// came to in the end.
func (a *attempt) leave(class guard.Class, now time.Time) {
	a.unpin()
	a.report(guard.ClientGone, now) // unless it was reported, there is no result
	a.part(class, now)
	if a.upload != nil {
		a.upload.dropped.Store(true)
	}
}

// maxDrain is how much of a response that nobody wants is read for the sake of
// its connection, and drainTime for how long.
const (
	maxDrain  = 16 << 10
	drainTime = time.Second
)

// errUnwanted ends the reading of such a response. It is not errIdleTimeout: the
// client's body, and its connection, are the next try's now.
var errUnwanted = errors.New("nobody wants the response any more")

// discard lets go of the try that was made, and of its response.
func (f *flow) discard() {
	try, res := f.try, f.res
	if !try.used {
		return
	}
	f.res = nil
	f.endSpan()
	try.leave(f.Class, f.now())
	if res == nil {
		try.deadline.stop()
		return
	}
	if res.StatusCode == http.StatusSwitchingProtocols { // no answer ends there, and no deadline is heeded
		_ = res.Body.Close()
		try.deadline.stop()
		return
	}
	go func() { // the client waits for the next try, not for this
		try.deadline.arm(drainTime, errUnwanted)
		_, _ = io.CopyN(io.Discard, res.Body, maxDrain)
		_ = res.Body.Close()
		try.deadline.stop()
	}()
}
