package exchange_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
)

// TestWhatIsTriedAgain is the rule of retries as a table: a request that may
// have taken effect is sent once more only if it means the same twice.
func TestWhatIsTriedAgain(t *testing.T) {
	later := exchange.Fields{"Retry-After": {"1"}}
	failed := func(class guard.Class) func(*exchange.Exchange) exchange.Next {
		return func(x *exchange.Exchange) exchange.Next { return x.AttemptFailed(class, tried(0)) }
	}
	answered := func(status int, in exchange.Fields) func(*exchange.Exchange) exchange.Next {
		return func(x *exchange.Exchange) exchange.Next { return x.HeadArrived(status, in, tried(0)) }
	}
	for _, c := range []struct {
		name                  string
		end                   func(*exchange.Exchange) exchange.Next
		get, put, post, keyed bool
		legacy                bool // GET on legacy
	}{
		{"not sent", failed(guard.NotSent), true, true, true, true, true},
		{"no response", failed(guard.NoResponse), true, true, false, true, false},
		{"timeout", failed(guard.Timeout), true, true, false, true, false},
		{"no valid response", failed(guard.BadResponse), false, false, false, false, false},
		{"client's fault", failed(guard.ClientFault), false, false, false, false, false},
		{"200", answered(200, nil), false, false, false, false, false},
		{"404", answered(404, later), false, false, false, false, false},
		{"429", answered(429, nil), false, false, false, false, false},
		{"429 with Retry-After", answered(429, later), true, true, false, true, false},
		{"500", answered(500, nil), true, false, false, false, false},
		{"501", answered(501, nil), false, false, false, false, false},
		{"502", answered(502, nil), true, true, false, true, false},
		{"503", answered(503, nil), true, true, false, true, false},
		{"504", answered(504, nil), true, true, false, true, false},
	} {
		key := exchange.Fields{"Idempotency-Key": {"7"}}
		legacy := guard.LegacyPolicy()
		for what, one := range map[string]struct {
			x      exchange.Exchange
			policy *guard.Policy
			in     exchange.Fields
			want   bool
		}{
			"GET":             {exchange.Exchange{Method: "GET"}, policy(), nil, c.get},
			"PUT":             {exchange.Exchange{Method: "PUT"}, policy(), nil, c.put},
			"DELETE":          {exchange.Exchange{Method: "DELETE"}, policy(), nil, c.put},
			"POST":            {exchange.Exchange{Method: "POST"}, policy(), nil, c.post},
			"POST with a key": {exchange.Exchange{Method: "POST"}, policy(), key, c.keyed},
			"GET on legacy":   {exchange.Exchange{Method: "GET"}, &legacy, nil, c.legacy},
			"gRPC":            {exchange.Exchange{Method: "POST", Kind: exchange.KindGRPC}, policy(), nil, false},
		} {
			x := begun(one.x, one.policy, one.in)
			if next := c.end(x); (next.Do == exchange.Retry) != one.want {
				t.Errorf("%s after %s: %+v, want another try: %v", what, c.name, next, one.want)
			}
		}
	}
}

func TestRetriesEndWithTheAttempts(t *testing.T) {
	x := begun(exchange.Exchange{Method: "GET"}, policy(), nil)
	for n := 1; n < policy().Retry.Attempts; n++ {
		next := x.AttemptFailed(guard.Timeout, tried(0))
		if longest := min(100*time.Millisecond<<(n-1), 2*time.Second); next.Do != exchange.Retry || next.Wait != longest/2 {
			t.Fatalf("after try %d: %+v, want half of %s", n, next, longest)
		}
		x.Waited(0)
	}
	if next := x.AttemptFailed(guard.Timeout, tried(0)); next.Do != exchange.Answer || next.Problem.Code != "upstream_timeout" {
		t.Errorf("after the last try: %+v", next)
	}
	if x.Retries != 3 {
		t.Errorf("%d retries counted", x.Retries)
	}
}

func TestNoRetryBeyondTheWholeLimit(t *testing.T) {
	x := begun(exchange.Exchange{Method: "GET"}, policy(), nil)
	if next := x.AttemptFailed(guard.Timeout, tried(limits.Whole-time.Millisecond)); next.Do != exchange.Answer {
		t.Errorf("%+v, though only a millisecond was left", next)
	}
}

// TestRetryAfterIsHonoured: in seconds and as a date, up to the whole limit.
func TestRetryAfterIsHonoured(t *testing.T) {
	start := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"2":                             2 * time.Second,
		"Mon, 23 Nov 2026 12:00:05 GMT": 4 * time.Second, // the try ended a second after the start
		"Mon, 23 Nov 2026 11:00:00 GMT": 50 * time.Millisecond,
		"soon":                          50 * time.Millisecond,
		"-1":                            50 * time.Millisecond,
		"60":                            0,
		"99999999999999999999":          50 * time.Millisecond,
	} {
		x := begun(exchange.Exchange{Method: "GET", Start: start}, policy(), nil)
		next := x.HeadArrived(503, exchange.Fields{"Retry-After": {text}}, tried(time.Second))
		if want == 0 && next.Do != exchange.Relay || want != 0 && (next.Do != exchange.Retry || next.Wait != want) {
			t.Errorf("Retry-After: %s: %+v, want to wait %s", text, next, want)
		}
	}
}

