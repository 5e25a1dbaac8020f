package stats

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// LaneRecorder is where one side of one route is recorded, step after step. It is
// safe for concurrent use. A Board makes it.
//
// What is known of a request comes in when it has ended, and by then its route may
// have taken another step. So the step before keeps a Recorder of its own, and a
// request counts in the step by which it was assigned.
type LaneRecorder struct {
	lane    key
	present atomic.Pointer[stepRecorder] // never nil
	before  atomic.Pointer[stepRecorder] // of the step before; nil: there was none
	build   atomic.Pointer[string]       // nil: it was not heard of
	left    []*stepRecorder              // of earlier steps; the Board's mu guards it
}

// leaving is how long a Recorder is drained after the last request was sent to it:
// whoever was sent may not have arrived.
const leaving = time.Minute

// stepRecorder records what was assigned in one step.
type stepRecorder struct {
	step     uint64
	recorder *Recorder
	failures requestIDs
	left     time.Time // since when nobody is sent to it; guarded as LaneRecorder.left
}

// Record counts one request, which was assigned by a table of that revision.
// requestID is kept of some that failed.
//
// A request from before the step before is not counted by its key: there is no
// window any more that it would belong to.
func (l *LaneRecorder) Record(s Sample, revision uint64, requestID string) {
	at := l.present.Load()
	if revision < at.step {
		if before := l.before.Load(); before != nil {
			at = before
		}
		s.Drawn = s.Drawn && revision >= at.step
	}
	if (s.Failed || s.Stumbled) && s.Drawn {
		at.failures.add(requestID)
	}
	at.recorder.Record(s)
}

// Heard says of which build an answer of the lane was.
func (l *LaneRecorder) Heard(build string) {
	if known := l.build.Load(); known == nil || *known != build {
		heard := build // so that only a new one is on the heap
		l.build.Store(&heard)
	}
}

// setSlow says what is slow, from the next request on.
func (l *LaneRecorder) setSlow(d time.Duration) {
	l.present.Load().recorder.SetSlow(d)
	if before := l.before.Load(); before != nil {
		before.recorder.SetSlow(d)
	}
}

// cut begins another step, and returns what was seen until now.
func (l *LaneRecorder) cut(step uint64, slow time.Duration, now time.Time) []LaneWindow {
	next := &stepRecorder{step: step, recorder: NewRecorder(now)}
	next.recorder.SetSlow(slow)
	windows := l.drain(nil, now)
	if before := l.before.Load(); before != nil {
		before.left = now
		l.left = append(l.left, before)
	}
	l.before.Store(l.present.Load()) // first: who is told of the new step has to find the old one
	l.present.Store(next)
	return windows
}

// drain appends what was seen since the last time.
func (l *LaneRecorder) drain(windows []LaneWindow, now time.Time) []LaneWindow {
	for _, left := range l.left {
		windows = l.drainStep(windows, left, now)
	}
	l.left = slices.DeleteFunc(l.left, func(r *stepRecorder) bool { return now.Sub(r.left) > leaving })
	if before := l.before.Load(); before != nil {
		windows = l.drainStep(windows, before, now)
	}
	return l.drainStep(windows, l.present.Load(), now)
}

func (l *LaneRecorder) drainStep(windows []LaneWindow, from *stepRecorder, now time.Time) []LaneWindow {
	w := LaneWindow{Route: l.lane.route, Side: l.lane.side, Step: from.step, Window: from.recorder.Drain(now)}
	if w.Window.Requests() == 0 {
		return windows
	}
	if build := l.build.Load(); build != nil {
		w.Build = legible(*build)
	}
	w.Requests = from.failures.take()
	return append(windows, w)
}

// mostLegible is how much is kept of what a backend or a client calls something.
const mostLegible = 128

// legible is a text of somebody else's as every store takes it.
func legible(text string) string {
	text = strings.ReplaceAll(text[:min(len(text), mostLegible)], "\x00", "")
	return strings.ToValidUTF8(text, "\uFFFD")
}

// requestIDs are the first of a window. The zero value has none.
type requestIDs struct {
	full atomic.Bool // so that a lane of which everything fails does not queue for mu
	mu   sync.Mutex
	ids  []string // guarded by mu
}

func (r *requestIDs) add(id string) {
	if r.full.Load() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.ids) < MaxRequestIDs {
		r.ids = append(r.ids, legible(id))
	}
	r.full.Store(len(r.ids) == MaxRequestIDs)
}

func (r *requestIDs) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.ids
	r.ids = nil
	r.full.Store(false)
	return taken
}
