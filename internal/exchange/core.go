package exchange

import (
	"cmp"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
)

// Action is what a driver must do next.
type Action uint8

// The actions.
const (
	Admit    Action = iota // ask the bulkheads of the lane for permits: Admitted or NotAdmitted
	Send                   // try the lane's backend: AttemptFailed, HeadArrived, or Blocked by the breaker
	Retry                  // where the budget has a retry left, wait: Waited, or NoRetry; NotAgain when the breaker is open
	FallBack               // where the budget has a fallback left, give the permits back and turn to legacy: Crossed, or NoFallback
	Relay                  // stream the response to the client
	Answer                 // answer with Problem
	Abort                  // end the client's connection without another byte
	Done                   // nothing: the client has its answer
)

// Next is what a driver must do next, and how long it may take.
type Next struct {
	Do      Action
	Within  time.Duration // Send: until the response head. Relay: between two reads of the body
	Wait    time.Duration // Retry: before the next try
	Problem *Problem      // Answer
}

// guarded is where an exchange stands in the guard of the lane it is on.
type guarded struct {
	policy *guard.Policy
	since  time.Duration    // from Start until the lane was first asked: its whole-exchange limit runs from there
	tries  int              // on this lane, the transport's own among them
	sent   bool             // some of the request may have reached the lane's backend
	asked  Kind             // as the request's head says it
	keyed  bool             // the client sent an Idempotency-Key
	ending Next             // what follows when there is neither a retry nor a fallback
	cause  guard.FallbackOn // for which a fallback would be; 0: none fits
}

// Tried is how a try ended, as far as the exchange itself cannot know it.
type Tried struct {
	At         time.Duration // since Start
	Repeats    int           // how often the transport made it once more by itself
	Replayable bool          // the request's body can be sent once more, from its beginning
	Random     float64       // in [0, 1), for the jitter of a back-off
	ProxyError string        // RFC 9209 error type of a failure, where that is known better than by its class; or empty
}

// Begin says what comes first once a request with the fields in has been
// assigned to a lane with policy. at is the time since Start.
func (x *Exchange) Begin(policy *guard.Policy, in Fields, at time.Duration) Next {
	x.guard = guarded{policy: policy, since: at, asked: x.Kind, keyed: len(in["Idempotency-Key"]) > 0}
	return Next{Do: Admit}
}

// Admitted says what comes after the permits were given.
func (x *Exchange) Admitted(at time.Duration) Next { return x.send(at) }

// NotAdmitted says what comes after a bulkhead was full for too long.
func (x *Exchange) NotAdmitted() Next {
	x.guard.ending = Next{Do: Answer, Problem: overloaded(x.Assignment.Side.String())}
	x.guard.cause = guard.FallbackFull
	return x.elsewhere(true)
}

// Blocked says what comes after the lane's breaker let no request through. It
// may let the next one through after wait.
func (x *Exchange) Blocked(wait time.Duration, replayable bool) Next {
	problem := circuitOpen(x.Assignment.Side.String(), wait)
	if x.guard.sent {
		problem.Detail = "An earlier try was sent; whether it took effect is not known."
	}
	x.guard.ending = Next{Do: Answer, Problem: problem}
	x.guard.cause = guard.FallbackOpen
	return x.elsewhere(replayable)
}

// Moved turns an exchange that waited to another lane, because a newer table
// says so. What may have taken effect on the old one ends here: neither may
// both sides get it, nor the old one once more.
func (x *Exchange) Moved(assignment routing.Assignment, policy *guard.Policy, t Tried) Next {
	if x.guard.sent && (!x.Safe() || !t.Replayable) {
		return Next{Do: Answer, Problem: moved(x.Assignment.Side.String())}
	}
	x.Assignment = assignment
	x.turn(policy, t.At)
	return Next{Do: Admit}
}

// turn begins with another lane.
func (x *Exchange) turn(policy *guard.Policy, at time.Duration) {
	x.guard.policy, x.guard.since = policy, at
	x.guard.tries, x.guard.sent = 0, false
}

// send forgets what the last try said, and starts another.
func (x *Exchange) send(at time.Duration) Next {
	x.guard.tries++
	x.Kind, x.Status, x.Class = x.guard.asked, 0, guard.OK
	return Next{Do: Send, Within: x.headLimit(at)}
}

