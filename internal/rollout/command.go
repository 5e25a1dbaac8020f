package rollout

import (
	"encoding/json"

	"github.com/stranglerfig/strangler/internal/rollout/gate"
	"github.com/stranglerfig/strangler/internal/routing"
)

// Command is one verb as somebody gives it.
type Command struct {
	Verb       Verb
	To         *Target // promote: where to; nil: the plan's next step
	StopShadow bool    // rollback: to legacy, without shadow

	// ToRevision makes a rollback go back to where the route stood at that
	// revision; 0: to legacy. Controller looks up Earlier, which is nil when the
	// route did not exist then.
	ToRevision routing.Revision
	Earlier    *State

	AcceptSplitWrites bool // go on although what new writes legacy will not have

	// Force promotes although a gate fails, and retires before the bake time has
	// passed. It needs a Reason.
	Force bool
	// Findings are what the gates said of each route. Controller asks them when
	// a promotion comes without.
	Findings map[string][]gate.Finding

	DryRun   bool // say what would happen, change nothing
	Reason   string
	Evidence json.RawMessage // rollback: what spoke for it, kept with the hold
	Actor    string
	Cause    Cause
	Fence    *Fence            // of the autopilot that gives it; nil: a person does
	Table    *routing.Revision // by which it was decided, where it must be the newest: see Selection
}

// urgent reports whether the command takes everything from new: then nothing may
// hold it up, and done twice it is the same. Going back to a revision is neither:
// it may let new serve more.
func (c Command) urgent() bool { return c.Verb == VerbRollback && c.ToRevision == 0 }

// Outcome is what a command means for one route.
type Outcome struct {
	Next    State
	Changed bool
	Step    int    // the step of the plan that Next stands on, counted from 1; 0: on none
	Steps   int    // how many steps the plan has for this route
	Verb    Verb   // what it amounts to, when that is not the command's verb; else empty
	Note    string // what a person should know: why there was nothing to do, what comes next
}
