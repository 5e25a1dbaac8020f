package rollout

import (
	"bytes"
	"time"

	"github.com/stranglerfig/strangler/internal/routing"
)

// Decide is the state machine: what cmd means for the route of rec, at now. It
// changes nothing itself. Its only errors are a *Refusal, and a Last event
// that cannot be read.
//
// A verb that finds nothing to do says so in the Note and leaves Changed false.
func Decide(cmd Command, rec Record, now time.Time) (Outcome, error) {
	decide, known := map[Verb]func(Command, Record, time.Time) (Outcome, error){
		VerbPromote:  decidePromote,
		VerbPause:    decidePause,
		VerbResume:   decideResume,
		VerbRollback: decideRollback,
		VerbRetire:   decideRetire,
		VerbUndo:     decideUndo,
	}[cmd.Verb]
	if !known {
		return Outcome{}, refuse(rec, CodeUnknownVerb, "the verbs are promote, pause, resume, rollback, retire and undo",
			"was given the unknown verb %q", cmd.Verb)
	}
	if rec.State.Stage == routing.StageRetired && cmd.Verb != VerbRetire && cmd.Verb != VerbUndo {
		return Outcome{}, refuse(rec, CodeRetired, "a route that needs a legacy side again is removed and defined anew",
			"is retired: it has no legacy side, and %s cannot change that", cmd.Verb)
	}
	outcome, err := decide(cmd, rec, now)
	if err != nil {
		return Outcome{}, err
	}
	outcome.Step, outcome.Steps = rec.Facts.Step(outcome.Next)
	return outcome, nil
}

// Target is the place a route in this state stands on.
func (s State) Target() Target { return Target{Stage: s.Stage, Weight: s.Weight} }

// to is the outcome of arriving in next, which may be where the route stands already.
func (r Record) to(next State, note string) Outcome {
	return Outcome{Next: next, Changed: !same(r.State, next), Note: note}
}

// stay is the outcome of a verb that finds nothing to do.
func (r Record) stay(note string) Outcome {
	return Outcome{Next: r.State, Note: "nothing to do: " + note}
}

func same(a, b State) bool {
	return a.Stage == b.Stage && a.Weight == b.Weight &&
		a.Hold.Kind == b.Hold.Kind && a.Hold.Reason == b.Hold.Reason &&
		bytes.Equal(a.Hold.Evidence, b.Hold.Evidence)
}

func decidePause(cmd Command, rec Record, _ time.Time) (Outcome, error) {
	switch rec.State.Hold.Kind {
	case HoldPaused:
		return rec.stay("the route is already paused"), nil
	case HoldRolledBack:
		return rec.stay("the route is rolled back, and that holds it already"), nil
	}
	next := rec.State
	next.Hold = Hold{Kind: HoldPaused, Reason: cmd.Reason}
	return rec.to(next, ""), nil
}

func decideResume(_ Command, rec Record, _ time.Time) (Outcome, error) {
	if rec.State.Hold.Kind == HoldNone {
		return rec.stay("the route is not held"), nil
	}
	next := rec.State
	next.Hold = Hold{}
	return rec.to(next, ""), nil
}

// decideRollback is never refused while there is a legacy side. It never
// starts shadowing: a route in stage legacy stays there.
func decideRollback(cmd Command, rec Record, _ time.Time) (Outcome, error) {
	if cmd.ToRevision > 0 {
		return decideReturn(cmd, rec)
	}
	if !rec.Facts.HasNew && rec.State.Weight == 0 {
		return rec.stay("the route has no new side, legacy serves everything"), nil
	}
	stage := routing.StageShadow
	if cmd.StopShadow || !rec.Facts.Shadowable || rec.State.Stage == routing.StageLegacy {
		stage = routing.StageLegacy
	}
	hold := Hold{Kind: HoldRolledBack, Reason: cmd.Reason, Evidence: cmd.Evidence}
	if rec.State.Hold.Kind == HoldRolledBack && rec.State.Weight == 0 {
		if rec.State.Stage == stage {
			return rec.stay("the route is already rolled back"), nil
		}
		hold = rec.State.Hold // the second rollback only stops the shadow: why it was rolled back stays
	}
	return rec.to(State{Stage: stage, Hold: hold}, rec.leftBehind(Target{Stage: stage})), nil
}
