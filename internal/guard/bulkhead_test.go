package guard_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/stranglerfig/strangler/internal/guard"
)

func wantCounts(t *testing.T, b *guard.Bulkhead, inUse, waiting int, rejected uint64) {
	t.Helper()
	if b.InUse() != inUse || b.Waiting() != waiting || b.Rejected() != rejected {
		t.Fatalf("in use %d, waiting %d, rejected %d; want %d, %d, %d", b.InUse(), b.Waiting(), b.Rejected(), inUse, waiting, rejected)
	}
}

// enter takes a permit in a goroutine and tells what became of it.
func enter(ctx context.Context, b *guard.Bulkhead, permit *guard.Permit) <-chan error {
	done := make(chan error, 1)
	go func() { done <- b.Acquire(ctx, permit) }()
	synctest.Wait()
	return done
}

func TestBulkheadRefusesAtOnceWhenItsQueueIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := guard.NewBulkhead(guard.BulkheadPolicy{Limit: 1, Queue: 1, Wait: time.Second})
		var first, second, third guard.Permit
		if err := b.Acquire(t.Context(), &first); err != nil {
			t.Fatal(err)
		}
		waits := enter(t.Context(), b, &second)
		start := time.Now()
		if err := b.Acquire(t.Context(), &third); !errors.Is(err, guard.ErrFull) || time.Since(start) != 0 {
			t.Fatalf("got %v after %s", err, time.Since(start))
		}
		wantCounts(t, b, 1, 1, 1)
		first.Release()
		if err := <-waits; err != nil || !second.Held() || third.Held() {
			t.Fatalf("got %v, held %t, %t", err, second.Held(), third.Held())
		}
		second.Release()
		wantCounts(t, b, 0, 0, 1)
	})
}

func TestBulkheadWaitIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := guard.NewBulkhead(guard.BulkheadPolicy{Limit: 1, Queue: 2, Wait: 100 * time.Millisecond})
		var holder, late guard.Permit
		_ = b.Acquire(t.Context(), &holder)
		start := time.Now()
		if err := b.Acquire(t.Context(), &late); !errors.Is(err, guard.ErrFull) || time.Since(start) != 100*time.Millisecond {
			t.Fatalf("got %v after %s", err, time.Since(start))
		}
		wantCounts(t, b, 1, 0, 1)
	})
}

func TestBulkheadIsFairAndLeavesNoHole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := guard.NewBulkhead(guard.BulkheadPolicy{Limit: 1, Queue: 5, Wait: time.Second})
		var holder guard.Permit
		_ = b.Acquire(t.Context(), &holder)
		var mu sync.Mutex
		var order []int
		note := func(i int) {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, i)
		}
		gone, leave := context.WithCancelCause(t.Context())
		for i := range 5 {
			ctx := t.Context()
			if i == 1 || i == 3 {
				ctx = gone
			}
			go func() {
				var permit guard.Permit
				if err := b.Acquire(ctx, &permit); err != nil {
					note(-i)
					return
				}
				note(i)
				permit.Release()
			}()
			synctest.Wait()
		}
		left := errors.New("left")
		leave(left)
		synctest.Wait()
		slices.Sort(order) // two that leave at once do so in any order
		wantCounts(t, b, 1, 3, 0)
		holder.Release()
		synctest.Wait()
		if want := []int{-3, -1, 0, 2, 4}; !slices.Equal(order, want) {
			t.Errorf("got %v, want %v", order, want)
		}
		wantCounts(t, b, 0, 0, 0)
		full, cause := context.WithCancelCause(t.Context())
		_ = b.Acquire(t.Context(), &holder)
		done := enter(full, b, &guard.Permit{})
		cause(left)
		if err := <-done; !errors.Is(err, left) {
			t.Errorf("got %v", err)
		}
	})
}

// TestPermitGrantedWhileGivingUp hands a permit to a waiter whose context has
// just ended: mostly before it has left the queue.
func TestPermitGrantedWhileGivingUp(t *testing.T) {
	for range 200 {
		b := guard.NewBulkhead(guard.BulkheadPolicy{Limit: 1, Queue: 1, Wait: time.Minute})
		var holder, waiter guard.Permit
		_ = b.Acquire(t.Context(), &holder)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- b.Acquire(ctx, &waiter) }()
		for b.Waiting() == 0 {
			time.Sleep(time.Microsecond)
		}
		cancel()
		holder.Release()
		err := <-done
		if (err == nil) != waiter.Held() {
			t.Fatalf("got %v, held %t", err, waiter.Held())
		}
		waiter.Release()
		wantCounts(t, b, 0, 0, 0)
	}
}

