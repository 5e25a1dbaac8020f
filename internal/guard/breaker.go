package guard

import (
	"sync/atomic"
	"time"
)

// State is the state of a breaker.
type State uint8

// The states of a breaker.
const (
	Closed   State = iota // everything passes and is counted
	Open                  // nothing passes
	HalfOpen              // one trial at a time passes
)

var stateNames = [...]string{"closed", "open", "half_open"}

// String returns the state's name as logs, metrics and the API write it.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return "unknown"
}

// Reason says why a breaker changed its state.
type Reason string

// The reasons.
const (
	ReasonFailures    Reason = "failure_rate"
	ReasonConnections Reason = "connection_failures"
	ReasonSlow        Reason = "slow_calls"
	ReasonTrialDue    Reason = "trial_due"
	ReasonTrialFailed Reason = "trial_failed"
	ReasonTrialOK     Reason = "trial_succeeded"
	ReasonReset       Reason = "reset"
)

// Tally is what a breaker has counted within its window.
type Tally struct {
	Total, Failures, Slow int
	InARow                int // connection failures since the last other result, whenever they were
}

// Snapshot is a breaker at one moment. The tally is the present one while the
// breaker is closed, else the one that opened it.
type Snapshot struct {
	State      State
	Generation uint64    // counts the changes of state; a larger one is a later one
	Since      time.Time // when this state began
	Until      time.Time // open: when a trial is due; half-open: when the trial's lease ends, zero without a trial
	Reason     Reason    // of the last change; empty when there was none
	Tally
}

// Change is one change of a breaker's state: After.State has replaced Before.
type Change struct {
	Before State
	After  Snapshot
}

// Breaker stops asking a backend that fails, and tries again later with one
// request at a time. It holds no lock: each span between two changes of state
// is an era, an era is replaced as a whole, and whoever replaces it tells
// OnChange afterwards. A result belongs to the era in which its request was
// let through; when that era is over, it is ignored.
type Breaker struct {
	policy   BreakerPolicy
	random   func() float64 // uniform in [0,1); asked once per opening
	onChange func(Change)
	current  atomic.Pointer[era]
}

// era is what holds between two changes. Only counts change while it lasts.
type era struct {
	Snapshot
	openings int    // in a row so far, without a quiet time between
	results  window // of a closed era
	inARow   atomic.Uint32
}

// NewBreaker returns a closed breaker for a policy that is valid. onChange may
// be nil; it is called after each change by the goroutine that made it, while
// nothing is locked. Two changes that follow closely may be told in the wrong
// order: their generations say which is the later one.
func NewBreaker(policy BreakerPolicy, random func() float64, now time.Time, onChange func(Change)) *Breaker {
	b := &Breaker{policy: policy, random: random, onChange: onChange}
	b.current.Store(b.closed(&era{Snapshot: Snapshot{Since: now}}, "", now))
	return b
}

// Policy returns the policy that the breaker was made with.
func (b *Breaker) Policy() BreakerPolicy { return b.policy }

// Allow asks whether a request may be sent now. With true, the ticket must be
// reported once the request's fate is known; with false the breaker is open,
// or half-open and busy with a trial.
func (b *Breaker) Allow(now time.Time) (Ticket, bool) {
	if b.policy.Off {
		return Ticket{}, true
	}
	for {
		e := b.current.Load()
		if e.State == Closed {
			return Ticket{b, e}, true
		}
		if now.Before(e.Until) {
			return Ticket{}, false
		}
		trial := e.trial(now, now.Add(b.policy.Trial+trialGrace))
		if b.replace(e, trial) {
			return Ticket{b, trial}, true
		}
	}
}

// Reset closes the breaker and forgets what it has counted, as an operator
// asked; it reports whether the breaker was not closed before.
func (b *Breaker) Reset(now time.Time) bool {
	for {
		e := b.current.Load()
		fresh := b.closed(e, ReasonReset, now)
		fresh.openings = 0
		if b.replace(e, fresh) {
			return e.State != Closed
		}
	}
}

// State describes the breaker. An open one whose time is up is shown as
// half-open, though it changes only when the next request asks.
func (b *Breaker) State(now time.Time) Snapshot {
	e := b.current.Load()
	shown := e.Snapshot
	switch {
	case e.State == Closed:
		shown.Tally = e.tally(now)
	case e.State == Open && !now.Before(e.Until):
		shown.State, shown.Since, shown.Until = HalfOpen, e.Until, time.Time{}
	}
	return shown
}

// replace puts next in the place of e, unless somebody was faster.
func (b *Breaker) replace(e, next *era) bool {
	if !b.current.CompareAndSwap(e, next) {
		return false
	}
	if b.onChange != nil && e.State != next.State {
		b.onChange(Change{Before: e.State, After: next.Snapshot})
	}
	return true
}

// closed returns the closed era that follows e.
func (b *Breaker) closed(e *era, reason Reason, now time.Time) *era {
	next := &era{Snapshot: Snapshot{State: Closed, Generation: e.Generation + 1, Since: now, Reason: reason}, openings: e.openings}
	next.results.begin(now, b.policy.Window)
	return next
}

// open puts an open era in the place of e, for what the tally shows.
func (b *Breaker) open(e *era, reason Reason, tally Tally, now time.Time) {
	openings := e.openings
	if e.State == Closed && now.Sub(e.Since) >= b.policy.Quiet {
		openings = 0
	}
	until := now.Add(b.policy.open(openings, b.random()))
	b.replace(e, &era{
		Snapshot: Snapshot{State: Open, Generation: e.Generation + 1, Since: now, Until: until, Reason: reason, Tally: tally},
		openings: openings + 1,
	})
}

// trial returns the half-open era that follows e, with a trial that has its
// lease until then; the zero time: without one.
func (e *era) trial(now, until time.Time) *era {
	next := &era{Snapshot: e.Snapshot, openings: e.openings}
	next.Until = until
	if e.State != HalfOpen {
		next.State, next.Since, next.Reason = HalfOpen, now, ReasonTrialDue
		next.Generation++
	}
	return next
}

func (e *era) tally(now time.Time) Tally {
	tally := e.results.sum(now)
	tally.InARow = int(e.inARow.Load())
	return tally
}
