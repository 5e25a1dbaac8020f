package fleet

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/rollout/autopilot"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

// The kinds of events about controls whose subject is a route. They are not the
// route's own: those say where it stands.
const (
	KindFault     = "fault"
	KindBreaker   = "breaker"
	KindAutopilot = "autopilot"
)

// KindStore is the kind of events about everything, whose subject is the store's id.
const KindStore = "store"

// Control is one change of the controls, as a store is asked to make it.
type Control struct {
	Actor   string
	Reason  string
	DryRun  bool   // compute the changes, commit nothing
	Route   string // whose definition the decision needs; empty: none
	Backend string // the same
}

// Controlling is what such a change starts from. Faults that have ended are left
// out of it.
type Controlling struct {
	Controls Controls
	At       time.Time        // by the store's clock, as all times in Controls
	Next     routing.Revision // the one that a change would make
	Route    *spec.Route      // nil: not asked for, or not defined
	State    rollout.State    // where that route stands
	Backend  *spec.Backend    // nil: not asked for, or not defined
}

// Controlled is what a change of the controls became. Without changes Revision
// equals Previous.
type Controlled struct {
	Previous, Revision routing.Revision
	Controls           Controls
	Changes            []ControlChange
	At                 time.Time
}

// ControlChange is one thing that was switched. Before and After are a Fault
// without its end by this machine's clock, the drained endpoints of a backend,
// the side and generation of a reset, the mode of an autopilot, or whether
// promotions are frozen.
type ControlChange struct {
	Verb          rollout.Verb
	Kind, Subject string // of KindStore the store fills in the subject
	Before, After json.RawMessage

	Fault *Fault // of VerbFaultStart: to be given its ID
}

// ControlChanges lists what turns before into after, both sorted. A fault that
// is to start has no ID yet.
func ControlChanges(before, after Controls) []ControlChange {
	changes := faultChanges(before.Faults, after.Faults)
	changes = append(changes, drainChanges(before, after)...)
	changes = append(changes, resetChanges(before.Resets, after.Resets)...)
	changes = append(changes, autopilotChanges(before, after)...)
	return append(changes, freezeChanges(before.Freeze, after.Freeze)...)
}

func faultChanges(before, after []Fault) []ControlChange {
	var changes []ControlChange
	running := make(map[int64]bool, len(after))
	for i := range after {
		running[after[i].ID] = true
	}
	for i := range before {
		if f := &before[i]; !running[f.ID] {
			changes = append(changes, ControlChange{Verb: rollout.VerbFaultStop, Kind: KindFault, Subject: f.Route, Before: f.Facts()})
		}
	}
	for i := range after {
		if f := &after[i]; f.ID == 0 {
			changes = append(changes, ControlChange{Verb: rollout.VerbFaultStart, Kind: KindFault, Subject: f.Route, After: f.Facts(), Fault: f})
		}
	}
	return changes
}

// drainChanges has one change for each backend and direction.
func drainChanges(before, after Controls) []ControlChange {
	var changes []ControlChange
	seen := make(map[string]bool)
	for _, d := range append(append([]Drain(nil), before.Drained...), after.Drained...) {
		if seen[d.Backend] {
			continue
		}
		seen[d.Backend] = true
		was, is := before.DrainedOf(d.Backend), after.DrainedOf(d.Backend)
		change := ControlChange{Verb: rollout.VerbBackendDrain, Kind: spec.KindBackend, Subject: d.Backend, Before: drainFacts(was), After: drainFacts(is)}
		if len(is) < len(was) {
			change.Verb = rollout.VerbBackendReady
		}
		if !bytes.Equal(change.Before, change.After) {
			changes = append(changes, change)
		}
	}
	return changes
}

