package guard_test

import (
	"errors"
	"math"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
)

func TestParseFallbackOn(t *testing.T) {
	for _, test := range []struct {
		tokens []string
		want   string
	}{
		{nil, ""},
		{[]string{"open", "timeout", "5xx"}, "open,timeout,500,502,503,504"},
		{[]string{"404", "501", "not_sent", "full", "404"}, "full,not_sent,404,501"},
		{[]string{"none"}, "none"},
	} {
		got, err := guard.ParseFallbackOn(test.tokens)
		if err != nil || got.String() != test.want {
			t.Errorf("%v: got %s, %v", test.tokens, got, err)
		}
	}
	if got := guard.DefaultFallback().String(); got != "open,full,not_sent,timeout,502,503,504" {
		t.Errorf("the default is %s", got)
	}
}

func TestParseFallbackOnRefuses(t *testing.T) {
	const known = "open, full, not_sent, timeout, 500, 502, 503, 504, 404, 501, none, 5xx"
	for _, test := range []struct {
		tokens []string
		want   string
	}{
		{[]string{"open", "4xx"}, `fallback refused: "4xx" is no cause; known are ` + known},
		{[]string{"Open"}, `fallback refused: "Open" is no cause; known are ` + known},
		{[]string{""}, `fallback refused: "" is no cause; known are ` + known},
		{[]string{"none", "open"}, "fallback refused: none stands alone, and here it stands beside open"},
	} {
		got, err := guard.ParseFallbackOn(test.tokens)
		if !errors.Is(err, guard.ErrFallbackOn) || err.Error() != test.want || got != 0 {
			t.Errorf("%v: got %s, %v", test.tokens, got, err)
		}
	}
}

func TestCausesOfFallback(t *testing.T) {
	for _, test := range []struct {
		class  guard.Class
		status int
		want   guard.FallbackOn
	}{
		{guard.OK, 200, 0},
		{guard.OK, 404, guard.Fallback404},
		{guard.OK, 501, guard.Fallback501},
		{guard.OK, 400, 0},
		{guard.Failure, 500, guard.Fallback500},
		{guard.Failure, 502, guard.Fallback502},
		{guard.Failure, 503, guard.Fallback503},
		{guard.Failure, 504, guard.Fallback504},
		{guard.Failure, 200, 0}, // gRPC says its failures elsewhere
		{guard.NotSent, 0, guard.FallbackNotSent},
		{guard.Timeout, 0, guard.FallbackTimeout},
		{guard.NoResponse, 0, guard.Fallback502},
		{guard.BadResponse, 0, guard.Fallback502},
		{guard.Broken, 502, 0}, // the client has the head already
		{guard.ClientFault, 0, 0},
		{guard.ClientGone, 0, 0},
	} {
		if got := guard.FallbackCause(test.class, test.status); got != test.want {
			t.Errorf("%s, %d: got %s, want %s", test.class, test.status, got, test.want)
		}
	}
}

func TestWhoMayCrossSides(t *testing.T) {
	on := guard.DefaultFallback()
	for _, test := range []struct {
		cause      guard.FallbackOn
		safe, sent bool
		want       bool
	}{
		{guard.FallbackTimeout, true, true, true},
		{guard.FallbackTimeout, false, true, false}, // it may have been applied
		{guard.FallbackNotSent, false, false, true},
		{guard.FallbackOpen, false, false, true},
		{guard.FallbackOpen, false, true, false}, // an earlier try was sent
		{guard.Fallback503, false, true, false},
		{guard.Fallback500, true, true, false}, // not in the set
		{0, true, false, false},
	} {
		if got := on.Allows(test.cause, test.safe, test.sent); got != test.want {
			t.Errorf("%s, safe %t, sent %t: got %t", test.cause, test.safe, test.sent, got)
		}
	}
	if guard.FallbackNever.Allows(guard.FallbackNotSent, true, false) {
		t.Error("none lets something cross")
	}
}

// take asks n times and says how often there was room.
func take(b *guard.FallbackBudget, n int, now time.Time) int {
	got := 0
	for range n {
		if b.Take(now) {
			got++
		}
	}
	return got
}

