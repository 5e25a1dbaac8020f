package rollout

import (
	"time"

	"github.com/stranglerfig/strangler/internal/rollout/gate"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spoken"
)

func decideRetire(cmd Command, rec Record, now time.Time) (Outcome, error) {
	switch {
	case rec.State.Stage == routing.StageRetired:
		return rec.stay("the route is already retired"), nil
	case rec.State.Stage != routing.StageNew:
		onward := VerbPromote
		if rec.State.Hold.Kind == HoldPaused {
			onward = VerbResume
		}
		return Outcome{}, refuse(rec, CodeNotNew, run(rec, onward, ""),
			"stands at %s: only a route that new serves completely can be retired", where(rec.State))
	case rec.State.Hold.Kind == HoldPaused:
		return Outcome{}, refusePaused(rec, cmd.Verb)
	case cmd.Force && cmd.Reason == "":
		return Outcome{}, refuse(rec, CodeReasonRequired, run(rec, VerbRetire, " --force --reason WHY"),
			"can be retired by force only with a reason, for the history")
	}
	if left := rec.bakeLeft(now); left > 0 && !cmd.Force {
		return Outcome{}, refuse(rec, CodeBaking, "wait, or "+run(rec, VerbRetire, " --force --reason WHY"),
			"has %s left of its bake time (%s at 100%%): legacy stays until then, for a rollback", spoken.Duration(left.Round(time.Second)), spoken.Duration(rec.Facts.Plan.Bake))
	}
	if last := lastFallback(cmd.Findings[rec.Route]); rec.StepAt.Before(last) && now.Sub(last) < rec.Facts.Plan.Bake && !cmd.Force {
		return Outcome{}, refuse(rec, CodeFellBack, "wait, or "+run(rec, VerbRetire, " --force --reason WHY"),
			"needed legacy %s ago, because new could not: it is retired after %s without a fallback",
			spoken.Duration(now.Sub(last).Round(time.Second)), spoken.Duration(rec.Facts.Plan.Bake))
	}
	return rec.to(State{Stage: routing.StageRetired, Weight: routing.FullWeight},
		"legacy has left the route: rollback and undo are no longer possible"), nil
}

// bakeLeft is how much of the bake time is still to come, counted from the
// change that brought the route to its stage and weight.
func (r Record) bakeLeft(now time.Time) time.Duration {
	return r.StepAt.Add(r.Facts.Plan.Bake).Sub(now)
}

// lastFallback is when legacy last did new's work; zero: never in this step.
func lastFallback(findings []gate.Finding) time.Time {
	for _, f := range findings {
		if f.Gate == gate.NameFallbacks {
			return f.Last
		}
	}
	return time.Time{}
}
