package shadow

import (
	"context"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow/compare"
)

// Asker sends copies to one backend, as one side of a route.
type Asker interface {
	// Ask sends a copy and reads the answer to its end, the body into body. It
	// marks the request, follows no redirect and keeps no cookie. It returns when
	// ctx ends.
	Ask(ctx context.Context, request *Request, body *Copy) Reply
}

// Sides are whom copies of the requests that one side serves are sent to. A nil
// one has no endpoint.
type Sides struct {
	Legacy, New Asker
	Sandbox     Asker // takes new's place for writes; nil: the route has none
}

// side returns the asker of a side.
func (s *Sides) side(side routing.Side) Asker {
	if side == routing.New {
		return s.New
	}
	return s.Legacy
}

// Reply is what came of asking.
type Reply struct {
	Status int
	Header map[string][]string // as a client would get them
	Build  string              // what the backend says it is a build of; empty: it does not say
	Class  guard.Class
	Err    error // why there is no whole answer; nil: there is one

	// NotAsked: the backend never saw the request, or its answer is of no use,
	// for this reason. Nothing is said by that about the answer.
	NotAsked bool
	Reason   Reason

	// Withheld: the request had credentials, and they were not sent, for the backend
	// is of another trust than the one that served.
	Withheld bool
}

// asked is one reply, with what it took.
type asked struct {
	Reply
	body Copy
	took time.Duration
}

// answer is the reply as it is compared.
func (a *asked) answer() compare.Answer {
	if a.Err != nil {
		return compare.Answer{Failure: failure(a.Class)}
	}
	return compare.Answer{Status: a.Status, Header: a.Header, Body: a.body.bytes}
}

// side is what is kept of the reply besides what was compared.
func (a *asked) side() Took {
	return Took{Status: a.Status, Bytes: int64(len(a.body.bytes)), Duration: a.took, Build: a.Build}
}

// failure names what kept an answer from coming.
func failure(class guard.Class) string {
	switch class {
	case guard.Timeout:
		return "timeout"
	case guard.BadResponse:
		return "bad_response"
	case guard.Broken:
		return "broken"
	default:
		return "reset"
	}
}

// ask asks one side through its breaker.
func (l *Lane) ask(ctx context.Context, asker Asker, side routing.Side, request *Request) asked {
	began := time.Now()
	ticket, ok := l.breakers[side].Allow(began)
	if !ok {
		return asked{Reply: Reply{NotAsked: true, Reason: ReasonBreakerOpen}}
	}
	a := l.send(ctx, asker, request)
	if l.engine.ctx.Err() != nil {
		a.Class, a.NotAsked, a.Reason = guard.ClientGone, true, ReasonStopped
	}
	ticket.Report(a.Class, a.took, time.Now())
	if !a.NotAsked {
		l.settings.Meter.Took(side, a.took)
	}
	a.heed()
	if a.NotAsked || a.Err != nil {
		a.body.release() // the client may take its time, and nobody will look at it
	}
	return a
}

// send asks one side, whatever its breaker says.
func (l *Lane) send(ctx context.Context, asker Asker, request *Request) asked {
	began := time.Now()
	a := asked{body: newCopy(l.engine.budget, l.settings.Policy.MaxBody)}
	a.Reply = Reply{NotAsked: true, Reason: ReasonInternal, Class: guard.ClientGone} // should it panic
	l.engine.survives(l.settings.Route, func() { a.Reply = asker.Ask(ctx, request, &a.body) })
	a.body.reserve(headSize(a.Header))
	a.took = time.Since(began)
	return a
}

// heed makes an answer whose copy was given up one that is of no use.
func (a *asked) heed() {
	if reason, failed := a.body.Failed(); failed && !a.NotAsked {
		a.NotAsked, a.Reason = true, reason
	}
}
