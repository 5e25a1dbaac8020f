package guard_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stranglerfig/strangler/internal/guard"
)

func TestBackoffDoublesUpToItsCap(t *testing.T) {
	policy := guard.NewRetry()
	for tried, longest := range []time.Duration{
		1: 100 * time.Millisecond, 2: 200 * time.Millisecond, 3: 400 * time.Millisecond, 4: 800 * time.Millisecond,
		5: 1600 * time.Millisecond, 6: 2 * time.Second, 10: 2 * time.Second,
	} {
		if longest == 0 {
			continue
		}
		for random, want := range map[float64]time.Duration{0: 0, 0.5: longest / 2, 1: longest} {
			if got := policy.Backoff(tried, random); got != want {
				t.Errorf("after %d, random %v: got %s, want %s", tried, random, got, want)
			}
		}
	}
}

func TestWaitHonoursRetryAfterAndTheDeadline(t *testing.T) {
	policy := guard.NewRetry()
	for _, test := range []struct {
		retryAfter, left, want time.Duration
		ok                     bool
	}{
		{0, time.Second, 50 * time.Millisecond, true},
		{20 * time.Millisecond, time.Second, 50 * time.Millisecond, true},
		{700 * time.Millisecond, time.Second, 700 * time.Millisecond, true},
		{time.Second, time.Second, time.Second, false},
		{0, 50 * time.Millisecond, 50 * time.Millisecond, false},
		{0, -time.Second, 50 * time.Millisecond, false},
	} {
		if got, ok := policy.Wait(1, 0.5, test.retryAfter, test.left); got != test.want || ok != test.ok {
			t.Errorf("%+v: got %s, %t", test, got, ok)
		}
	}
}

func TestWhatMayBeTriedAgain(t *testing.T) {
	type answer struct{ legacy, legacyRepeatable, new, newRepeatable bool }
	for class, want := range map[guard.Class]answer{
		guard.OK:          {},
		guard.NotSent:     {true, true, true, true},
		guard.NoResponse:  {newRepeatable: true},
		guard.Timeout:     {newRepeatable: true},
		guard.Failure:     {newRepeatable: true},
		guard.BadResponse: {},
		guard.Broken:      {},
		guard.ClientFault: {},
		guard.ClientGone:  {},
	} {
		legacy, latest := guard.LegacyRetry(), guard.NewRetry()
		got := answer{legacy.Allows(class, false, 1), legacy.Allows(class, true, 1), latest.Allows(class, false, 3), latest.Allows(class, true, 3)}
		if got != want {
			t.Errorf("%s: got %+v, want %+v", class, got, want)
		}
		if legacy.Allows(class, true, 2) || latest.Allows(class, true, 4) {
			t.Errorf("%s: one try too many", class)
		}
	}
}

