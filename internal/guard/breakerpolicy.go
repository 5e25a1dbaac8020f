package guard

import (
	"fmt"
	"time"
)

// Counting says which classes a breaker takes for failures.
type Counting uint8

// The ways of counting. Zero means the side's default in what people write.
const (
	CountFailures    Counting = iota + 1 // every fault of the backend
	CountConnections                     // not sent, no response and timeouts; whatever answers counts as well
)

// String returns the name as people write it.
func (c Counting) String() string {
	switch c {
	case CountFailures:
		return "failures"
	case CountConnections:
		return "connections"
	default:
		return "default"
	}
}

// BreakerPolicy says when a breaker opens and for how long. Its values can be
// compared: a breaker may live on in a new table when its policy is the same.
type BreakerPolicy struct {
	Off         bool          // lets everything through and counts nothing; the rest is then without effect
	Window      time.Duration // how far back results count
	FailureRate float64       // opens at this share of failures, 0 < rate ≤ 1 …
	MinResults  int           // … of at least so many results
	InARow      int           // or after so many connection failures (NotSent) without any other result between
	SlowCall    time.Duration // a result that took so long is slow; 0: slowness does not matter
	SlowRate    float64       // opens at this share of slow results, of MinResults as well
	OpenFor     time.Duration // the first time; it doubles with every opening …
	OpenMax     time.Duration // … up to here, and each is spread by ±20 %
	Quiet       time.Duration // closed for so long: the next opening is a first one again
	Trial       time.Duration // lease of the one trial in half-open; the whole-exchange timeout
	Counts      Counting
}

// trialGrace is added to the lease of a trial, so that a trial that runs into
// the whole-exchange timeout still reports in time.
const trialGrace = time.Second

// LegacyBreaker are the defaults of the legacy side: its window holds even its
// slowest exchanges, and an answer is an answer.
func LegacyBreaker() BreakerPolicy {
	policy := NewSideBreaker()
	policy.Window, policy.Trial, policy.Counts = 120*time.Second, LegacyTimeouts().Whole, CountConnections
	return policy
}

// NewSideBreaker are the defaults of the new side.
func NewSideBreaker() BreakerPolicy {
	return BreakerPolicy{
		Window: 20 * time.Second, FailureRate: 0.5, MinResults: 20, InARow: 5, SlowRate: 0.5,
		OpenFor: 5 * time.Second, OpenMax: time.Minute, Quiet: time.Minute,
		Trial: NewTimeouts().Whole, Counts: CountFailures,
	}
}

// Defaulted returns p with every zero field taken from defaults.
func (p BreakerPolicy) Defaulted(defaults BreakerPolicy) BreakerPolicy {
	fill(&p.Window, defaults.Window)
	fill(&p.FailureRate, defaults.FailureRate)
	fill(&p.MinResults, defaults.MinResults)
	fill(&p.InARow, defaults.InARow)
	fill(&p.SlowCall, defaults.SlowCall)
	fill(&p.SlowRate, defaults.SlowRate)
	fill(&p.OpenFor, defaults.OpenFor)
	fill(&p.OpenMax, defaults.OpenMax)
	fill(&p.Quiet, defaults.Quiet)
	fill(&p.Trial, defaults.Trial)
	fill(&p.Counts, defaults.Counts)
	return p
}

// Validate checks a defaulted policy against itself.
func (p BreakerPolicy) Validate() error {
	for _, f := range []struct {
		name  string
		value time.Duration
	}{
		{"window", p.Window},
		{"open", p.OpenFor},
		{"max_open", p.OpenMax},
		{"quiet", p.Quiet},
		{"trial", p.Trial},
	} {
		if f.value <= 0 {
			return fmt.Errorf("breaker %s is %s: it must be positive", f.name, f.value)
		}
	}
	switch {
	case !isShare(p.FailureRate):
		return fmt.Errorf("breaker failures is %v: it must be above 0 and at most 1", p.FailureRate)
	case !isShare(p.SlowRate):
		return fmt.Errorf("breaker slow share is %v: it must be above 0 and at most 1", p.SlowRate)
	case p.MinResults < 1:
		return fmt.Errorf("breaker min is %d: it must be positive", p.MinResults)
	case p.InARow < 1:
		return fmt.Errorf("breaker consecutive is %d: it must be positive", p.InARow)
	case p.SlowCall < 0:
		return fmt.Errorf("breaker slow over is %s: it must be positive", p.SlowCall)
	case p.OpenFor > p.OpenMax:
		return fmt.Errorf("breaker open (%s) is longer than max_open (%s)", p.OpenFor, p.OpenMax)
	case p.Counts != CountFailures && p.Counts != CountConnections:
		return fmt.Errorf("breaker counts %q: it must be %s or %s", p.Counts, CountFailures, CountConnections)
	}
	return nil
}

// isShare is false for NaN as well.
func isShare(rate float64) bool { return rate > 0 && rate <= 1 }

// judge says what a class means to the breaker: whether it is a result at all,
// and whether it is a failure.
func (p *BreakerPolicy) judge(class Class) (counts, failed bool) {
	switch class {
	case ClientFault, ClientGone:
		return false, false
	case NotSent, NoResponse, Timeout:
		return true, true
	default:
		return true, p.Counts != CountConnections && class.BackendFault()
	}
}

// open returns how long the breaker stays open the n-th time in a row, n from
// 0, with random in [0,1).
func (p *BreakerPolicy) open(n int, random float64) time.Duration {
	length := p.OpenFor
	for range n {
		if length >= p.OpenMax {
			break
		}
		length *= 2
	}
	return time.Duration(float64(min(length, p.OpenMax)) * (0.8 + 0.4*random))
}

// trips reports whether the tally opens the breaker, and why.
func (p *BreakerPolicy) trips(t Tally) (Reason, bool) {
	results := max(t.Total, t.Failures) // a body that broke late adds a failure and no result
	switch {
	case t.InARow >= p.InARow:
		return ReasonConnections, true
	case results < p.MinResults:
		return "", false
	case float64(t.Failures) >= p.FailureRate*float64(results):
		return ReasonFailures, true
	case p.SlowCall > 0 && float64(t.Slow) >= p.SlowRate*float64(results):
		return ReasonSlow, true
	default:
		return "", false
	}
}
