package rollout

import (
	"time"

	"github.com/stranglerfig/strangler/internal/routing"
)

func decidePromote(cmd Command, rec Record, _ time.Time) (Outcome, error) {
	if refusal := mayPromote(cmd, rec); refusal != nil {
		return Outcome{}, refusal
	}
	target, note, err := destination(cmd, rec)
	if err != nil {
		return Outcome{}, err
	}
	if note != "" {
		return rec.stay(note), nil
	}
	if refusal := mayRaise(cmd, rec, target); refusal != nil {
		return Outcome{}, refusal
	}
	return rec.to(State{Stage: target.Stage, Weight: target.Weight}, rec.leftBehind(target)), nil
}

// mayPromote refuses what no promotion may do, wherever it leads.
func mayPromote(cmd Command, rec Record) error {
	if !rec.Facts.HasNew {
		return refuseNoNewSide(rec)
	}
	if rec.State.Hold.Kind == HoldPaused {
		return refusePaused(rec, cmd.Verb)
	}
	if rec.State.Hold.Kind == HoldRolledBack && cmd.Cause == CauseAutopilot {
		return refuse(rec, CodeRolledBack, run(rec, VerbPromote, ""), "stands at %s: a person takes it on from there", where(rec.State))
	}
	return nil
}

// mayRaise refuses to let new serve more while a gate fails, and of a route whose
// writes then lie on two sides, unless that was forced or accepted.
func mayRaise(cmd Command, rec Record, target Target) error {
	if err := mayPass(cmd, rec, target); err != nil {
		return err
	}
	if !rec.splits(target) || cmd.AcceptSplitWrites {
		return nil
	}
	return refuse(rec, CodeSplitWrites, run(rec, VerbPromote, " --to "+target.String()+" --accept-split-writes"),
		"takes writes, and each side keeps its data apart (data: separate): at %s what new writes legacy does not have, "+
			"and a rollback leaves it behind", target)
}

// splits reports whether going to target lets new write more that legacy does not have.
func (r Record) splits(target Target) bool {
	return r.Facts.SplitWrites && target.Weight > 0 && target.Above(r.State.Target())
}

// destination says where a promotion leads, or by its note why nowhere.
func destination(cmd Command, rec Record) (target Target, note string, err error) {
	if cmd.To != nil {
		if refusal := checkTarget(*cmd.To, rec); refusal != nil {
			return Target{}, "", refusal
		}
		if *cmd.To == rec.State.Target() && rec.State.Hold.Kind == HoldNone {
			return Target{}, "the route already stands at " + cmd.To.String(), nil
		}
		return *cmd.To, "", nil
	}
	if rec.State.Stage == routing.StageNew {
		return Target{}, "new serves everything; when legacy is no longer needed: stranglerctl retire " + rec.Route, nil
	}
	next, found := rec.Facts.Next(rec.State)
	if !found {
		return Target{}, "the plan ends here, at " + rec.State.Target().String() +
			"; to go on: stranglerctl promote " + rec.Route + " --full", nil
	}
	return next, "", nil
}

// checkTarget refuses a Target that no route may have, or not this one.
func checkTarget(t Target, rec Record) error {
	hint := run(rec, VerbPromote, " --to 25%")
	switch t.Stage {
	case routing.StageLegacy, routing.StageShadow:
		if t.Weight != 0 {
			return refuse(rec, CodeBadTarget, hint, "cannot go to %s at %s: only canary has a weight of its own", t.Stage, t.Weight)
		}
		if t.Stage == routing.StageShadow && !rec.Facts.Shadowable {
			return refuse(rec, CodeBadTarget, run(rec, VerbPromote, ""),
				"cannot go to shadow: it takes neither GET nor HEAD, and its definition does not say how copies of writes do no harm "+
					"(shadow.writes: dry_run or sandbox)")
		}
	case routing.StageCanary:
		if t.Weight == 0 || t.Weight >= routing.FullWeight {
			return refuse(rec, CodeBadTarget, hint+", or "+string(VerbRollback),
				"cannot go to canary at %s: a canary lies above 0%% and below 100%%", t.Weight)
		}
	case routing.StageNew:
		if t.Weight != routing.FullWeight {
			return refuse(rec, CodeBadTarget, hint, "cannot go to new at %s: new is 100%%", t.Weight)
		}
	default:
		return refuse(rec, CodeBadTarget, run(rec, VerbRetire, ""), "cannot be promoted to %s: retiring is a verb of its own", t.Stage)
	}
	return nil
}

func refusePaused(rec Record, verb Verb) *Refusal {
	return refuse(rec, CodePaused, run(rec, VerbResume, ""),
		"stands at %s: %s is refused while a route is paused", where(rec.State), verb)
}

func refuseNoNewSide(rec Record) *Refusal {
	return refuse(rec, CodeNoNewSide, "give it one (new: BACKEND) and run: stranglerctl apply -f FILE",
		"has no new side: there is nothing to send its traffic to")
}
