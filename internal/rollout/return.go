package rollout

import (
	"fmt"

	"github.com/stranglerfig/strangler/internal/routing"
)

// decideReturn takes the route back to where it stood at an earlier revision.
// Where new gets more to do by it, it is a promotion and obeys the same rules;
// where less, it is a rollback.
func decideReturn(cmd Command, rec Record) (Outcome, error) {
	if cmd.Earlier == nil {
		return Outcome{}, refuse(rec, CodeNoSuchRevision, "look for one: stranglerctl history "+rec.Route,
			"did not exist at revision %d", cmd.ToRevision)
	}
	target := cmd.Earlier.Target()
	if target.Stage == routing.StageShadow && !rec.Facts.Shadowable {
		target.Stage = routing.StageLegacy // its definition has changed since
	}
	note := fmt.Sprintf("as it stood at revision %d", cmd.ToRevision)
	switch {
	case target == rec.State.Target():
		return rec.stay(fmt.Sprintf("the route stands at %s, as it did at revision %d", where(rec.State), cmd.ToRevision)), nil
	case target.Above(rec.State.Target()):
		cmd.Verb = VerbPromote
		if refusal := mayPromote(cmd, rec); refusal != nil {
			return Outcome{}, refusal
		}
		// An earlier route of this name may have been retired.
		if refusal := checkTarget(target, rec); refusal != nil {
			return Outcome{}, refusal
		}
		if refusal := mayRaise(cmd, rec, target); refusal != nil {
			return Outcome{}, refusal
		}
		outcome := rec.to(State{Stage: target.Stage, Weight: target.Weight}, note)
		outcome.Verb = VerbPromote
		return outcome, nil
	}
	return rec.to(State{
		Stage: target.Stage, Weight: target.Weight,
		Hold: Hold{Kind: HoldRolledBack, Reason: cmd.Reason, Evidence: cmd.Evidence},
	}, joinNotes(note, rec.leftBehind(target))), nil
}

// joinNotes joins two notes, either of which may be empty.
func joinNotes(first, second string) string {
	if first == "" || second == "" {
		return first + second
	}
	return first + "; " + second
}

// leftBehind warns of what new has written and legacy does not have, where new
// serves less at target than now.
func (r Record) leftBehind(target Target) string {
	if !r.Facts.SplitWrites || target.Weight >= r.State.Weight {
		return ""
	}
	return "each side keeps its data apart (data: separate): what new has written stays there, and legacy does not have it"
}
