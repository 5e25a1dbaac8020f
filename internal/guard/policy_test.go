package guard_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/guard"
)

func TestDefaultPoliciesAreValid(t *testing.T) {
	for name, policy := range map[string]guard.Policy{"legacy": guard.LegacyPolicy(), "new": guard.NewPolicy()} {
		if err := policy.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := (guard.Policy{}).Defaulted(policy); got != policy {
			t.Errorf("%s, nothing written: %s", name, cmp.Diff(policy, got))
		}
	}
	legacy := guard.LegacyPolicy()
	if legacy.Bulkhead.Limit != 0 || legacy.Streams.Limit != 0 || legacy.Fallback != 0 {
		t.Errorf("legacy changes the monolith: %+v", legacy)
	}
}

func TestPolicyDefaultsOnlyWhatIsMissing(t *testing.T) {
	written := guard.Policy{
		Timeouts: guard.Timeouts{Whole: 18 * time.Second},
		Retry:    guard.RetryPolicy{Attempts: 2},
		Breaker:  guard.BreakerPolicy{InARow: 3},
		Streams:  guard.BulkheadPolicy{Limit: 10},
		Fallback: guard.FallbackNever,
	}
	want := guard.NewPolicy()
	want.Timeouts.Whole, want.Breaker.Trial = 18*time.Second, 18*time.Second
	want.Retry.Attempts, want.Breaker.InARow, want.Streams.Limit = 2, 3, 10
	want.Fallback = guard.FallbackNever
	got := written.Defaulted(guard.NewPolicy())
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if err := got.Validate(); err != nil {
		t.Error(err)
	}
}

func TestPoliciesThatContradict(t *testing.T) {
	for _, test := range []struct {
		change func(*guard.Policy)
		want   string
	}{
		{func(p *guard.Policy) { p.Timeouts.Read = 16 * time.Second }, "timeout read (16s) is longer than whole (15s): a single try cannot outlast the exchange"},
		{func(p *guard.Policy) { p.Retry.Attempts = 11 }, "retry attempts is 11: it must be between 1, which means no retry, and 10"},
		{func(p *guard.Policy) { p.Bulkhead.Limit = -4 }, "bulkhead: limit is -4: it must be positive and at most 2147483647"},
		{func(p *guard.Policy) { p.Streams.Queue = -1 }, "streams: queue is -1: it must be positive and at most 2147483647"},
		{
			func(p *guard.Policy) { p.Breaker.Window = 15 * time.Second },
			"timeout whole (15s) is not below the breaker's window (15s): results would leave the window before their like arrive",
		},
		{func(p *guard.Policy) { p.Breaker.Trial = 10 * time.Second }, "timeout whole (15s) is longer than the breaker's trial (10s): a trial could outlive its lease"},
		{func(p *guard.Policy) { p.Breaker.SlowCall = 16 * time.Second }, "breaker slow.over (16s) is longer than timeout whole (15s): no exchange would ever be slow"},
		{func(p *guard.Policy) { p.Breaker.Window = -1 }, "breaker window is -1ns: it must be positive"},
		{func(p *guard.Policy) { p.Breaker.OpenFor = 2 * time.Minute }, "breaker open (2m0s) is longer than max_open (1m0s)"},
		{func(p *guard.Policy) { p.Breaker.FailureRate = math.NaN() }, "breaker failures is NaN: it must be above 0 and at most 1"},
		{func(p *guard.Policy) { p.Breaker.FailureRate = 1.01 }, "breaker failures is 1.01: it must be above 0 and at most 1"},
		{func(p *guard.Policy) { p.Breaker.SlowRate = -0.5 }, "breaker slow share is -0.5: it must be above 0 and at most 1"},
		{func(p *guard.Policy) { p.Breaker.MinResults = -1 }, "breaker min is -1: it must be positive"},
		{func(p *guard.Policy) { p.Breaker.InARow = -1 }, "breaker consecutive is -1: it must be positive"},
		{func(p *guard.Policy) { p.Breaker.SlowCall = -1 }, "breaker slow over is -1ns: it must be positive"},
		{func(p *guard.Policy) { p.Breaker.Counts = 9 }, `breaker counts "default": it must be failures or connections`},
	} {
		policy := guard.NewPolicy()
		test.change(&policy)
		if got := fmt.Sprint(policy.Validate()); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

func TestAnUnwrittenWindowHoldsTheWholeExchange(t *testing.T) {
	for _, test := range []struct{ whole, written, want time.Duration }{
		{whole: 19 * time.Second, want: 20 * time.Second},
		{whole: 20 * time.Second, want: 40 * time.Second},
		{whole: 5 * time.Minute, want: 10 * time.Minute},
		{whole: time.Minute, written: 20 * time.Second, want: 20 * time.Second},
	} {
		policy := guard.Policy{Timeouts: guard.Timeouts{Whole: test.whole}, Breaker: guard.BreakerPolicy{Window: test.written}}
		got := policy.Defaulted(guard.NewPolicy())
		if got.Breaker.Window != test.want {
			t.Errorf("whole %s, window %s written: the window is %s, want %s", test.whole, test.written, got.Breaker.Window, test.want)
		}
		if err := got.Validate(); (err == nil) != (test.written == 0) {
			t.Errorf("whole %s, window %s written: %v", test.whole, test.written, err)
		}
	}
}

func TestABreakerThatIsOffFitsAnyTimeout(t *testing.T) {
	policy := guard.NewPolicy()
	policy.Timeouts.Whole, policy.Breaker.Off = time.Hour, true
	if err := policy.Validate(); err != nil {
		t.Error(err)
	}
}
