package guard

import (
	"sync"
	"sync/atomic"
	"time"
)

// FallbackBudgetPolicy is the extra load that fallbacks may put on a backend:
// the larger of two rates.
type FallbackBudgetPolicy struct {
	Share float64 // of what the backend served in the last minute
	Floor float64 // a second, for a backend that serves little
}

// DefaultFallbackBudget is what is in force unless something is written.
func DefaultFallbackBudget() FallbackBudgetPolicy { return FallbackBudgetPolicy{Share: 0.5, Floor: 5} }

// Defaulted returns p with every zero field taken from defaults.
func (p FallbackBudgetPolicy) Defaulted(defaults FallbackBudgetPolicy) FallbackBudgetPolicy {
	fill(&p.Share, defaults.Share)
	fill(&p.Floor, defaults.Floor)
	return p
}

// A backend's own load counts as far back as fallbackWindow. A budget that is
// younger divides by its age, or a router that has just started would have room
// for next to nothing, but never by less than fallbackYouth: a few requests
// right at the start are no rate.
const (
	fallbackWindow = time.Minute
	fallbackYouth  = 10 * time.Second
)

// FallbackBudget bounds how much extra load fallbacks put on one legacy
// backend; the lanes that fall back to it share it. It is a token bucket with
// a burst of one second, at the rate that its policy gives.
type FallbackBudget struct {
	policy atomic.Pointer[FallbackBudgetPolicy]
	served window

	mu     sync.Mutex // guards the rest; taken by fallbacks only
	tokens float64
	filled time.Time
}

// NewFallbackBudget returns a budget with a full bucket, for a policy that is
// defaulted.
func NewFallbackBudget(policy FallbackBudgetPolicy, now time.Time) *FallbackBudget {
	b := &FallbackBudget{tokens: policy.Floor, filled: now}
	b.policy.Store(&policy)
	b.served.begin(now, fallbackWindow)
	return b
}

// SetPolicy changes the rate. What was served before still counts.
func (b *FallbackBudget) SetPolicy(policy FallbackBudgetPolicy) { b.policy.Store(&policy) }

// Served counts a request that the backend served in its own right. Fallbacks
// are left out: else each would make room for more.
func (b *FallbackBudget) Served(now time.Time) {
	b.served.count(now)
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
	over := min(max(now.Sub(b.served.start), fallbackYouth), fallbackWindow)
	served := float64(b.served.sum(now).Total) / over.Seconds()
	policy := b.policy.Load()
	return max(policy.Share*served, policy.Floor)
}
