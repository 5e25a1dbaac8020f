package guard

import "time"

// Ticket is a breaker's leave to send one request. It is a small value; the
// zero one, of a lane without a breaker, reports to nobody.
type Ticket struct {
	breaker *Breaker
	era     *era
}

// Report says what became of the request, once: when it failed, or when the
// head of its response arrived. took is how long that was. A client's fault or
// absence is no result, and gives back the lease of a trial. What comes after
// the breaker's state has changed, or after the lease of a trial has ended, is
// ignored.
func (t Ticket) Report(class Class, took time.Duration, now time.Time) {
	if t.breaker == nil {
		return
	}
	policy := &t.breaker.policy
	counts, failed := policy.judge(class)
	slow := policy.SlowCall > 0 && took >= policy.SlowCall
	switch {
	case t.era.State == HalfOpen:
		t.settle(counts, failed, slow, now)
	case counts:
		t.count(class, failed, slow, now)
	}
}

// Broke says that the body of a response broke after its head had been
// reported as a success. It adds a failure and no result, so that the exchange
// counts once. A trial that has closed the breaker by its head is over.
func (t Ticket) Broke(now time.Time) {
	if t.breaker == nil || t.era.State != Closed {
		return
	}
	if _, failed := t.breaker.policy.judge(Broken); !failed {
		return
	}
	if s := t.era.results.at(now); s != nil {
		s.failures.Add(1)
	}
	t.weigh(now)
}

// count enters one result of a closed era.
func (t Ticket) count(class Class, failed, slow bool, now time.Time) {
	if s := t.era.results.at(now); s != nil {
		s.total.Add(1)
		if failed {
			s.failures.Add(1)
		}
		if slow {
			s.slow.Add(1)
		}
	}
	switch {
	case class == NotSent:
		t.era.inARow.Add(1)
	case t.era.inARow.Load() != 0: // a store on every success would be shared by all cores
		t.era.inARow.Store(0)
	}
	if failed || slow {
		t.weigh(now)
	}
}

// weigh opens the breaker if the counts ask for it. Only a failing or slow
// result opens one, never a success that completes the minimum.
func (t Ticket) weigh(now time.Time) {
	tally := t.era.tally(now)
	if reason, trips := t.breaker.policy.trips(tally); trips {
		t.breaker.open(t.era, reason, tally, now)
	}
}

// settle ends the trial of a half-open era, unless its lease has ended.
func (t Ticket) settle(counts, failed, slow bool, now time.Time) {
	b, e := t.breaker, t.era
	switch {
	case !now.Before(e.Until):
	case !counts:
		b.replace(e, e.trial(now, time.Time{}))
	case failed, slow:
		b.open(e, ReasonTrialFailed, e.Tally, now)
	default:
		b.replace(e, b.closed(e, ReasonTrialOK, now))
	}
}
