package guard

import (
	"sync/atomic"
	"time"
)

// slots is how many parts a window has: it slides in tenths of its length.
const slots = 10

// window counts over the recent past without a lock. It covers its length less
// the unfinished part of the newest slot: between nine and ten tenths.
//
// A slot is replaced by a fresh one when its time comes round again, never
// zeroed: nobody's count is lost or counted twice, save that of a caller who
// was held up for a whole window and whose count is too old anyway.
type window struct {
	start time.Time
	width time.Duration
	ring  [slots]atomic.Pointer[slot]
}

// slot is one tenth of a window. Total is raised before the others, so that no
// reader that takes it last sees a part that is larger than the whole.
type slot struct {
	tick                  uint64
	total, failures, slow atomic.Uint32
}

func (w *window) begin(now time.Time, length time.Duration) {
	w.start, w.width = now, max(length/slots, 1)
}

// tick numbers the tenths since the window began. A clock that was read before
// the window began belongs to the first.
func (w *window) tick(now time.Time) uint64 {
	return uint64(max(now.Sub(w.start), 0)) / uint64(w.width)
}

// at returns the slot to count in; nil when now is older than the window.
func (w *window) at(now time.Time) *slot {
	tick := w.tick(now)
	place := &w.ring[tick%slots]
	for {
		found := place.Load()
		switch {
		case found != nil && found.tick == tick:
			return found
		case found != nil && found.tick > tick:
			return nil
		}
		fresh := &slot{tick: tick}
		if place.CompareAndSwap(found, fresh) {
			return fresh
		}
	}
}

// count enters one that is neither a failure nor slow.
func (w *window) count(now time.Time) {
	if s := w.at(now); s != nil {
		s.total.Add(1)
	}
}

// sum adds up what lies in the window as of now.
func (w *window) sum(now time.Time) Tally {
	newest := w.tick(now)
	var sum Tally
	for i := range w.ring {
		s := w.ring[i].Load()
		if s == nil || s.tick+slots <= newest {
			continue
		}
		sum.Failures += int(s.failures.Load())
		sum.Slow += int(s.slow.Load())
		sum.Total += int(s.total.Load())
	}
	return sum
}
