package rollout

import (
	"fmt"

	"github.com/stranglerfig/strangler/internal/rollout/gate"
	"github.com/stranglerfig/strangler/internal/routing"
)

// The codes of a Refusal, for machines.
const (
	CodePaused         = "paused"
	CodeRetired        = "retired"
	CodeNoNewSide      = "no_new_side"
	CodeNotNew         = "not_new"
	CodeBaking         = "baking"
	CodeReasonRequired = "reason_required"
	CodeNothingToUndo  = "nothing_to_undo"
	CodeUndoRetire     = "undo_retire"
	CodeBadTarget      = "bad_target"
	CodeUnknownVerb    = "unknown_verb"
	CodeSplitWrites    = "split_writes"
	CodeNoSuchRevision = "no_such_revision"
	CodeGate           = "gate_failed"
	CodeRolledBack     = "rolled_back"
	CodeFellBack       = "fell_back"
	CodeSeveral        = "several_refused" // a group: for different reasons
)

// Refusal is a command that the rules do not allow on this route now. Nothing
// was changed.
type Refusal struct {
	Code    string
	Message string // names the route and where it stands
	Hint    string // the command to give instead, or what to do first

	Findings []gate.Finding // of CodeGate: of the gates that refuse it
}

// Error is the message, what was left unchanged, and what to do.
func (r *Refusal) Error() string {
	text := r.Message + "; nothing was changed"
	if r.Hint != "" {
		text += "; " + r.Hint
	}
	return text
}

// refuse makes the Refusal of a command on rec. The message follows "route NAME ".
func refuse(rec Record, code, hint, format string, args ...any) *Refusal {
	return &Refusal{
		Code:    code,
		Message: "route " + rec.Route + " " + fmt.Sprintf(format, args...),
		Hint:    hint,
	}
}

// run is a hint that is a command.
func run(rec Record, verb Verb, options string) string {
	return "run: stranglerctl " + string(verb) + " " + rec.Route + options
}

// where says where a route stands, for people: "25%, paused (load test)".
func where(s State) string {
	text := s.Target().String()
	if s.Stage == routing.StageRetired {
		text = s.Stage.String()
	}
	switch s.Hold.Kind {
	case HoldPaused:
		text += ", paused"
	case HoldRolledBack:
		text += ", rolled back"
	}
	if s.Hold.Reason != "" {
		text += fmt.Sprintf(" (%s)", s.Hold.Reason)
	}
	return text
}