// TestWaitThatEndsWithAGrant lets a permit come free at the very end of the wait.
func TestWaitThatEndsWithAGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := guard.NewBulkhead(guard.BulkheadPolicy{Limit: 1, Queue: 1, Wait: time.Second})
		for range 50 {
			var holder, waiter guard.Permit
			_ = b.Acquire(t.Context(), &holder)
			time.AfterFunc(time.Second, holder.Release)
			err := b.Acquire(t.Context(), &waiter)
			if (err == nil) != waiter.Held() {
				t.Fatalf("got %v, held %t", err, waiter.Held())
			}
			synctest.Wait()
			waiter.Release()
			if b.InUse() != 0 || b.Waiting() != 0 {
				t.Fatalf("in use %d, waiting %d", b.InUse(), b.Waiting())
			}
		}
	})
}

func TestPermitIsReleasedOnce(t *testing.T) {
	b := guard.NewBulkhead(guard.BulkheadPolicy{Limit: 2, Queue: 1, Wait: time.Second})
	var one, other guard.Permit
	_, _ = b.Acquire(t.Context(), &one), b.Acquire(t.Context(), &other)
	stampede(16, func(int) { one.Release() })
	wantCounts(t, b, 1, 0, 0)
	defer func() {
		if recover() == nil {
			t.Error("a second place was taken into a permit that is held")
		}
		wantCounts(t, b, 1, 0, 0)
	}()
	_ = b.Acquire(t.Context(), &other)
}

func TestUnlimitedBulkheadCounts(t *testing.T) {
	b := guard.NewBulkhead(guard.UnlimitedBulkhead())
	permits := make([]guard.Permit, 10_000)
	for i := range permits {
		if err := b.Acquire(t.Context(), &permits[i]); err != nil {
			t.Fatal(err)
		}
	}
	wantCounts(t, b, 10_000, 0, 0)
	b.SetPolicy(guard.BulkheadPolicy{Limit: 5000, Queue: 1, Wait: time.Nanosecond})
	if err := b.Acquire(t.Context(), &guard.Permit{}); !errors.Is(err, guard.ErrFull) {
		t.Errorf("got %v", err)
	}
	for i := range permits {
		permits[i].Release()
	}
	wantCounts(t, b, 0, 0, 1)
}

func TestLimitsChangeWhilePermitsAreOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		policy := guard.BulkheadPolicy{Limit: 2, Queue: 10, Wait: time.Second}
		b := guard.NewBulkhead(policy)
		var permits [6]guard.Permit
		var done [6]<-chan error
		for i := range permits {
			done[i] = enter(t.Context(), b, &permits[i])
		}
		wantCounts(t, b, 2, 4, 0)
		policy.Limit = 4
		b.SetPolicy(policy) // lets two in
		synctest.Wait()
		wantCounts(t, b, 4, 2, 0)
		policy.Limit = 3
		b.SetPolicy(policy)
		permits[0].Release() // nobody takes its place
		synctest.Wait()
		wantCounts(t, b, 3, 2, 0)
		permits[1].Release()
		synctest.Wait()
		wantCounts(t, b, 3, 1, 0)
		policy.Limit = 0
		b.SetPolicy(policy) // unlimited
		for i := range permits {
			if err := <-done[i]; err != nil {
				t.Errorf("%d: %v", i, err)
			}
			permits[i].Release()
		}
		wantCounts(t, b, 0, 0, 0)
	})
}

// TestNobodyWaitsForNothing would see a waiter that was forgotten while there
// was room: only when nothing else moves does the bubble's clock reach its wait.
func TestNobodyWaitsForNothing(t *testing.T) {
	for _, limit := range []int{1, 2, 4} {
		synctest.Test(t, func(t *testing.T) {
			b := guard.NewBulkhead(guard.BulkheadPolicy{Limit: limit, Queue: 64, Wait: time.Hour})
			stampede(2*limit, func(int) {
				var permit guard.Permit
				for range 20000 {
					if err := b.Acquire(t.Context(), &permit); err != nil {
						t.Error(err)
						return
					}
					permit.Release()
				}
			})
			wantCounts(t, b, 0, 0, 0)
		})
	}
}

