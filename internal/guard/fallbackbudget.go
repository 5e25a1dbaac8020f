package guard

import (
	"sync"
	"time"
)

// The extra load that fallbacks may put on a legacy backend.
const (
	fallbackWindow = time.Minute
	fallbackShare  = 0.5 // of what the backend served within the window
	fallbackFloor  = 5   // a second, for a backend that serves little
)

// FallbackBudget bounds how much extra load fallbacks put on one legacy
// backend; the lanes that fall back to it share it. It is a token bucket with
// a burst of one second, at the larger of two rates: half of what the backend
// served in the last minute, or five per second.
type FallbackBudget struct {
	served window

	mu     sync.Mutex // guards the rest; taken by fallbacks only
	tokens float64
	filled time.Time
}

// NewFallbackBudget returns a budget with a full bucket.
func NewFallbackBudget(now time.Time) *FallbackBudget {
	b := &FallbackBudget{tokens: fallbackFloor, filled: now}
	b.served.begin(now, fallbackWindow)
	return b
}

// Served counts a request that the backend served in its own right. Fallbacks
// are left out: else each would make room for more.
func (b *FallbackBudget) Served(now time.Time) {
	if s := b.served.at(now); s != nil {
		s.total.Add(1)
	}
}

// Take asks for room for one fallback; false: the budget is used up.
func (b *FallbackBudget) Take(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	rate := b.Rate(now)
	if since := now.Sub(b.filled); since > 0 {
		b.tokens += rate * since.Seconds()
		b.filled = now
	}
	b.tokens = min(b.tokens, rate)
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// Rate returns how many fallbacks per second there is room for at present.
func (b *FallbackBudget) Rate(now time.Time) float64 {
	served := float64(b.served.sum(now).Total) / fallbackWindow.Seconds()
	return max(fallbackShare*served, fallbackFloor)
}