// headLimit is how long a try that starts at may take until its response head.
// Streams wait for their first event as long as for any other.
func (x *Exchange) headLimit(at time.Duration) time.Duration {
	limits := &x.guard.policy.Timeouts
	if x.Kind.Stream() {
		return limits.Stream
	}
	try := limits.Write
	if x.Safe() {
		try = limits.Read
	}
	left := limits.Whole - (at - x.guard.since)
	return max(min(try, left), time.Millisecond) // at the last moment a try is cut off, not left out
}

// AttemptFailed says what comes after a try that ended in class without a
// usable response head.
func (x *Exchange) AttemptFailed(class guard.Class, t Tried) Next {
	x.Class = class
	x.guard.tries += t.Repeats
	x.guard.sent = x.guard.sent || class != guard.NotSent
	problem := problemFor(class, x.Assignment.Side.String())
	if problem == nil {
		return Next{Do: Abort}
	}
	if class == guard.NotSent {
		problem.ProxyError = cmp.Or(t.ProxyError, problem.ProxyError)
	}
	x.guard.ending = Next{Do: Answer, Problem: problem}
	x.guard.cause = guard.FallbackCause(class, 0)
	if t.Replayable && x.mayRetry(class) {
		if wait, ok := x.backOff(t, 0); ok {
			return Next{Do: Retry, Wait: wait}
		}
	}
	return x.elsewhere(t.Replayable)
}

// NoEndpoint says what comes when the lane's backend has no endpoint that may be
// asked, which another try would not change.
func (x *Exchange) NoEndpoint(replayable bool) Next {
	x.Class = guard.NotSent
	x.guard.ending = Next{Do: Answer, Problem: problemFor(guard.NotSent, x.Assignment.Side.String())}
	x.guard.cause = guard.FallbackNotSent
	return x.elsewhere(replayable)
}

// CallerExpired says what comes after the caller's own deadline when it passed
// before anything was sent: that is no fault of a backend that was not asked.
func (x *Exchange) CallerExpired() Next {
	x.Class = guard.ClientFault
	return Next{Do: Answer, Problem: callerDeadline()}
}

// HeadArrived says what comes after a response head. An upgrade that nobody
// asked for, a refused one that claims to have happened, and a status that
// HTTP does not know are no responses at all: a proxy that relays them loses
// track of where the next message starts.
func (x *Exchange) HeadArrived(status int, in Fields, t Tried) Next {
	if status < 100 || status > 999 || (status == 101 && x.Kind != KindUpgrade) {
		return x.AttemptFailed(guard.BadResponse, t)
	}
	x.guard.sent = true
	x.guard.tries += t.Repeats
	x.Status = status
	x.Class = ClassOf(status)
	x.Kind = settledKind(x.Kind, status, in)
	if x.Kind == KindGRPC && x.Class == guard.OK {
		x.Class = grpcClass(in) // an answer that is nothing but trailers
	}
	within := x.guard.policy.Timeouts.Idle
	if x.Kind.Stream() {
		within = x.guard.policy.Timeouts.Stream
	}
	x.guard.ending = Next{Do: Relay, Within: within}
	x.guard.cause = guard.FallbackCause(x.Class, status)
	if t.Replayable && x.retryable(status, in) && x.mayRetry(guard.Failure) {
		if wait, ok := x.backOff(t, retryAfter(in, x.Start.Add(t.At))); ok {
			return Next{Do: Retry, Wait: wait}
		}
	}
	return x.elsewhere(t.Replayable)
}

// settledKind is the kind once the backend has spoken: an upgrade it declined
// is an ordinary exchange.
func settledKind(asked Kind, status int, in Fields) Kind {
	if asked == KindUpgrade && status == 101 {
		return asked
	}
	return responseKind(asked, in)
}

// BodyBroke records that the response ended wrongly after its head was
// relayed. Nothing can be answered any more: the client must see the break.
func (x *Exchange) BodyBroke(class guard.Class) Next {
	x.Class = class
	return Next{Do: Abort}
}

// ClassOf maps a status to a class. Whether a failure may be tried again is
// another question, and depends on the method.
func ClassOf(status int) guard.Class {
	switch status {
	case 500, 502, 503, 504:
		return guard.Failure
	default:
		return guard.OK
	}
}

// Safe reports whether the method asks for nothing but an answer (RFC 9110 §9.2.1).
func (x *Exchange) Safe() bool {
	switch x.Method {
	case "GET", "HEAD", "OPTIONS":
		return true
	default:
		return false
	}
}