// TestWithoutABudgetTheBackendsOwnAnswerPasses: and without a body that can be
// sent again.
func TestWithoutABudgetTheBackendsOwnAnswerPasses(t *testing.T) {
	x := begun(exchange.Exchange{Method: "GET"}, policy(), nil)
	x.HeadArrived(503, nil, tried(0))
	if next := x.NoRetry(true); next.Do != exchange.Relay || x.Status != 503 || !x.RetryRefused {
		t.Errorf("%+v, status %d", next, x.Status)
	}
	x = begun(exchange.Exchange{Method: "GET"}, policy(), nil)
	x.HeadArrived(503, nil, tried(0))
	if next := x.NotAgain(true); next.Do != exchange.Relay || x.Status != 503 || x.RetryRefused || x.Retries != 0 {
		t.Errorf("with the breaker open: %+v, status %d, %d retries", next, x.Status, x.Retries)
	}
	x = begun(exchange.Exchange{Method: "PUT"}, policy(), nil)
	if next := x.HeadArrived(503, nil, exchange.Tried{}); next.Do != exchange.Relay {
		t.Errorf("a body that is gone: %+v", next)
	}
}

// TestFallback is the rule of the fallback as a table.
func TestFallback(t *testing.T) {
	inCanary := routing.Assignment{Side: routing.New, Stage: routing.StageCanary, Reason: routing.ReasonWeight}
	one := policy()
	one.Retry.Attempts = 1
	for _, c := range []struct {
		name      string
		end       func(*exchange.Exchange) exchange.Next
		get, post bool
	}{
		{"full", func(x *exchange.Exchange) exchange.Next { return x.NotAdmitted() }, true, true},
		{"open", func(x *exchange.Exchange) exchange.Next { return x.Blocked(time.Second, true) }, true, true},
		{"not sent", func(x *exchange.Exchange) exchange.Next { return x.AttemptFailed(guard.NotSent, tried(0)) }, true, true},
		{"timeout", func(x *exchange.Exchange) exchange.Next { return x.AttemptFailed(guard.Timeout, tried(0)) }, true, false},
		{"no response", func(x *exchange.Exchange) exchange.Next { return x.AttemptFailed(guard.NoResponse, tried(0)) }, true, false},
		{"503", func(x *exchange.Exchange) exchange.Next { return x.HeadArrived(503, nil, tried(0)) }, true, false},
		{"500", func(x *exchange.Exchange) exchange.Next { return x.HeadArrived(500, nil, tried(0)) }, false, false},
		{"404", func(x *exchange.Exchange) exchange.Next { return x.HeadArrived(404, nil, tried(0)) }, false, false},
		{"client's fault", func(x *exchange.Exchange) exchange.Next { return x.AttemptFailed(guard.ClientFault, tried(0)) }, false, false},
	} {
		for method, want := range map[string]bool{"GET": c.get, "POST": c.post} {
			x := begun(exchange.Exchange{Method: method, Assignment: inCanary}, one, exchange.Fields{"Idempotency-Key": {"7"}})
			next := c.end(x)
			if (next.Do == exchange.FallBack) != want {
				t.Errorf("%s after %s: %+v, want a fallback: %v", method, c.name, next, want)
			}
			if next.Do != exchange.FallBack {
				continue
			}
			if next := x.NoFallback(); next.Do == exchange.FallBack || x.FallbackRefused == 0 {
				t.Errorf("%s after %s without budget: %+v", method, c.name, next)
			}
		}
	}
}

func TestFallbackOnlyFromNewAndOnlyWhereLegacyIsStillAsked(t *testing.T) {
	for _, a := range []routing.Assignment{
		{Side: routing.Legacy, Stage: routing.StageCanary},
		{Side: routing.New, Stage: routing.StageRetired},
		{Side: routing.New, Stage: routing.StageShadow, Reason: routing.ReasonOverride}, // a tester wants to see it
		{Side: routing.New, Stage: routing.StageCanary, Reason: routing.ReasonOverride},
	} {
		x := begun(exchange.Exchange{Method: "GET", Assignment: a}, policy(), nil)
		if next := x.Blocked(time.Second, true); next.Do != exchange.Answer || next.Problem.Code != "circuit_open" {
			t.Errorf("%s %s: %+v", a.Side, a.Stage, next)
		}
	}
}

