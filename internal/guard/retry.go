package guard

import (
	"fmt"
	"time"
)

// MaxAttempts is the largest number of tries that can be asked for.
const MaxAttempts = 10

// RetryPolicy says which attempts are made again, and when. Retries stay on
// their side.
type RetryPolicy struct {
	Attempts int           // in all, the first included; 1: no retry
	Base     time.Duration // longest wait before the second attempt; it doubles with every further one …
	Cap      time.Duration // … up to here
	Replay   int64         // bytes of body kept to send again; a longer one streams through and is not retried
	Share    float64       // of recent requests that may be retried …
	Floor    float64       // … plus so many a second
	Classes  Retried
}

// Retried says which classes may be tried again at all.
type Retried uint8

// The ways of retrying. Zero means the side's default in what people write.
const (
	RetryRepeatable Retried = iota + 1 // not sent, whatever the method; no response, when the request is repeatable
	RetryNotSent                       // not sent only
)

// String returns the name as people write it.
func (r Retried) String() string {
	switch r {
	case RetryRepeatable:
		return "repeatable"
	case RetryNotSent:
		return "not_sent"
	default:
		return "default"
	}
}

// LegacyRetry are the defaults of the legacy side: once more, and only when
// nothing was sent.
func LegacyRetry() RetryPolicy {
	policy := NewRetry()
	policy.Attempts, policy.Classes = 2, RetryNotSent
	return policy
}

// NewRetry are the defaults of the new side.
func NewRetry() RetryPolicy {
	return RetryPolicy{
		Attempts: 4, Base: 100 * time.Millisecond, Cap: 2 * time.Second,
		Replay: 64 << 10, Share: 0.2, Floor: 3, Classes: RetryRepeatable,
	}
}

// Defaulted returns p with every zero field taken from defaults.
func (p RetryPolicy) Defaulted(defaults RetryPolicy) RetryPolicy {
	fill(&p.Attempts, defaults.Attempts)
	fill(&p.Base, defaults.Base)
	fill(&p.Cap, defaults.Cap)
	fill(&p.Replay, defaults.Replay)
	fill(&p.Share, defaults.Share)
	fill(&p.Floor, defaults.Floor)
	fill(&p.Classes, defaults.Classes)
	return p
}

// Validate checks a defaulted policy against itself.
func (p RetryPolicy) Validate() error {
	switch {
	case p.Attempts < 1 || p.Attempts > MaxAttempts:
		return fmt.Errorf("retry attempts is %d: it must be between 1, which means no retry, and %d", p.Attempts, MaxAttempts)
	case p.Base <= 0:
		return fmt.Errorf("retry base is %s: it must be positive", p.Base)
	case p.Base > p.Cap:
		return fmt.Errorf("retry base (%s) is longer than cap (%s)", p.Base, p.Cap)
	case p.Replay < 0:
		return fmt.Errorf("retry replay is %d bytes: it must not be negative", p.Replay)
	case !isShare(p.Share):
		return fmt.Errorf("retry budget is %v: it must be above 0 and at most 1", p.Share)
	case !(p.Floor > 0 && p.Floor <= maxFloor):
		return fmt.Errorf("retry min_per_second is %v: it must be above 0 and at most %d", p.Floor, maxFloor)
	case p.Classes != RetryRepeatable && p.Classes != RetryNotSent:
		return fmt.Errorf("retry classes is %q: it must be %s or %s", p.Classes, RetryRepeatable, RetryNotSent)
	}
	return nil
}

// maxFloor keeps a floor from being no limit at all.
const maxFloor = 10_000

// Allows reports whether a request that was tried so many times and whose last
// try ended in class may be tried again. repeatable is what the exchange knows
// of it: an idempotent method or an Idempotency-Key. For a status, the exchange
// asks with Failure only if the status is one that may be retried.
//
// A response that has started, or that was no valid one, is never asked for
// again. The body, the deadline, the budget and the breaker have their say
// afterwards: each try needs a ticket of its own, and without one there is no retry.
func (p RetryPolicy) Allows(class Class, repeatable bool, tried int) bool {
	if tried >= p.Attempts {
		return false
	}
	switch class {
	case NotSent:
		return true
	case NoResponse, Timeout, Failure:
		return repeatable && p.Classes == RetryRepeatable
	default:
		return false
	}
}

// Backoff returns how long to wait after so many tries, from 1 on: full jitter
// ("Exponential Backoff And Jitter", AWS Architecture Blog), with random
// uniform in [0,1).
func (p RetryPolicy) Backoff(tried int, random float64) time.Duration {
	longest := p.Base
	for i := 1; i < tried && longest < p.Cap; i++ {
		longest *= 2
	}
	return time.Duration(random * float64(min(longest, p.Cap)))
}

// Wait is Backoff, but no shorter than the backend's Retry-After (0: none), and
// false when the wait would use up all that is left until the deadline.
func (p RetryPolicy) Wait(tried int, random float64, retryAfter, left time.Duration) (time.Duration, bool) {
	wait := max(p.Backoff(tried, random), retryAfter)
	return wait, wait < left
}
