package guard

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// ErrFull is what Acquire returns when a bulkhead has no room: its queue is
// full, or the longest wait is over.
var ErrFull = errors.New("bulkhead is full")

// BulkheadPolicy bounds how many exchanges are under way at once.
type BulkheadPolicy struct {
	Limit int           // at once; 0: unlimited where it is in force, the default where people write it
	Queue int           // how many may wait for their turn
	Wait  time.Duration // how long
}

// UnlimitedBulkhead counts and never refuses. Once a limit is written, queue
// and wait are the usual ones.
func UnlimitedBulkhead() BulkheadPolicy {
	return BulkheadPolicy{Queue: 64, Wait: 100 * time.Millisecond}
}

// LaneBulkhead is the default of a new lane.
func LaneBulkhead() BulkheadPolicy { return limited(128) }

// BackendBulkhead is the default of a backend that no legacy lane uses.
func BackendBulkhead() BulkheadPolicy { return limited(512) }

// StreamBulkhead is the default of a new lane's open streams. They last long
// and cost little, so there are more of them than of plain exchanges.
func StreamBulkhead() BulkheadPolicy { return limited(1024) }

func limited(limit int) BulkheadPolicy {
	policy := UnlimitedBulkhead()
	policy.Limit = limit
	return policy
}

// Defaulted returns p with every zero field taken from defaults.
func (p BulkheadPolicy) Defaulted(defaults BulkheadPolicy) BulkheadPolicy {
	fill(&p.Limit, defaults.Limit)
	fill(&p.Queue, defaults.Queue)
	fill(&p.Wait, defaults.Wait)
	return p
}

// Validate checks a defaulted policy. A limit of 0 passes, as the unlimited
// one; who reads what people write refuses a 0 that was written.
func (p BulkheadPolicy) Validate() error {
	switch {
	case p.Limit < 0 || p.Limit > math.MaxInt32:
		return fmt.Errorf("limit is %d: it must be positive and at most %d", p.Limit, math.MaxInt32)
	case p.Queue < 1 || p.Queue > math.MaxInt32:
		return fmt.Errorf("queue is %d: it must be positive and at most %d", p.Queue, math.MaxInt32)
	case p.Wait <= 0:
		return fmt.Errorf("wait is %s: it must be positive", p.Wait)
	}
	return nil
}

// Bulkhead lets a limited number of exchanges through at once and makes a few
// more wait in the order of their coming. While nobody waits, a permit costs
// one compare-and-swap to take and one to release.
type Bulkhead struct {
	limit    atomic.Int64
	rejected atomic.Uint64
	// Permits out in the low half, waiters in the high one. While there are
	// waiters it changes under mu only: the fast paths stand aside.
	word atomic.Uint64

	mu    sync.Mutex // guards the rest
	queue list.List  // of *waiter, the oldest in front; as long as the word says
	room  int
	wait  time.Duration
}

// waiter is somebody in the queue. Closing ready hands a permit over.
type waiter struct {
	ready   chan struct{} // nil: the permit was there at once
	granted bool          // guarded by the bulkhead's mu
	place   *list.Element // likewise
}

const (
	onePermit  = 1
	oneWaiter  = 1 << 32
	permitMask = oneWaiter - 1
)

// NewBulkhead returns an empty bulkhead for a policy that is valid.
func NewBulkhead(policy BulkheadPolicy) *Bulkhead {
	b := &Bulkhead{}
	b.SetPolicy(policy)
	return b
}

