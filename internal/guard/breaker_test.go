package guard_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/guard"
)

// lane is a breaker under test, with a clock of its own and its changes.
type lane struct {
	*testing.T
	*guard.Breaker
	now     time.Time
	changes []guard.Change
}

func newLane(t *testing.T, policy guard.BreakerPolicy, random func() float64) *lane {
	t.Helper()
	l := &lane{T: t, now: epoch}
	l.Breaker = guard.NewBreaker(policy, random, epoch, func(c guard.Change) { l.changes = append(l.changes, c) })
	return l
}

func (l *lane) pass(d time.Duration) { l.now = l.now.Add(d) }

// send lets one request through and reports it at once.
func (l *lane) send(class guard.Class) {
	l.Helper()
	l.admit().Report(class, time.Millisecond, l.now)
}

func (l *lane) sendAll(n int, class guard.Class) {
	l.Helper()
	for range n {
		l.send(class)
	}
}

func (l *lane) admit() guard.Ticket {
	l.Helper()
	ticket, ok := l.Allow(l.now)
	if !ok {
		l.Fatalf("at %s nothing passes: %+v", l.now.Sub(epoch), l.State(l.now))
	}
	return ticket
}

func (l *lane) wants(state guard.State) {
	l.Helper()
	if got := l.State(l.now); got.State != state {
		l.Fatalf("at %s: %+v, want %s", l.now.Sub(epoch), got, state)
	}
}

func (l *lane) refuses() {
	l.Helper()
	if _, ok := l.Allow(l.now); ok {
		l.Fatalf("at %s a request passes: %+v", l.now.Sub(epoch), l.State(l.now))
	}
}

func TestBreakerOpensAtTheRateOfTheMinimum(t *testing.T) {
	l := newLane(t, guard.NewSideBreaker(), half)
	l.sendAll(10, guard.OK)
	l.sendAll(9, guard.Failure)
	l.wants(guard.Closed) // 9 of 19
	l.send(guard.Failure)
	want := guard.Snapshot{
		State: guard.Open, Generation: 2, Since: epoch, Until: at(5 * time.Second),
		Reason: guard.ReasonFailures, Tally: guard.Tally{Total: 20, Failures: 10},
	}
	if diff := cmp.Diff(want, l.State(l.now)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]guard.Change{{Before: guard.Closed, After: want}}, l.changes); diff != "" {
		t.Error(diff)
	}
	l.refuses()
}

func TestBreakerStaysClosedBelowTheMinimum(t *testing.T) {
	l := newLane(t, guard.NewSideBreaker(), half)
	l.sendAll(19, guard.Failure)
	l.wants(guard.Closed)
	l.pass(19 * time.Second)
	l.send(guard.OK) // a success completes the minimum, and opens nothing
	l.wants(guard.Closed)
	l.pass(time.Second) // and the failures have left the window
	l.send(guard.Failure)
	l.wants(guard.Closed)
	if got := l.State(l.now).Tally; got != (guard.Tally{Total: 2, Failures: 1}) {
		t.Errorf("got %+v", got)
	}
}

func TestResultsOlderThanTheWindowAreDropped(t *testing.T) {
	l := newLane(t, guard.NewSideBreaker(), half)
	l.pass(20 * time.Second)
	l.send(guard.Failure)
	l.admit().Report(guard.Failure, 0, epoch) // by a goroutine that was held up
	l.admit().Report(guard.Failure, 0, at(-time.Second))
	if got := l.State(l.now).Tally; got != (guard.Tally{Total: 1, Failures: 1}) {
		t.Errorf("got %+v", got)
	}
}

func TestBreakerOpensOnConnectionFailuresInARow(t *testing.T) {
	l := newLane(t, guard.NewSideBreaker(), half)
	l.sendAll(4, guard.NotSent)
	l.send(guard.Timeout) // the connection stood
	l.sendAll(4, guard.NotSent)
	l.send(guard.ClientGone) // says nothing
	l.send(guard.ClientFault)
	l.wants(guard.Closed)
	l.send(guard.NotSent)
	l.wants(guard.Open)
	if got := l.State(l.now); got.Reason != guard.ReasonConnections || got.InARow != 5 {
		t.Errorf("got %+v", got)
	}
}

func TestBreakerCountsEachClassOnItsSide(t *testing.T) {
	for class, opens := range map[guard.Class][2]bool{ // on the legacy side, on the new side
		guard.OK: {false, false}, guard.NotSent: {true, true}, guard.NoResponse: {true, true},
		guard.Timeout: {true, true}, guard.Failure: {false, true}, guard.BadResponse: {false, true},
		guard.Broken: {false, true}, guard.ClientFault: {false, false}, guard.ClientGone: {false, false},
	} {
		for i, policy := range []guard.BreakerPolicy{guard.LegacyBreaker(), guard.NewSideBreaker()} {
			policy.InARow = 100
			l := newLane(t, policy, half)
			l.sendAll(20, class)
			if got := l.State(l.now).State == guard.Open; got != opens[i] {
				t.Errorf("%s, %s: opens %t", policy.Counts, class, got)
			}
		}
	}
}

