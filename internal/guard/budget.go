package guard

import (
	"sync"
	"time"
)

// budgetWindow is how far back requests count for the budget of retries.
const budgetWindow = 10 * time.Second

// RetryBudget keeps the retries of one lane to a share of its requests, plus a
// floor per second so that a quiet lane can retry at all. The retries that wait
// in back-off count as well. The rule is that of Finagle's RetryBudget: both
// parts are reckoned over the last ten seconds, so a lane that has not retried
// lately may spend ten seconds' floor at once.
type RetryBudget struct {
	share, floor float64
	requests     window

	mu      sync.Mutex // guards the rest; taken by retries only
	retries window
	waiting int
}

// NewRetryBudget returns a budget with the share and floor of policy.
func NewRetryBudget(policy RetryPolicy, now time.Time) *RetryBudget {
	b := &RetryBudget{share: policy.Share, floor: policy.Floor}
	b.requests.begin(now, budgetWindow)
	b.retries.begin(now, budgetWindow)
	return b
}

// Request counts a first try.
func (b *RetryBudget) Request(now time.Time) {
	b.requests.count(now)
}

// Reserve sets one retry aside before its back-off begins; false: the budget
// is used up. Each true is followed by exactly one Spend or Return.
func (b *RetryBudget) Reserve(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if float64(b.used(now)+1) > b.allowance(now) {
		return false
	}
	b.waiting++
	return true
}

// Spend turns a reserved retry into one that was sent.
func (b *RetryBudget) Spend(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting--
	b.retries.count(now)
}

// Return gives back a reserved retry that was not sent.
func (b *RetryBudget) Return() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting--
}

// Left returns how many more retries the budget has room for.
func (b *RetryBudget) Left(now time.Time) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(int(b.allowance(now))-b.used(now), 0)
}

func (b *RetryBudget) used(now time.Time) int {
	return b.waiting + b.retries.sum(now).Total
}

func (b *RetryBudget) allowance(now time.Time) float64 {
	return b.share*float64(b.requests.sum(now).Total) + b.floor*budgetWindow.Seconds()
}