// TestCrossed: on legacy the exchange begins anew, with legacy's limits, and
// says why it is there.
func TestCrossed(t *testing.T) {
	x := begun(exchange.Exchange{Method: "GET", Assignment: routing.Assignment{Side: routing.New, Stage: routing.StageCanary}}, policy(), nil)
	x.Blocked(time.Second, true)
	legacy := guard.LegacyPolicy()
	if next := x.Crossed(&legacy, 2*time.Second); next.Do != exchange.Admit {
		t.Fatalf("%+v", next)
	}
	if next := x.Admitted(3 * time.Second); next.Within != legacy.Timeouts.Read {
		t.Errorf("legacy has %s, want its own %s", next.Within, legacy.Timeouts.Read)
	}
	if x.Assignment.Side != routing.Legacy || x.Assignment.Reason != routing.ReasonFallback || x.Fallback != guard.FallbackOpen {
		t.Errorf("%+v because of %s", x.Assignment, x.Fallback)
	}
	if next := x.Blocked(time.Second, true); next.Do != exchange.Answer {
		t.Errorf("a second fallback: %+v", next)
	}
}

// TestMoved: what may have taken effect on one side is sent to neither side again.
func TestMoved(t *testing.T) {
	legacy := guard.LegacyPolicy()
	for method, want := range map[string]exchange.Action{"GET": exchange.Admit, "PUT": exchange.Answer} {
		x := begun(exchange.Exchange{Method: method, Assignment: routing.Assignment{Side: routing.New}}, policy(), nil)
		x.AttemptFailed(guard.Timeout, tried(0))
		if next := x.Moved(routing.Assignment{Side: routing.Legacy}, &legacy, tried(0)); next.Do != want {
			t.Errorf("%s that timed out on new: %+v", method, next)
		}
	}
	x := begun(exchange.Exchange{Method: "PUT", Assignment: routing.Assignment{Side: routing.New}}, policy(), nil)
	x.AttemptFailed(guard.NotSent, tried(0))
	if next := x.Moved(routing.Assignment{Side: routing.Legacy}, &legacy, tried(0)); next.Do != exchange.Admit {
		t.Errorf("a PUT of which nothing was sent: %+v", next)
	}
}

func TestKeepsBody(t *testing.T) {
	legacy := guard.LegacyPolicy()
	const limit = 64 << 10
	for name, c := range map[string]struct {
		x      exchange.Exchange
		policy *guard.Policy
		want   int64
	}{
		"PUT on new":    {exchange.Exchange{Method: "PUT", Assignment: routing.Assignment{Side: routing.New}}, policy(), limit},
		"POST on new":   {exchange.Exchange{Method: "POST", Assignment: routing.Assignment{Side: routing.New}}, policy(), 0},
		"GET on new":    {exchange.Exchange{Method: "GET", Assignment: routing.Assignment{Side: routing.New}}, policy(), limit},
		"PUT on legacy": {exchange.Exchange{Method: "PUT"}, &legacy, 0},
		"gRPC on new":   {exchange.Exchange{Method: "POST", Kind: exchange.KindGRPC, Assignment: routing.Assignment{Side: routing.New}}, policy(), 0},
	} {
		if got := begun(c.x, c.policy, nil).KeepsBody(); got != c.want {
			t.Errorf("%s keeps %d bytes, want %d", name, got, c.want)
		}
	}
}

// Example of what a client is told while a breaker is open.
func ExampleExchange_Blocked() {
	x := exchange.Exchange{Method: "POST", Assignment: routing.Assignment{Side: routing.Legacy}}
	p := guard.LegacyPolicy()
	x.Begin(&p, nil, 0)
	x.Admitted(0)
	next := x.Blocked(4200*time.Millisecond, true)
	fmt.Println(next.Problem.Status, next.Problem.Code, next.Problem.RetryAfter)
	// Output: 503 circuit_open 4.2s
}

// TestTheTransportsOwnTriesCount: what it sent once more is a try as any other.
func TestTheTransportsOwnTriesCount(t *testing.T) {
	x := begun(exchange.Exchange{Method: "GET"}, policy(), nil)
	repeated := tried(0)
	repeated.Repeats = policy().Retry.Attempts - 2
	if next := x.AttemptFailed(guard.NoResponse, repeated); next.Do != exchange.Retry {
		t.Fatalf("one try was left, and %+v follows", next)
	}
	x.Waited(0)
	if next := x.HeadArrived(503, nil, tried(0)); next.Do != exchange.Relay {
		t.Errorf("after the last try: %+v", next)
	}
}

// TestAnOpenBreakerIsHonestAboutEarlierTries: nobody may take a request that
// was sent for one that was not.
func TestAnOpenBreakerIsHonestAboutEarlierTries(t *testing.T) {
	x := begun(exchange.Exchange{Method: "PUT"}, policy(), nil)
	if got := x.Blocked(0, true).Problem; got == nil || got.Detail != "The request was not sent." {
		t.Errorf("before any try: %+v", got)
	}
	x = begun(exchange.Exchange{Method: "PUT"}, policy(), nil)
	x.AttemptFailed(guard.NoResponse, tried(0))
	x.Waited(0)
	want := "An earlier try was sent; whether it took effect is not known."
	if got := x.Blocked(0, true).Problem; got == nil || got.Detail != want {
		t.Errorf("after a try: %+v", got)
	}
}
