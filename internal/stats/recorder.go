package stats

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Classes is how many classes are told apart. Whoever records numbers them; what
// has a higher number counts as the last.
const Classes = 16

// Sample is what became of one request on one lane.
type Sample struct {
	// Key says whose request it was: a hash of the cohort key, or of the client's
	// address where there is none, salted so that clients cannot choose it, and alike
	// on all routers.
	Key uint64
	// At says in which minute the request counts.
	At time.Time
	// Took is how long the client waited for the response head, once it had sent its
	// request; 0 or less: that says nothing about the lane, and is left out of Latency
	// and of Slow.
	Took time.Duration
	// Waited is how long a client had waited who left without an answer: at least
	// so long it would have taken. Where that is slow, the request was slow.
	Waited time.Duration
	// Class is what became of it.
	Class uint8
	// Failed says that it counts against the lane.
	Failed bool
	// Stumbled says that a try of it failed on the lane, whatever came of it in the
	// end. It is held against the lane as a failure is, and not counted as one:
	// where one side is asked again and the other is not, what retries have made
	// good would make it look healthy.
	Stumbled bool
	// Fallback says that legacy served it because new could not.
	Fallback bool
	// Drawn says that which side served it was left to chance alone: by the weight, or
	// because its stage gives one side everything. Only such requests are counted by
	// their keys; all others are only for display.
	Drawn bool
}

// Recorder records what one lane sees, and gives it away a window at a time. It is
// safe for concurrent use: requests never wait for a Drain, nor for each other
// except where a key is new.
//
// There are two tallies. Requests go to the one that is hot; Drain makes the other
// one hot, waits for the requests that were under way in the first, and empties it
// (as the histograms of Prometheus' Go client do). So a request is in one window
// as a whole, and none is lost.
//
// It takes 224 bytes while it sees nothing, 2.3 KiB for a request now and then, and
// 120 KiB at most: when more than 1,024 keys a window come, fail and are slow.
type Recorder struct {
	state    atomic.Uint64 // the highest bit: which tally is hot; the rest: requests that began in it
	slow     atomic.Int64  // in nanoseconds; 0: nothing is
	_        [48]byte      // what follows is written apart from state
	halves   [2]half
	draining sync.Mutex
	since    time.Time // of the last Drain; guarded by draining
}

// half is one of a Recorder's tallies.
type half struct {
	ended atomic.Uint64         // requests that are counted
	tally atomic.Pointer[tally] // nil: there was none
	_     [48]byte              // each half has a cache line of its own
}

const hotBit = 63

// NewRecorder returns a Recorder that has recorded nothing since now.
func NewRecorder(now time.Time) *Recorder {
	return &Recorder{since: stamp(now)}
}

// SetSlow says what takes longer than d is slow from now on; 0 or less: nothing
// is.
func (r *Recorder) SetSlow(d time.Duration) {
	r.slow.Store(int64(max(d, 0)))
}

// Record counts one request.
func (r *Recorder) Record(s Sample) {
	half := &r.halves[r.state.Add(1)>>hotBit]
	t := half.tally.Load()
	if t == nil {
		half.tally.CompareAndSwap(nil, new(tally))
		t = half.tally.Load()
	}
	limit := time.Duration(r.slow.Load())
	t.count(&s, limit > 0 && max(s.Took, s.Waited) > limit)
	half.ended.Add(1)
}

// Drain returns what was recorded since the last Drain. It takes microseconds, and
// waits for nothing but calls of Record that have begun.
func (r *Recorder) Drain(now time.Time) Window {
	r.draining.Lock()
	defer r.draining.Unlock()
	w := Window{From: r.since, To: stamp(now)}
	if w.To.Before(w.From) { // a clock that was set back: what is counted by it is of now
		w.From = w.To
	}
	r.since = w.To

	hot := r.state.Load() >> hotBit
	began := r.state.Swap((hot^1)<<hotBit) &^ (1 << hotBit)
	half := &r.halves[hot]
	if began == 0 {
		half.tally.Store(nil) // a lane that sees nothing holds nothing
		return w
	}
	for half.ended.Load() != began {
		runtime.Gosched()
	}
	half.ended.Store(0)
	half.tally.Load().takeInto(&w)
	return w
}

// stamp returns a time as windows keep it.
func stamp(at time.Time) time.Time {
	return at.UTC().Truncate(time.Millisecond)
}
