package rollout

import (
	"time"

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
	return rec.to(State{Stage: routing.StageRetired, Weight: routing.FullWeight},
		"legacy has left the route: rollback and undo are no longer possible"), nil
}

// bakeLeft is how much of the bake time is still to come, counted from the
// last verb: that is never earlier than the last change of exposure.
func (r Record) bakeLeft(now time.Time) time.Duration {
	since := r.ChangedAt
	if r.Last != nil {
		since = r.Last.At
	}
	return since.Add(r.Facts.Plan.Bake).Sub(now)
}
