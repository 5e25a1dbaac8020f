package guard_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
)

// stampede runs do in many goroutines that start together.
func stampede(n int, do func(i int)) {
	var ready, done sync.WaitGroup
	ready.Add(1)
	for i := range n {
		done.Go(func() {
			ready.Wait()
			do(i)
		})
	}
	ready.Done()
	done.Wait()
}

func TestStampedeIsCountedExactly(t *testing.T) {
	breaker := guard.NewBreaker(guard.NewSideBreaker(), half, epoch, nil)
	const each = 1800 // a hundredth of the window's nine full tenths
	stampede(32, func(i int) {
		for k := range each {
			now := at(time.Duration(k) * 10 * time.Millisecond)
			ticket, ok := breaker.Allow(now)
			if !ok {
				t.Error("closed, and refuses")
				return
			}
			class := guard.OK
			if (i+k)%4 == 0 {
				class = guard.Failure
			}
			ticket.Report(class, 0, now)
		}
	})
	got := breaker.State(at(18 * time.Second))
	if want := (guard.Tally{Total: 32 * each, Failures: 8 * each}); got.State != guard.Closed || got.Tally != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestLaneThatOnlyFailsIsNeverMissed(t *testing.T) {
	for _, n := range []int{19, 20} {
		var changes atomic.Int32
		breaker := guard.NewBreaker(guard.NewSideBreaker(), half, epoch, func(guard.Change) { changes.Add(1) })
		stampede(n, func(int) {
			if ticket, ok := breaker.Allow(epoch); ok {
				ticket.Report(guard.Failure, 0, epoch)
			}
		})
		// What opened it may be one short of a failure whose total is counted already.
		if want := int32(n - 19); changes.Load() != want || breaker.State(epoch).Total != n {
			t.Errorf("%d failures: %d changes, %+v", n, changes.Load(), breaker.State(epoch))
		}
	}
}

func TestOneTrialAtATime(t *testing.T) {
	var changes atomic.Int32
	breaker := guard.NewBreaker(guard.NewSideBreaker(), half, epoch, func(guard.Change) { changes.Add(1) })
	for range 5 {
		ticket, _ := breaker.Allow(epoch)
		ticket.Report(guard.NotSent, 0, epoch)
	}
	now := epoch
	for round := range 50 {
		now = breaker.State(now).Until
		var mu sync.Mutex
		var trials []guard.Ticket
		stampede(16, func(int) {
			if ticket, ok := breaker.Allow(now); ok {
				mu.Lock()
				defer mu.Unlock()
				trials = append(trials, ticket)
			}
		})
		if len(trials) != 1 {
			t.Fatalf("round %d: %d trials", round, len(trials))
		}
		if round%2 == 0 { // every other trial hangs until its lease ends
			stampede(4, func(int) { trials[0].Report(guard.Timeout, 0, now) })
		}
	}
	// Opened, half-open and opened by round 0, again by each pair that follows (the
	// lease of a hung trial ends without a change), half-open by the last round.
	if changes.Load() != 1+2+24*2+1 {
		t.Errorf("%d changes", changes.Load())
	}
}

// TestCallbackMayUseTheBreaker would hang if a lock were held meanwhile.
func TestCallbackMayUseTheBreaker(t *testing.T) {
	var breaker *guard.Breaker
	var seen []guard.State
	breaker = guard.NewBreaker(guard.NewSideBreaker(), half, epoch, func(c guard.Change) {
		seen = append(seen, breaker.State(epoch).State)
		if c.After.State == guard.Open {
			breaker.Reset(epoch)
		}
	})
	for range 5 {
		ticket, _ := breaker.Allow(epoch)
		ticket.Report(guard.NotSent, 0, epoch)
	}
	if len(seen) != 2 || seen[0] != guard.Open || seen[1] != guard.Closed {
		t.Errorf("got %v", seen)
	}
}
