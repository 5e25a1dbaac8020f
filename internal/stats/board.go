package stats

import (
	"sync"
	"time"
)

// Board is where one router records what it sees of every lane. It is safe for
// concurrent use.
type Board struct {
	mu    sync.Mutex // owns the rest
	lanes map[key]*LaneRecorder
	steps map[string]uint64        // by route
	slow  map[string]time.Duration // by route
	cut   []LaneWindow             // of steps that have ended since the last Drain
	since time.Time                // until when everything is drained
}

// NewBoard returns a Board on which nothing was recorded since now.
func NewBoard(now time.Time) *Board {
	return &Board{lanes: make(map[key]*LaneRecorder), steps: make(map[string]uint64), since: now}
}

// Lane returns the recorder of one side of one route. The same pair has the same
// one for ever.
func (b *Board) Lane(route, side string) *LaneRecorder {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := key{route, side}
	if b.lanes[k] == nil {
		lane := &LaneRecorder{lane: k}
		first := &stepRecorder{step: b.steps[route], recorder: NewRecorder(b.since)}
		first.recorder.SetSlow(b.slow[route])
		lane.present.Store(first)
		b.lanes[k] = lane
	}
	return b.lanes[k]
}

// SetStep says by which revision a route came to where it stands. It comes before
// the table of that revision serves: what was recorded until now, and what older
// tables have assigned, stays apart from what is assigned from then on.
func (b *Board) SetStep(route string, step uint64, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.steps[route] == step {
		return
	}
	b.steps[route] = step
	for _, side := range [...]string{"legacy", "new"} {
		if lane := b.lanes[key{route, side}]; lane != nil {
			b.cut = append(b.cut, lane.cut(step, b.slow[route], now)...)
		}
	}
}

// SetSlow says what is slow on each route, by its name, for both of its sides. On a
// route that is not named nothing is.
func (b *Board) SetSlow(slow map[string]time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.slow = slow
	for k, lane := range b.lanes {
		lane.setSlow(slow[k.route])
	}
}

// Drain returns what was recorded since the last Drain, without the lanes that saw
// nothing.
func (b *Board) Drain(now time.Time) []LaneWindow {
	b.mu.Lock()
	defer b.mu.Unlock()
	windows := b.cut
	b.cut, b.since = nil, now
	for _, lane := range b.lanes {
		windows = lane.drain(windows, now)
	}
	return windows
}