// resetChanges has the demands that are new. One whose lane is gone is forgotten
// without a word: it has no effect any more.
func resetChanges(before, after []Reset) []ControlChange {
	known := make(map[Reset]bool, len(before))
	for _, r := range before {
		known[r] = true
	}
	var changes []ControlChange
	for _, r := range after {
		if !known[r] {
			changes = append(changes, ControlChange{Verb: rollout.VerbBreakerReset, Kind: KindBreaker, Subject: r.Route, After: facts(struct {
				Side string `json:"side"`
			}{r.Side})})
		}
	}
	return changes
}

// autopilotChanges has one change for each route that is in another mode. One that
// is not promoted by evidence any more is switched off, whatever else it is.
func autopilotChanges(before, after Controls) []ControlChange {
	var changes []ControlChange
	seen := make(map[string]bool)
	was, is := before.modes(), after.modes()
	for _, a := range append(slices.Clone(before.Autopilots), after.Autopilots...) {
		if seen[a.Route] || was[a.Route] == is[a.Route] {
			continue
		}
		seen[a.Route] = true
		change := ControlChange{
			Verb: rollout.VerbAutopilotOff, Kind: KindAutopilot, Subject: a.Route,
			Before: modeFacts(was[a.Route]), After: modeFacts(is[a.Route]),
		}
		if is[a.Route] == autopilot.On {
			change.Verb = rollout.VerbAutopilotOn
		}
		changes = append(changes, change)
	}
	return changes
}

// modes are those of the routes that are named.
func (c Controls) modes() map[string]autopilot.Mode {
	modes := make(map[string]autopilot.Mode, len(c.Autopilots))
	for _, a := range c.Autopilots {
		modes[a.Route] = a.Mode
	}
	return modes
}

func modeFacts(mode autopilot.Mode) json.RawMessage {
	return facts(struct {
		Mode autopilot.Mode `json:"mode"`
	}{cmp.Or(mode, autopilot.Off)})
}

// freezeChanges has one change at most. Another reason for what is frozen already
// is one as well.
func freezeChanges(before, after *Freeze) []ControlChange {
	change := ControlChange{Verb: rollout.VerbFreeze, Kind: KindStore, Before: freezeFacts(before), After: freezeFacts(after)}
	switch {
	case after == nil && before == nil, after != nil && before != nil && after.Reason == before.Reason:
		return nil
	case after == nil:
		change.Verb = rollout.VerbUnfreeze
	}
	return []ControlChange{change}
}

func freezeFacts(f *Freeze) json.RawMessage {
	type freeze struct {
		Frozen bool   `json:"frozen"`
		By     string `json:"by,omitempty"`
		Reason string `json:"reason,omitempty"`
	}
	if f == nil {
		return facts(freeze{})
	}
	return facts(freeze{Frozen: true, By: f.Actor, Reason: f.Reason})
}

// Facts is the fault as an event keeps it.
func (f *Fault) Facts() json.RawMessage {
	return facts(struct {
		ID        int64     `json:"id,omitempty"` // of what starts it is the event's own
		Route     string    `json:"route"`
		Side      string    `json:"side"`
		Latency   string    `json:"latency,omitempty"`
		Jitter    string    `json:"jitter,omitempty"`
		PercentBp int       `json:"percent_bp"`
		Status    int       `json:"status,omitempty"`
		Reset     bool      `json:"reset,omitempty"`
		Header    string    `json:"header,omitempty"`
		Value     string    `json:"value,omitempty"`
		EndsAt    time.Time `json:"ends_at"`
	}{f.ID, f.Route, f.Side, written(f.Latency), written(f.Jitter), f.Percent, f.Status, f.Reset, f.Header, f.Value, f.EndsAt.UTC()})
}

func drainFacts(endpoints []string) json.RawMessage {
	if endpoints == nil {
		endpoints = []string{}
	}
	return facts(struct {
		Drained []string `json:"drained"`
	}{endpoints})
}

func written(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

func facts(value any) json.RawMessage {
	text, _ := json.Marshal(value) // never fails: these are texts, numbers and times
	return text
}
