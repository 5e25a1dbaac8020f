package guard_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/guard"
)

// lease is how long a trial of the defaults may take: the whole exchange and a second.
const lease = 16 * time.Second

// opened is a lane whose breaker has just opened for five seconds.
func opened(t *testing.T) *lane {
	t.Helper()
	l := newLane(t, guard.NewSideBreaker(), half)
	l.sendAll(5, guard.NotSent)
	l.wants(guard.Open)
	return l
}

func TestOneTrialAndItsChanges(t *testing.T) {
	l := opened(t)
	l.pass(5*time.Second - 1)
	l.refuses()
	l.pass(1)
	trial := l.admit()
	l.refuses()
	l.pass(lease - 1)
	l.refuses()
	trial.Report(guard.OK, lease-1, l.now)
	l.wants(guard.Closed)
	trial.Report(guard.Failure, 0, l.now) // what follows is of an older generation
	trial.Broke(l.now)

	evidence := guard.Tally{Total: 5, Failures: 5, InARow: 5}
	want := []guard.Change{
		{Before: guard.Closed, After: guard.Snapshot{
			State: guard.Open, Generation: 2, Since: epoch, Until: at(5 * time.Second),
			Reason: guard.ReasonConnections, Tally: evidence,
		}},
		{Before: guard.Open, After: guard.Snapshot{
			State: guard.HalfOpen, Generation: 3, Since: at(5 * time.Second), Until: at(5*time.Second + lease),
			Reason: guard.ReasonTrialDue, Tally: evidence,
		}},
		{Before: guard.HalfOpen, After: guard.Snapshot{
			State: guard.Closed, Generation: 4, Since: l.now, Reason: guard.ReasonTrialOK,
		}},
	}
	if diff := cmp.Diff(want, l.changes); diff != "" {
		t.Error(diff)
	}
	if got := l.State(l.now).Tally; got != (guard.Tally{}) {
		t.Errorf("the closed breaker has counted %+v", got)
	}
}

func TestHungTrialLosesItsLease(t *testing.T) {
	l := opened(t)
	l.pass(5 * time.Second)
	hung := l.admit()
	l.pass(lease)
	hung.Report(guard.OK, lease, l.now) // too late, though nobody has the lease
	l.wants(guard.HalfOpen)
	second := l.admit()
	hung.Report(guard.Failure, lease, l.now) // and now somebody else has
	l.refuses()
	second.Report(guard.OK, time.Second, l.now)
	l.wants(guard.Closed)
	if len(l.changes) != 3 {
		t.Errorf("a new lease is no change of state: %+v", l.changes)
	}
}

func TestTimeInHalfOpenIsNotQuiet(t *testing.T) {
	l := opened(t)
	l.pass(5 * time.Second)
	for range 10 { // trials that hang, for more than a minute in all
		l.admit()
		l.pass(lease)
	}
	l.send(guard.Failure)
	if got := l.State(l.now); got.Until.Sub(got.Since) != 10*time.Second {
		t.Errorf("got %+v", got)
	}
}

func TestAbandonedTrialBurnsNothing(t *testing.T) {
	for _, class := range []guard.Class{guard.ClientGone, guard.ClientFault} {
		l := opened(t)
		l.pass(5 * time.Second)
		abandoned := l.admit()
		l.pass(time.Second)
		abandoned.Report(class, time.Second, l.now)
		if got := l.State(l.now); got.State != guard.HalfOpen || !got.Until.IsZero() {
			t.Fatalf("%s: %+v", class, got)
		}
		next := l.admit() // at once
		abandoned.Report(guard.Failure, time.Second, l.now)
		l.refuses()
		next.Report(guard.OK, 0, l.now)
		l.wants(guard.Closed)
	}
}

func TestResultsFromBeforeAChangeAreIgnored(t *testing.T) {
	l := newLane(t, guard.NewSideBreaker(), half)
	early := l.admit()
	l.sendAll(5, guard.NotSent)
	early.Report(guard.OK, time.Second, l.now)
	l.wants(guard.Open)
	l.pass(5 * time.Second)
	trial := l.admit()
	early.Report(guard.OK, time.Second, l.now) // must not close it
	l.wants(guard.HalfOpen)
	trial.Report(guard.OK, 0, l.now)
	for range 100 {
		early.Report(guard.NotSent, time.Second, l.now) // must not open it
		early.Broke(l.now)
	}
	l.wants(guard.Closed)
	if len(l.changes) != 3 {
		t.Errorf("got %+v", l.changes)
	}
}

func TestResetForgetsEverything(t *testing.T) {
	l := opened(t)
	if !l.Reset(l.now) {
		t.Error("an open breaker: nothing to do")
	}
	if got := l.changes[len(l.changes)-1]; got.Before != guard.Open || got.After.Reason != guard.ReasonReset || got.After.Generation != 3 {
		t.Errorf("got %+v", got)
	}
	l.sendAll(4, guard.NotSent)
	if l.Reset(l.now) {
		t.Error("a closed breaker: something to do")
	}
	if len(l.changes) != 2 {
		t.Errorf("a closed breaker that stays closed has changed: %+v", l.changes)
	}
	l.sendAll(4, guard.NotSent)
	l.wants(guard.Closed)
	l.send(guard.NotSent)
	if got := l.State(l.now); got.Until.Sub(got.Since) != 5*time.Second {
		t.Errorf("the doubling goes on after a reset: %+v", got)
	}
	l.pass(5 * time.Second)
	trial := l.admit()
	l.Reset(l.now)
	trial.Report(guard.Failure, 0, l.now)
	l.wants(guard.Closed)
}

func TestStateNames(t *testing.T) {
	for state, want := range map[guard.State]string{
		guard.Closed: "closed", guard.Open: "open", guard.HalfOpen: "half_open", guard.HalfOpen + 1: "unknown",
	} {
		if got := state.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