// TestStampedeLeavesNothingBehind sends more through than fits; some give up.
func TestStampedeLeavesNothingBehind(t *testing.T) {
	b := guard.NewBulkhead(guard.BulkheadPolicy{Limit: 4, Queue: 8, Wait: 50 * time.Microsecond})
	var inside, refused atomic.Int64
	stampede(32, func(i int) {
		for k := range 300 {
			ctx, cancel := context.WithCancel(t.Context())
			if (i+k)%3 == 0 {
				go cancel()
			}
			var permit guard.Permit
			switch err := b.Acquire(ctx, &permit); {
			case err == nil:
				if now := inside.Add(1); now > 4 {
					t.Errorf("%d at once", now)
				}
				inside.Add(-1)
				permit.Release()
				permit.Release()
			case errors.Is(err, guard.ErrFull):
				refused.Add(1)
			case !errors.Is(err, context.Canceled):
				t.Error(err)
			}
			cancel()
		}
	})
	wantCounts(t, b, 0, 0, uint64(refused.Load()))
}

// TestBulkheadKeepsToItsModel drives any order of coming, leaving and change of
// limit, and holds the counts to a queue written down plainly.
func TestBulkheadKeepsToItsModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(struct{ rapid.TB }{t}, func(t *rapid.T) { driveBulkhead(t) })
	})
}

type visitor struct {
	permit guard.Permit
	cancel context.CancelFunc
	done   chan error
}

func driveBulkhead(t *rapid.T) {
	policy := guard.BulkheadPolicy{Limit: 2, Queue: 3, Wait: time.Hour}
	b := guard.NewBulkhead(policy)
	var inside, queue []*visitor
	settle := func() {
		synctest.Wait()
		for len(queue) > 0 && len(inside) < policy.Limit {
			inside, queue = append(inside, queue[0]), queue[1:]
		}
	}
	take := func(t *rapid.T, from *[]*visitor) *visitor {
		if len(*from) == 0 {
			t.Skip("nobody is there")
		}
		i := rapid.IntRange(0, len(*from)-1).Draw(t, "who")
		v := (*from)[i]
		*from = slices.Delete(*from, i, i+1)
		return v
	}
	defer func() {
		for _, v := range append(inside, queue...) {
			v.cancel()
			synctest.Wait()
			v.permit.Release()
		}
		synctest.Wait()
	}()
	t.Repeat(map[string]func(*rapid.T){
		"come": func(t *rapid.T) {
			ctx, cancel := context.WithCancel(context.Background())
			v := &visitor{cancel: cancel, done: make(chan error, 1)}
			go func() { v.done <- b.Acquire(ctx, &v.permit) }()
			if synctest.Wait(); len(inside) >= policy.Limit && len(queue) >= policy.Queue {
				if err := <-v.done; !errors.Is(err, guard.ErrFull) {
					t.Fatalf("got %v", err)
				}
				cancel()
				return
			}
			queue = append(queue, v)
		},
		"leave": func(t *rapid.T) { take(t, &inside).permit.Release() },
		"give up": func(t *rapid.T) {
			v := take(t, &queue)
			v.cancel()
			if err := <-v.done; !errors.Is(err, context.Canceled) {
				t.Fatalf("got %v", err)
			}
		},
		"limit": func(t *rapid.T) {
			policy.Limit = rapid.IntRange(1, 4).Draw(t, "limit")
			b.SetPolicy(policy)
		},
		"": func(t *rapid.T) {
			settle()
			if b.InUse() != len(inside) || b.Waiting() != len(queue) {
				t.Fatalf("in use %d, waiting %d; want %d, %d", b.InUse(), b.Waiting(), len(inside), len(queue))
			}
			for i, v := range slices.Concat(inside, queue) {
				if v.permit.Held() != (i < len(inside)) {
					t.Fatalf("visitor %d holds a permit: %t", i, v.permit.Held())
				}
			}
		},
	})
}

func TestBulkheadPolicies(t *testing.T) {
	for name, policy := range map[string]guard.BulkheadPolicy{
		"unlimited": guard.UnlimitedBulkhead(), "lane": guard.LaneBulkhead(),
		"backend": guard.BackendBulkhead(), "streams": guard.StreamBulkhead(),
	} {
		if err := policy.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	got := guard.BulkheadPolicy{Limit: 50}.Defaulted(guard.UnlimitedBulkhead())
	if want := (guard.BulkheadPolicy{Limit: 50, Queue: 64, Wait: 100 * time.Millisecond}); got != want {
		t.Errorf("got %+v", got)
	}
	for policy, want := range map[guard.BulkheadPolicy]string{
		{Limit: -1, Queue: 1, Wait: 1}: "limit is -1: it must be positive and at most 2147483647",
		{Limit: 1, Queue: -2, Wait: 1}: "queue is -2: it must be positive and at most 2147483647",
		{Limit: 1, Queue: 1}:           "wait is 0s: it must be positive",
	} {
		if got := fmt.Sprint(policy.Validate()); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
