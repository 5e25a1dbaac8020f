package exchange

import (
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
)

// Action is what a driver must do next.
type Action uint8

// The actions.
const (
	Send   Action = iota // put the request on a connection to Side's backend
	Relay                // stream the response to the client
	Answer               // answer with Problem
	Abort                // end the client's connection without another byte
	Done                 // nothing: the client has its answer
)

// Next is what a driver must do next, and how long it may take.
type Next struct {
	Do      Action
	Side    routing.Side  // Send
	Within  time.Duration // Send: until the response head. Relay: between two reads of the body
	Problem *Problem      // Answer
}

// Begin says what comes first once a request has been assigned.
func (x *Exchange) Begin(limits guard.Timeouts) Next {
	return Next{Do: Send, Side: x.Assignment.Side, Within: x.headLimit(limits)}
}

// headLimit is how long a try may take until its response head. Streams wait
// for their first event as long as for any other.
func (x *Exchange) headLimit(limits guard.Timeouts) time.Duration {
	if x.Kind.Stream() {
		return limits.Stream
	}
	if x.Safe() {
		return min(limits.Read, limits.Whole)
	}
	return min(limits.Write, limits.Whole)
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

// AttemptFailed says what comes after an attempt that ended in class without a
// usable response head.
func (x *Exchange) AttemptFailed(class guard.Class) Next {
	x.Class = class
	problem := problemFor(class, x.Assignment.Side.String())
	if problem == nil {
		return Next{Do: Abort}
	}
	return Next{Do: Answer, Problem: problem}
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
func (x *Exchange) HeadArrived(status int, in Fields, limits guard.Timeouts) Next {
	if status < 100 || status > 999 || (status == 101 && x.Kind != KindUpgrade) {
		return x.AttemptFailed(guard.BadResponse)
	}
	x.Status = status
	x.Class = classOf(status)
	x.Kind = settledKind(x.Kind, status, in)
	if x.Kind == KindGRPC && x.Class == guard.OK {
		x.Class = grpcClass(in) // an answer that is nothing but trailers
	}
	within := limits.Idle
	if x.Kind.Stream() {
		within = limits.Stream
	}
	return Next{Do: Relay, Within: within}
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

// classOf maps a status to a class. Whether a failure may be tried again is
// another question, and depends on the method.
func classOf(status int) guard.Class {
	switch status {
	case 500, 502, 503, 504:
		return guard.Failure
	default:
		return guard.OK
	}
}