// SetPolicy changes the limits while permits are out, so that a new table can
// take a bulkhead over. Permits beyond a lower limit stay valid, and a higher
// one lets waiters in at once; who waits keeps the wait it began with.
func (b *Bulkhead) SetPolicy(policy BulkheadPolicy) {
	limit := int64(policy.Limit)
	if limit == 0 {
		limit = math.MaxInt32
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limit.Store(limit)
	b.room, b.wait = policy.Queue, policy.Wait
	for b.Waiting() > 0 && int64(b.InUse()) < limit {
		b.word.Add(onePermit)
		b.handOver()
	}
}

// Try takes a permit if there is one at once. A permit that still holds
// something panics, as in Acquire.
func (b *Bulkhead) Try(permit *Permit) bool {
	if permit.Held() {
		panic("guard: the permit is held already")
	}
	if !b.try() {
		return false
	}
	permit.from.Store(b)
	return true
}

// Acquire takes a permit, waiting for it if need be. It returns ErrFull, or
// the cause of the context's end; then the permit stays empty. A permit that
// still holds something panics: taking another into it would lose one for good.
func (b *Bulkhead) Acquire(ctx context.Context, permit *Permit) error {
	if b.Try(permit) {
		return nil
	}
	w, wait := b.enter()
	if w == nil {
		b.rejected.Add(1)
		return ErrFull
	}
	if err := b.stand(ctx, w, wait); err != nil {
		return err
	}
	permit.from.Store(b)
	return nil
}

// try takes a permit if there is one and nobody waits for it.
func (b *Bulkhead) try() bool {
	for {
		word := b.word.Load()
		if word >= oneWaiter || int64(word) >= b.limit.Load() {
			return false
		}
		if b.word.CompareAndSwap(word, word+onePermit) {
			return true
		}
	}
}

// enter joins the queue. It returns nil when the queue is full, and a waiter
// that has been granted its permit when one has become free meanwhile.
func (b *Bulkhead) enter() (*waiter, time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		word := b.word.Load() // the one word must show that there is no room and take the place in the queue
		if word < oneWaiter && int64(word) < b.limit.Load() {
			if b.word.CompareAndSwap(word, word+onePermit) {
				return &waiter{granted: true}, 0
			}
			continue
		}
		if b.queue.Len() >= b.room {
			return nil, 0
		}
		if b.word.CompareAndSwap(word, word+oneWaiter) {
			w := &waiter{ready: make(chan struct{})}
			w.place = b.queue.PushBack(w)
			return w, b.wait
		}
	}
}

// stand waits in the queue, until a permit comes, the wait is over or the
// context ends.
func (b *Bulkhead) stand(ctx context.Context, w *waiter, wait time.Duration) error {
	if w.ready == nil {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-w.ready:
		return nil
	case <-timer.C:
		if b.leave(w) {
			return nil // the permit came at the last moment
		}
		b.rejected.Add(1)
		return ErrFull
	case <-ctx.Done():
		if b.leave(w) {
			b.release()
		}
		return context.Cause(ctx)
	}
}

// leave takes w out of the queue; true: it had been granted a permit already.
func (b *Bulkhead) leave(w *waiter) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if w.granted {
		return true
	}
	b.queue.Remove(w.place)
	b.subtract(oneWaiter)
	return false
}

// release gives one permit back, or on to the oldest waiter.
func (b *Bulkhead) release() {
	for {
		word := b.word.Load()
		if word >= oneWaiter {
			break
		}
		if b.word.CompareAndSwap(word, word-onePermit) {
			return
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.Waiting() > 0 && int64(b.InUse()) <= b.limit.Load() {
		b.handOver()
		return
	}
	b.subtract(onePermit)
}

// handOver gives a permit that is counted already to the oldest waiter. The
// caller holds mu and knows that somebody waits.
func (b *Bulkhead) handOver() {
	w, _ := b.queue.Remove(b.queue.Front()).(*waiter)
	b.subtract(oneWaiter)
	w.granted = true
	close(w.ready)
}

func (b *Bulkhead) subtract(n uint64) { b.word.Add(-n) }

// InUse returns how many permits are out.
func (b *Bulkhead) InUse() int { return int(b.word.Load() & permitMask) }

// Waiting returns how many wait for a permit.
func (b *Bulkhead) Waiting() int { return int(b.word.Load() / oneWaiter) }

// Rejected returns how often Acquire has returned ErrFull.
func (b *Bulkhead) Rejected() uint64 { return b.rejected.Load() }

// Permit is one place in a bulkhead, or none. It lives in the exchange that
// holds it and must not be copied.
type Permit struct{ from atomic.Pointer[Bulkhead] }

// Held reports whether there is something to release.
func (p *Permit) Held() bool { return p.from.Load() != nil }

// Release gives the place back. Releasing again, an empty permit included,
// does nothing, so that every ending may release, from any goroutine.
func (p *Permit) Release() {
	if b := p.from.Swap(nil); b != nil {
		b.release()
	}
}
