package exchange

import (
	"strconv"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
)

// Waited says what comes after the back-off before a retry.
func (x *Exchange) Waited(at time.Duration) Next {
	x.Retries++
	return x.send(at)
}

// NoRetry says what comes instead of a retry that the budget had no room for.
func (x *Exchange) NoRetry(replayable bool) Next {
	x.RetryRefused = true
	return x.elsewhere(replayable)
}

// NotAgain says what comes instead of a retry that the lane's breaker, open by
// now, would turn away.
func (x *Exchange) NotAgain(replayable bool) Next { return x.elsewhere(replayable) }

// mayRetry reports whether a try that ended in class may be made once more.
// Streams are left out: nobody can begin one again. What was sent may have
// taken effect, so that only what means the same twice is sent again.
func (x *Exchange) mayRetry(class guard.Class) bool {
	return !x.guard.asked.Stream() && x.guard.policy.Retry.Allows(class, x.repeatable(), x.guard.tries)
}

// retryable reports whether a status asks for another try: 502, 503 and 504 say
// that the work was not done, 429 with Retry-After that it was not begun; a 500
// may have done half of it.
func (x *Exchange) retryable(status int, in Fields) bool {
	switch status {
	case 502, 503, 504:
		return true
	case 500:
		return x.Safe()
	case 429:
		return len(in["Retry-After"]) > 0
	default:
		return false
	}
}

// repeatable reports whether the request means the same when it comes twice:
// by its method (RFC 9110 §9.2.2), or because the client says so.
func (x *Exchange) repeatable() bool {
	return x.Safe() || x.Method == "PUT" || x.Method == "DELETE" || x.guard.keyed
}

// KeepsBody returns how many bytes of the request's body are worth keeping for
// another try on the lane, or on legacy; 0: it will not be sent twice, unless
// nothing of it was sent.
func (x *Exchange) KeepsBody() int64 {
	p := x.guard.policy
	switch {
	case x.guard.asked.Stream():
		return 0
	case x.repeatable() && p.Retry.Attempts > 1 && p.Retry.Classes == guard.RetryRepeatable:
		return p.Retry.Replay
	case x.Safe() && x.Assignment.Side == routing.New:
		return p.Retry.Replay
	default:
		return 0
	}
}

// backOff returns how long to wait before the next try, at least atLeast;
// false: nothing of the whole-exchange limit would be left then.
func (x *Exchange) backOff(t Tried, atLeast time.Duration) (time.Duration, bool) {
	left := x.guard.policy.Timeouts.Whole - (t.At - x.guard.since)
	return x.guard.policy.Retry.Wait(x.guard.tries, t.Random, atLeast, left)
}

// retryAfter is how long a backend asks to be left alone (RFC 9110 §10.2.3);
// 0: it does not, or not in a way that can be read.
func retryAfter(in Fields, now time.Time) time.Duration {
	text := strings.TrimSpace(in.get("Retry-After"))
	if text == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	date, err := time.Parse("Mon, 02 Jan 2006 15:04:05 GMT", text)
	if err != nil {
		return 0
	}
	return max(date.Sub(now), 0)
}