func TestBreakerOpensOnSlowCalls(t *testing.T) {
	policy := guard.NewSideBreaker()
	policy.SlowCall, policy.SlowRate = time.Second, 0.8
	l := newLane(t, policy, half)
	report := func(n int, took time.Duration) {
		for range n {
			l.admit().Report(guard.OK, took, l.now)
		}
	}
	report(4, time.Second-1)
	report(15, time.Second)
	l.wants(guard.Closed)
	report(1, time.Second)
	if got := l.State(l.now); got.State != guard.Open || got.Reason != guard.ReasonSlow || got.Slow != 16 {
		t.Fatalf("got %+v", got)
	}
	l.pass(5 * time.Second)
	l.admit().Report(guard.OK, time.Second, l.now) // a slow trial is no proof
	l.wants(guard.Open)
	l.pass(10 * time.Second)
	l.admit().Report(guard.OK, time.Millisecond, l.now)
	l.wants(guard.Closed)
}

func TestBrokenBodyCountsOnce(t *testing.T) {
	l := newLane(t, guard.NewSideBreaker(), half)
	for i := range 20 {
		l.wants(guard.Closed)
		ticket := l.admit()
		ticket.Report(guard.OK, time.Millisecond, l.now)
		ticket.Broke(l.now)
		if got := l.State(l.now); got.Total != i+1 || got.Failures != i+1 {
			t.Fatalf("got %+v", got)
		}
	}
	l.wants(guard.Open)
}

func TestBodiesThatBreakLongAfterTheirHeads(t *testing.T) {
	l := newLane(t, guard.NewSideBreaker(), half)
	var streams []guard.Ticket
	for range 20 {
		ticket := l.admit()
		ticket.Report(guard.OK, time.Millisecond, l.now)
		streams = append(streams, ticket)
	}
	l.pass(time.Hour)
	for i, stream := range streams {
		l.wants(guard.Closed)
		if stream.Broke(l.now); i < 19 {
			l.wants(guard.Closed)
		}
	}
	l.wants(guard.Open)
	legacy := newLane(t, guard.LegacyBreaker(), half)
	ticket := legacy.admit()
	ticket.Report(guard.OK, 0, legacy.now)
	ticket.Broke(legacy.now)
	if got := legacy.State(legacy.now).Tally; got != (guard.Tally{Total: 1}) {
		t.Errorf("legacy counts a broken body: %+v", got)
	}
}

func TestOpenTimeDoublesAndIsSpread(t *testing.T) {
	for _, test := range []struct {
		random float64
		want   []time.Duration
	}{
		{0, []time.Duration{4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second, 48 * time.Second, 48 * time.Second}},
		{0.5, []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute, time.Minute}},
		{0.75, []time.Duration{5500 * time.Millisecond, 11 * time.Second, 22 * time.Second, 44 * time.Second, 66 * time.Second, 66 * time.Second}},
	} {
		l := newLane(t, guard.NewSideBreaker(), constant(test.random))
		l.sendAll(5, guard.NotSent)
		for _, want := range test.want {
			got := l.State(l.now)
			if length := got.Until.Sub(got.Since); got.State != guard.Open || length.Round(time.Microsecond) != want {
				t.Errorf("random %v: %s for %s, want %s", test.random, got.State, length, want)
			}
			l.pass(want - 2*time.Microsecond)
			l.refuses()
			l.pass(4 * time.Microsecond)
			l.wants(guard.HalfOpen)
			l.send(guard.Failure)
		}
	}
}

func TestQuietMinuteEndsTheDoubling(t *testing.T) {
	for quiet, want := range map[time.Duration]time.Duration{
		time.Minute - 1: 10 * time.Second,
		time.Minute:     5 * time.Second,
	} {
		l := newLane(t, guard.NewSideBreaker(), half)
		l.sendAll(5, guard.NotSent)
		l.pass(5 * time.Second)
		l.send(guard.OK)
		l.pass(quiet)
		l.sendAll(5, guard.NotSent)
		if got := l.State(l.now); got.Until.Sub(got.Since) != want {
			t.Errorf("after %s: open for %s, want %s", quiet, got.Until.Sub(got.Since), want)
		}
	}
}

func TestZeroTicketReportsToNobody(*testing.T) {
	var ticket guard.Ticket
	ticket.Report(guard.Failure, 0, epoch)
	ticket.Broke(epoch)
}

func TestABreakerThatIsOffLetsEverythingThrough(t *testing.T) {
	policy := guard.NewSideBreaker()
	policy.Off = true
	now := time.Unix(1_000_000, 0)
	b := guard.NewBreaker(policy, func() float64 { return 0.5 }, now, nil)
	for range 100 {
		ticket, ok := b.Allow(now)
		if !ok {
			t.Fatal("refused")
		}
		ticket.Report(guard.NotSent, time.Second, now)
		ticket.Broke(now)
	}
	if s := b.State(now); s.State != guard.Closed || s.Tally != (guard.Tally{}) {
		t.Errorf("%+v", s)
	}
}
