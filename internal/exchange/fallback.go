package exchange

import (
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
)

// Crossed turns the exchange to legacy, whose lane has policy: the fallback
// that FallBack asked for. new's permits have been given back.
func (x *Exchange) Crossed(policy *guard.Policy, at time.Duration) Next {
	x.Fallback = x.guard.cause
	x.Assignment.Side, x.Assignment.Reason = routing.Legacy, routing.ReasonFallback
	x.turn(policy, at)
	return Next{Do: Admit}
}

// NoFallback says what comes instead of a fallback that legacy's budget had no
// room for: what new itself came to.
func (x *Exchange) NoFallback() Next {
	x.FallbackRefused = x.guard.cause
	return x.guard.ending
}

// elsewhere falls back to legacy where that is allowed, and else ends the
// exchange by what the lane came to.
func (x *Exchange) elsewhere(replayable bool) Next {
	if replayable && x.mayFallBack() {
		return Next{Do: FallBack}
	}
	return x.guard.ending
}

// mayFallBack reports whether legacy may take over from new. What may have
// taken effect on one side must not be sent to the other, whatever the client
// says of repeating it: both would write.
func (x *Exchange) mayFallBack() bool {
	switch {
	case x.Assignment.Side != routing.New || x.guard.asked.Stream():
		return false
	case x.Assignment.Stage != routing.StageCanary && x.Assignment.Stage != routing.StageNew:
		return false // legacy is not asked any more
	case x.Assignment.Reason == routing.ReasonOverride:
		return false // a tester wants to see new, and nothing in its place
	default:
		return x.guard.policy.Fallback.Allows(x.guard.cause, x.Safe(), x.guard.sent)
	}
}
