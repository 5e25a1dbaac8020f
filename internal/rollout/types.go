package rollout

import (
	"encoding/json"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout/gate"
	"github.com/stranglerfig/strangler/internal/routing"
)

// HoldKind says why a route does not advance. It is never a duration; that is bake time.
type HoldKind string

// The kinds of hold.
const (
	HoldNone       HoldKind = ""
	HoldPaused     HoldKind = "paused"
	HoldRolledBack HoldKind = "rolled_back"
)

// Hold is why a route does not advance.
type Hold struct {
	Kind     HoldKind        `json:"kind"`
	Reason   string          `json:"reason,omitempty"`
	Evidence json.RawMessage `json:"evidence,omitempty"`
}

// State is where one route stands: what the verbs change and apply never does.
type State struct {
	Stage  routing.Stage  `json:"stage"`
	Weight routing.Weight `json:"weight_bp"` // 0 in legacy and shadow, 1–9999 in canary, 10000 in new and retired
	Hold   Hold           `json:"hold"`
}

// Assigned is the part of a State that routing needs.
func (s State) Assigned() routing.Assigned {
	return routing.Assigned{Stage: s.Stage, Weight: s.Weight, RolledBack: s.Hold.Kind == HoldRolledBack}
}

// Facts is what the state machine must know of a route's definition.
type Facts struct {
	HasNew     bool // the definition names a new backend
	Shadowable bool // its requests may be sent to the other side as well
	// SplitWrites: its requests may write, and each side keeps its data apart.
	SplitWrites bool
	Plan        Plan
	Gates       gate.Policy
}

// Record is one route as a Ledger holds it.
type Record struct {
	Route     string
	State     State
	Facts     Facts
	Revision  routing.Revision // of the last change to this route, definition or state: its ETag
	ChangedBy string           // actor of that change
	ChangedAt time.Time
	ReadAt    time.Time // by the store's clock, as all times of events
	// StepRevision and StepAt are of the change that brought it to its stage and weight.
	StepRevision routing.Revision
	StepAt       time.Time
	Last         *Event // the newest event about this route's state that undo may invert; nil: none
}

// Verb names what was done. The lifecycle verbs come from people and the
// autopilot; the others are written by the store when definitions change.
type Verb string

// The verbs of the lifecycle, and those of definitions and administration.
const (
	VerbPromote  Verb = "promote"
	VerbPause    Verb = "pause"
	VerbResume   Verb = "resume"
	VerbRollback Verb = "rollback"
	VerbRetire   Verb = "retire"
	VerbUndo     Verb = "undo"

	VerbApply       Verb = "apply"
	VerbSeed        Verb = "seed"
	VerbTokenCreate Verb = "token_create"
	VerbTokenRevoke Verb = "token_revoke"

	VerbOverrideCreate Verb = "override_create"
	VerbOverrideRevoke Verb = "override_revoke"
	VerbOverrideRotate Verb = "override_rotate"

	VerbFaultStart   Verb = "fault_start"
	VerbFaultStop    Verb = "fault_stop" // before its time; one that ends by itself has no event
	VerbBreakerReset Verb = "breaker_reset"
	VerbBackendDrain Verb = "backend_drain"
	VerbBackendReady Verb = "backend_ready"

	VerbRuleAdd     Verb = "rule_add"
	VerbRuleRemove  Verb = "rule_remove"
	VerbShadowStart Verb = "shadow_start"
	VerbShadowStop  Verb = "shadow_stop"

	VerbAutopilotOn  Verb = "autopilot_on"
	VerbAutopilotOff Verb = "autopilot_off"
	VerbFreeze       Verb = "freeze"
	VerbUnfreeze     Verb = "unfreeze"

	VerbReshuffle   Verb = "reshuffle"
	VerbStoreAccept Verb = "store_accept"
	VerbLoginDenied Verb = "login_denied" // several may be added up in one event
)

// Cause says what stood behind a change.
type Cause string

// The causes.
const (
	CauseOperator  Cause = "operator"
	CauseAutopilot Cause = "autopilot"
	CauseGuard     Cause = "guard"
)

// Event is one immutable row of the history. Before and After are a State for
// the lifecycle verbs, and whatever describes the change for the others.
type Event struct {
	ID       int64            `json:"id"` // ascending in the order of commit
	Revision routing.Revision `json:"revision"`
	Verb     Verb             `json:"verb"`
	Kind     string           `json:"kind"`    // what Subject is: route, backend, group, token, override, store, login; fault and breaker: of the route
	Subject  string           `json:"subject"` // its name
	Actor    string           `json:"actor"`   // token name
	Cause    Cause            `json:"cause"`
	Reason   string           `json:"reason,omitempty"`
	Before   json.RawMessage  `json:"before,omitempty"`
	After    json.RawMessage  `json:"after,omitempty"`
	Evidence json.RawMessage  `json:"evidence,omitempty"`
	At       time.Time        `json:"at"`
}

// EventQuery selects events, newest first; with After or Oldest, oldest first.
type EventQuery struct {
	Kind, Subject string           // empty: any
	AlsoKinds     []string         // beside Kind
	Before        int64            // only events with a smaller ID; 0: from the newest
	After         int64            // only events with a greater ID, oldest first; 0: newest first
	Oldest        bool             // oldest first, also where After is 0
	UpTo          routing.Revision // only events of this revision and earlier ones; 0: any
	Limit         int              // at most this many; 0: 50
}
