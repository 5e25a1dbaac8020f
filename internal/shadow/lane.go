package shadow

import (
	"math/rand/v2"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow/compare"
	"github.com/stranglerfig/strangler/internal/shadow/rule"
)

// Meter is where a lane is counted for whoever watches.
type Meter interface {
	Compared(result string)
	Skipped(reason string)
	Took(side routing.Side, duration time.Duration) // of a shadow request
}

// Settings are what a lane goes by.
type Settings struct {
	Route    string
	Policy   Policy
	Breakers [2]guard.BreakerPolicy // by routing.Side: those of the route's guards, for breakers of its own
	Meter    Meter
}

// Lane is one route as its shadow requests see it: a queue, breakers and limits
// that no served request has to do with. It outlives tables.
type Lane struct {
	engine   *Engine
	settings Settings
	rules    *rule.Set
	crew     *crew[*Job]
	breakers [2]*guard.Breaker // by routing.Side
	skips    *Skips
	again    *atomic.Int64 // when a mismatch may be asked once more, in Unix nanoseconds
}

// newLane returns the lane of settings, which takes over what it can of known;
// nil: there was none.
func (e *Engine) newLane(settings Settings, known *Lane, now time.Time) *Lane {
	l := &Lane{engine: e, settings: settings, skips: e.collector.Skips(settings.Route)}
	l.rules, _ = rule.Compile(settings.Policy.Rules) // definitions are checked before they are stored
	if known != nil {
		l.crew, l.breakers, l.again = known.crew, known.breakers, known.again
		l.crew.resize(settings.Policy.AtOnce, settings.Policy.Queue)
	} else {
		l.crew, l.again = newCrew(settings.Policy.AtOnce, settings.Policy.Queue, (*Job).run), new(atomic.Int64)
	}
	for side, policy := range settings.Breakers {
		if l.breakers[side] == nil || l.breakers[side].Policy() != policy {
			l.breakers[side] = guard.NewBreaker(policy, rand.Float64, now, func(change guard.Change) {
				e.breakerChanged(settings.Route, routing.Side(side), change)
			})
		}
	}
	return l
}

// like reports whether settings change nothing.
func (l *Lane) like(settings Settings) bool { return reflect.DeepEqual(l.settings, settings) }

// Policy is what the lane goes by.
func (l *Lane) Policy() *Policy { return &l.settings.Policy }

// Skip counts a request that is not compared.
func (l *Lane) Skip(reason Reason) {
	l.skips.Add(reason)
	l.settings.Meter.Skipped(reason.String())
}

// Begin takes up a request of a cohort that is shadowed; nil: it is not asked
// twice, and that is counted.
func (l *Lane) Begin(head *Head, sides *Sides, now time.Time) *Job {
	reason, refused := l.settings.Policy.Refuses(head)
	if !refused {
		reason, refused = l.busy(head, sides, now)
	}
	if refused {
		l.Skip(reason)
		return nil
	}
	return l.newJob(head, sides, now)
}

// busy says why the other side cannot be asked now, before anything is copied in vain.
func (l *Lane) busy(head *Head, sides *Sides, now time.Time) (Reason, bool) {
	side := head.Served.Other()
	switch {
	case sides.side(head.Served) == nil || l.other(sides, head.Served, head.Method) == nil:
		return ReasonNoBackend, true
	case l.open(side, now):
		return ReasonBreakerOpen, true
	case l.crew.full():
		return ReasonDropped, true
	default:
		return 0, false
	}
}

// other is whoever is asked in place of the side that served; nil: it has no
// endpoint. Where the route has a sandbox new never gets the copy of a write.
func (l *Lane) other(sides *Sides, served routing.Side, method string) Asker {
	if l.settings.Policy.Writes == WritesSandbox && !Safe(method) {
		return sides.Sandbox
	}
	return sides.side(served.Other())
}

// open reports whether the breaker of a side lets nothing through now.
func (l *Lane) open(side routing.Side, now time.Time) bool {
	state := l.breakers[side].State(now)
	return state.State == guard.Open && now.Before(state.Until)
}

// options are what two answers to a request are compared by.
func (l *Lane) options(method string, now time.Time) compare.Options {
	return compare.Options{
		Headers: l.settings.Policy.Headers, Rules: l.rules.At(now), Bodies: method != "HEAD",
	}
}

// digest names what the lane compares by, as epochs keep it.
func (l *Lane) digest(now time.Time) string {
	return basis(l.rules, l.settings.Policy.Headers, now)
}

// asksAgain reports whether a mismatch may be asked once more now: at most one a
// second for a route, where legacy may be asked more than its clients do at all.
func (l *Lane) asksAgain(now time.Time) bool {
	if l.settings.Policy.Noise == 0 {
		return false
	}
	next := l.again.Load()
	return now.UnixNano() >= next && l.again.CompareAndSwap(next, now.Add(time.Second).UnixNano())
}

// LaneState is how a lane stands.
type LaneState struct {
	Route           string
	Running, Queued int
	Breakers        [2]guard.Snapshot // by routing.Side
}

func (l *Lane) state(now time.Time) LaneState {
	s := LaneState{Route: l.settings.Route}
	s.Running, s.Queued = l.crew.load()
	for side, breaker := range l.breakers {
		s.Breakers[side] = breaker.State(now)
	}
	return s
}
