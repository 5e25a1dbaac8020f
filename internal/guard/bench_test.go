package guard_test

import (
	"context"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
)

// The clock is read as often as a driver would read it: when an attempt begins
// and when it ends.

func BenchmarkBreaker(b *testing.B) {
	breaker := guard.NewBreaker(guard.NewSideBreaker(), half, time.Now(), nil)
	now := time.Now()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			ticket, _ := breaker.Allow(now)
			ticket.Report(guard.OK, time.Millisecond, now)
		}
	})
}

func BenchmarkBulkhead(b *testing.B) {
	bulkhead := guard.NewBulkhead(guard.LaneBulkhead())
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		var permit guard.Permit
		for pb.Next() {
			if bulkhead.Acquire(context.Background(), &permit) == nil {
				permit.Release()
			}
		}
	})
}

func BenchmarkRetryBudget(b *testing.B) {
	now := time.Now()
	budget := guard.NewRetryBudget(guard.NewRetry(), now)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			budget.Request(now)
		}
	})
}

func BenchmarkPicker(b *testing.B) {
	now := time.Now()
	for name, addresses := range map[string][]string{
		"one":   {"a:80"},
		"three": {"a:80", "b:80", "c:80"},
	} {
		b.Run(name, func(b *testing.B) {
			picker := guard.NewPicker(addresses, nil, now)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				random := uint64(0)
				for pb.Next() {
					random += 0x9e3779b97f4a7c15
					picker.Done(picker.Pick(random, now), guard.OK, now)
				}
			})
		})
	}
}

// happyLane is one lane with every part on.
type happyLane struct {
	backend, lane *guard.Bulkhead
	breaker       *guard.Breaker
	budget        *guard.RetryBudget
	picker        *guard.Picker
	served        *guard.FallbackBudget
}

func newHappyLane() *happyLane {
	policy, now := guard.NewPolicy(), time.Now()
	return &happyLane{
		backend: guard.NewBulkhead(guard.BackendBulkhead()), lane: guard.NewBulkhead(policy.Bulkhead),
		breaker: guard.NewBreaker(policy.Breaker, half, now, nil),
		budget:  guard.NewRetryBudget(policy.Retry, now),
		picker:  guard.NewPicker([]string{"a:80", "b:80", "c:80"}, nil, now),
		served:  guard.NewFallbackBudget(guard.DefaultFallbackBudget(), now),
	}
}

// exchange is one that goes well at the first try.
func (l *happyLane) exchange(outer, inner *guard.Permit, random uint64) bool {
	ctx := context.Background()
	if l.backend.Acquire(ctx, outer) != nil {
		return false
	}
	defer outer.Release()
	if l.lane.Acquire(ctx, inner) != nil {
		return false
	}
	defer inner.Release()
	start := time.Now()
	l.budget.Request(start)
	ticket, ok := l.breaker.Allow(start)
	endpoint := l.picker.Pick(random, start)
	end := time.Now()
	l.picker.Done(endpoint, guard.OK, end)
	ticket.Report(guard.OK, end.Sub(start), end)
	l.served.Served(end)
	return ok
}

func BenchmarkLane(b *testing.B) {
	lane := newHappyLane()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		var outer, inner guard.Permit
		random := uint64(0)
		for pb.Next() {
			random += 0x9e3779b97f4a7c15
			if !lane.exchange(&outer, &inner, random) {
				b.Error("refused")
			}
		}
	})
}

func TestHappyLaneAllocatesNothing(t *testing.T) {
	lane := newHappyLane()
	var outer, inner guard.Permit
	allocs := testing.AllocsPerRun(1000, func() {
		if !lane.exchange(&outer, &inner, 7) {
			t.Error("refused")
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations for each exchange", allocs)
	}
}