func TestRetryPoliciesThatContradict(t *testing.T) {
	for _, test := range []struct {
		change func(*guard.RetryPolicy)
		want   string
	}{
		{func(p *guard.RetryPolicy) { p.Attempts = 0 }, "retry attempts is 0: it must be between 1, which means no retry, and 10"},
		{func(p *guard.RetryPolicy) { p.Attempts = 100 }, "retry attempts is 100: it must be between 1, which means no retry, and 10"},
		{func(p *guard.RetryPolicy) { p.Base = -1 }, "retry base is -1ns: it must be positive"},
		{func(p *guard.RetryPolicy) { p.Base = time.Minute }, "retry base (1m0s) is longer than cap (2s)"},
		{func(p *guard.RetryPolicy) { p.Replay = -5 }, "retry replay is -5 bytes: it must not be negative"},
		{func(p *guard.RetryPolicy) { p.Share = 1.5 }, "retry budget is 1.5: it must be above 0 and at most 1"},
		{func(p *guard.RetryPolicy) { p.Floor = -3 }, "retry min_per_second is -3: it must be above 0 and at most 10000"},
		{func(p *guard.RetryPolicy) { p.Classes = 9 }, `retry classes is "default": it must be repeatable or not_sent`},
	} {
		policy := guard.NewRetry()
		test.change(&policy)
		if got := fmt.Sprint(policy.Validate()); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

// reserve asks n times and says how often there was room.
func reserve(b *guard.RetryBudget, n int, now time.Time) int {
	got := 0
	for range n {
		if b.Reserve(now) {
			got++
		}
	}
	return got
}

func TestRetryBudgetIsAShareAndAFloor(t *testing.T) {
	b := guard.NewRetryBudget(guard.NewRetry(), epoch)
	for i := range 1000 {
		b.Request(at(time.Duration(i) * time.Millisecond))
	}
	now := at(time.Second)
	if got := b.Left(now); got != 230 {
		t.Errorf("room for %d", got)
	}
	if got := reserve(b, 500, now); got != 200+30 { // a fifth of 1000, and 3 a second for ten seconds
		t.Errorf("%d retries wait", got)
	}
	for range 30 {
		b.Return()
	}
	for range 200 {
		b.Spend(now)
	}
	if got := reserve(b, 500, at(9900*time.Millisecond)); got != 30 {
		t.Errorf("%d more", got)
	}
	if got := b.Left(at(10 * time.Second)); got != 0 { // the requests have left the window, the retries not yet
		t.Errorf("room for %d", got)
	}
	for range 30 {
		b.Return()
	}
	if got := reserve(b, 500, at(30*time.Second)); got != 30 {
		t.Errorf("an idle lane: %d", got)
	}
}

func TestRetriesInBackoffCountHoweverLongTheyWait(t *testing.T) {
	b := guard.NewRetryBudget(guard.NewRetry(), epoch)
	if got := reserve(b, 100, epoch); got != 30 {
		t.Fatalf("got %d", got)
	}
	if b.Reserve(at(time.Hour)) {
		t.Error("those that wait are forgotten")
	}
	b.Return()
	if !b.Reserve(at(time.Hour)) {
		t.Error("what was given back is lost")
	}
}

func TestRetryBudgetHoldsInAStampede(t *testing.T) {
	b := guard.NewRetryBudget(guard.NewRetry(), epoch)
	stampede(32, func(int) {
		for range 100 {
			b.Request(epoch)
			if b.Reserve(epoch) {
				b.Return()
			}
		}
	})
	if got := reserve(b, 5000, epoch); got != 3200/5+30 {
		t.Errorf("got %d", got)
	}
}

// TestRetryBudgetIsNeverOverspent adds up in plain lists what any ten seconds saw.
func TestRetryBudgetIsNeverOverspent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := guard.NewRetryBudget(guard.NewRetry(), epoch)
		var requests, retries []time.Time
		now, waiting := epoch, 0
		recent := func(moments []time.Time) (n float64) {
			for _, m := range moments {
				if now.Sub(epoch)/time.Second-m.Sub(epoch)/time.Second < 10 {
					n++
				}
			}
			return n
		}
		t.Repeat(map[string]func(*rapid.T){
			"request": func(t *rapid.T) {
				for range rapid.IntRange(1, 50).Draw(t, "n") {
					requests = append(requests, now)
					b.Request(now)
				}
			},
			"retry": func(t *rapid.T) {
				for range rapid.IntRange(1, 20).Draw(t, "n") {
					want := float64(waiting)+recent(retries)+1 <= 0.2*recent(requests)+30
					if got := b.Reserve(now); got != want {
						t.Fatalf("got %t, want %t", got, want)
					}
					if want {
						waiting++
					}
				}
			},
			"end": func(t *rapid.T) {
				for range rapid.IntRange(0, waiting).Draw(t, "n") {
					waiting--
					if rapid.Bool().Draw(t, "spent") {
						b.Spend(now)
						retries = append(retries, now)
					} else {
						b.Return()
					}
				}
			},
			"pass": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 4000).Draw(t, "ms")) * time.Millisecond)
			},
		})
	})
}
