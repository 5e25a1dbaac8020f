package proxy

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/guard"
)

// permits are the places that an exchange holds in the bulkheads: of the
// backend, of the lane, and of the lane's streams. Releasing twice is harmless,
// so that every ending may.
type permits struct{ backend, lane, stream guard.Permit }

func (p *permits) release() {
	p.stream.Release()
	p.lane.Release()
	p.backend.Release()
}

// admit takes the permits that the exchange needs on its lane, the backend's first.
func (f *flow) admit() exchange.Next {
	l := f.lane
	began := f.at
	err := f.enter(l.backend.bulkhead, &f.permits.backend)
	if err == nil {
		err = f.enter(l.guard.bulkhead, &f.permits.lane)
	}
	if err == nil && f.Kind.Stream() {
		err = f.enter(l.guard.streams, &f.permits.stream)
	}
	f.Queued += f.at - began
	switch {
	case err == nil:
		return f.Admitted(f.at)
	case errors.Is(err, guard.ErrFull):
		f.permits.release()
		f.Err = err
		return f.NotAdmitted()
	default: // the client did not wait
		f.permits.release()
		f.Err = err
		return f.AttemptFailed(guard.ClientGone, f.ended())
	}
}

// enter takes one permit. Only who has to wait for it looks at the clock, and
// lets go of the table meanwhile: a newer one need not wait for the queue.
func (f *flow) enter(b *guard.Bulkhead, permit *guard.Permit) error {
	if b.Try(permit) {
		return nil
	}
	f.try.unpin()
	err := b.Acquire(f.r.Context(), permit)
	f.tick()
	if errors.Is(err, context.Canceled) {
		return errClientLeft
	}
	return err
}

var errClientLeft = errors.New("the client left while the request waited")

// streams gives the permits of a stream back once its head was relayed: what
// it takes from then on is a connection, of which there may be more. One that
// turned out to be a stream only now keeps its permits when those are all taken.
func (f *flow) streams() {
	if f.permits.stream.Held() || f.lane.guard.streams.Try(&f.permits.stream) {
		f.permits.lane.Release()
		f.permits.backend.Release()
	}
}

// ended is what the exchange's core has to know of a try that ended now.
func (f *flow) ended() exchange.Tried {
	return exchange.Tried{
		At: f.at, Repeats: max(int(f.try.trace.connections.Load())-1, 0),
		Replayable: f.replayable(), Random: rand.Float64(), ProxyError: proxyError(f.Err),
	}
}

// replayable reports whether another try can send the request's body from its
// beginning. One that is not kept cannot be, once a try may have begun to read
// it: what comes then goes to that try, even if it is over.
func (f *flow) replayable() bool {
	if f.body != nil && f.body.record == nil && f.try.trace.wrote.Load() {
		return false
	}
	return f.body.replayable()
}

// tick reads the clock.
func (f *flow) tick() time.Time {
	now := time.Now()
	f.at = now.Sub(f.Start)
	return now
}

// now is when the clock was last read.
func (f *flow) now() time.Time { return f.Start.Add(f.at) }
