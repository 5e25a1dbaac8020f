package stats

import "time"

// Window is what one lane saw in a span of time, on one router or, merged, on
// many. The zero value saw nothing. It is not safe for concurrent use.
//
// Its numbers of requests are for display. What is judged are key-minutes, which
// one busy client cannot raise: a key counts once a minute, whatever it sends.
type Window struct {
	From, To time.Time // in milliseconds, UTC

	Classes   [Classes]uint64 // requests by class
	Failures  uint64          // of the requests, those that counted against the lane
	Fallbacks uint64          // of the requests, those that legacy served because new could not
	Slow      uint64          // of the requests, those that were slower than the Recorder was told
	Latency   Histogram       // of the requests that were measured

	Exposed Distinct // key-minutes of requests whose side was drawn
	Failed  Distinct // of Exposed, those with a request of which a try failed
	Slowed  Distinct // of Exposed, those with a request that was slow
}

// Requests returns how many requests there were.
func (w *Window) Requests() uint64 {
	return sum(w.Classes[:])
}

// Merge adds what other saw, and spans both. In which order windows are merged
// makes no difference. Other stays as it is, and shares nothing with w.
func (w *Window) Merge(other *Window) {
	w.span(other)
	for class, n := range other.Classes {
		w.Classes[class] += n
	}
	w.Failures += other.Failures
	w.Fallbacks += other.Fallbacks
	w.Slow += other.Slow
	w.Latency.Merge(&other.Latency)
	w.Exposed.Merge(&other.Exposed)
	w.Failed.Merge(&other.Failed)
	w.Slowed.Merge(&other.Slowed)
}

func (w *Window) span(other *Window) {
	if other.To.IsZero() {
		return
	}
	if w.To.IsZero() || other.From.Before(w.From) {
		w.From = other.From
	}
	if other.To.After(w.To) {
		w.To = other.To
	}
}

// Settle keeps the numbers of key-minutes and forgets which they were, once their
// minutes are over and all that belongs to them has been merged: see
// Distinct.Settle.
func (w *Window) Settle() {
	w.Exposed.Settle()
	w.Failed.Settle()
	w.Slowed.Settle()
}