func TestFallbackBudgetOfAQuietBackend(t *testing.T) {
	b := guard.NewFallbackBudget(guard.DefaultFallbackBudget(), epoch)
	for _, test := range []struct {
		after time.Duration
		want  int
	}{
		{0, 5},                       // the burst of one second
		{200 * time.Millisecond, 1},  // five a second
		{1199 * time.Millisecond, 4}, // not quite five
		{1200 * time.Millisecond, 1}, // and the rest of it
		{time.Hour, 5},               // never more than a second's worth
		{time.Minute, 0},             // a clock that was read earlier adds nothing
	} {
		if got := take(b, 200, at(test.after)); got != test.want {
			t.Errorf("after %s: got %d, want %d", test.after, got, test.want)
		}
	}
}

func TestFallbackBudgetOfAnEarlierClock(t *testing.T) {
	b := guard.NewFallbackBudget(guard.DefaultFallbackBudget(), epoch)
	if got := take(b, 4, at(time.Hour)); got != 4 {
		t.Fatalf("got %d", got)
	}
	if got := take(b, 9, at(time.Minute)); got != 1 { // takes nothing away either
		t.Errorf("got %d", got)
	}
}

func TestFallbackBudgetFollowsWhatWasServed(t *testing.T) {
	b := guard.NewFallbackBudget(guard.DefaultFallbackBudget(), epoch)
	for i := range 2400 { // 40 a second for a minute, so 20 fallbacks a second
		b.Served(at(time.Duration(i) * time.Minute / 2400))
	}
	now := at(time.Minute - 1)
	if got := b.Rate(now); math.Abs(got-20) > 1e-6 {
		t.Errorf("rate %v", got)
	}
	total := 0
	for range 10 {
		total += take(b, 200, now)
		now = now.Add(100 * time.Millisecond)
		for range 4 {
			b.Served(now)
		}
	}
	if total < 36 || total > 38 { // a burst of 20, and 0.9 s at 18 or more while the oldest tenth leaves the window
		t.Errorf("%d in a second", total)
	}
	if got := b.Rate(at(3 * time.Minute)); got != 5 {
		t.Errorf("rate %v, long after the last request", got)
	}
}

// TestAYoungFallbackBudgetReckonsByItsAge: a router that has just started must
// not leave users alone because it has not served for a whole minute yet.
func TestAYoungFallbackBudgetReckonsByItsAge(t *testing.T) {
	b := guard.NewFallbackBudget(guard.DefaultFallbackBudget(), epoch)
	const second = 40 // requests
	served := 0
	for _, test := range []struct {
		age  time.Duration
		want float64
	}{
		{time.Second, 5},       // 40 within ten seconds are 4 a second: the floor
		{10 * time.Second, 20}, // 400
		{30 * time.Second, 20}, // 1200
	} {
		for ; served < int(test.age.Seconds())*second; served++ {
			b.Served(at(time.Duration(served) * time.Second / second))
		}
		if got := b.Rate(at(test.age)); got != test.want {
			t.Errorf("after %s: rate %v, want %v", test.age, got, test.want)
		}
	}
}

func TestFallbackBudgetIsThatOfItsPolicy(t *testing.T) {
	b := guard.NewFallbackBudget(guard.FallbackBudgetPolicy{Floor: 2}.Defaulted(guard.DefaultFallbackBudget()), epoch)
	if got := take(b, 200, epoch); got != 2 {
		t.Errorf("got %d", got)
	}
	for range 400 {
		b.Served(epoch)
	}
	soon := at(10 * time.Second)
	if got := b.Rate(soon); got != 20 { // half of 40 a second
		t.Errorf("rate %v", got)
	}
	b.SetPolicy(guard.FallbackBudgetPolicy{Share: 0.1, Floor: 1})
	if got := b.Rate(soon); got != 4 {
		t.Errorf("rate %v by the new policy", got)
	}
}

func TestFallbackBudgetHoldsInAStampede(t *testing.T) {
	b := guard.NewFallbackBudget(guard.DefaultFallbackBudget(), epoch)
	var crossed atomic.Int64
	stampede(200, func(int) {
		if b.Take(epoch) {
			crossed.Add(1)
		}
	})
	if crossed.Load() != 5 {
		t.Errorf("%d crossed", crossed.Load())
	}
	stampede(60, func(int) {
		for range 100 {
			b.Served(epoch)
		}
	})
	if got := b.Rate(at(50 * time.Second)); got != 60 { // half of 6000 in 50 s
		t.Errorf("rate %v", got)
	}
}
