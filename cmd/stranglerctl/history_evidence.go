package main

import (
	"encoding/json"
	"strings"

	"github.com/stranglerfig/strangler/internal/api/wire"
)

// proof is what an event keeps of the gates, as far as people want it.
type proof struct {
	Route    string `json:"route"` // whose gates failed, of those that came back together
	Findings []wire.GateFinding
	Forced   bool
	Build    string
	Requests []string
}

// proofOf reads it out of an event; nothing of one that holds none.
func proofOf(e wire.Event) proof {
	var p proof
	if absent(e.Evidence) || json.Unmarshal(e.Evidence, &p) != nil {
		return proof{}
	}
	return p
}

// failed are the gates that spoke against it.
func (p proof) failed() []wire.GateFinding {
	var failed []wire.GateFinding
	for _, f := range p.Findings {
		if f.Verdict == wire.GateVerdictFail {
			failed = append(failed, f)
		}
	}
	return failed
}

// reason is the one that was given. Where it only repeats what stands below, it
// is the names of the gates.
func (p proof) reason(e wire.Event) string {
	failed := p.failed()
	if e.Cause == wire.EventCauseOperator || len(failed) == 0 {
		return e.Reason
	}
	names := make([]string, len(failed))
	for i, f := range failed {
		names[i] = string(f.Gate)
	}
	text := inWords(names)
	if p.Route != "" && p.Route != e.Subject {
		text += " of " + p.Route
	}
	return text
}

// text says what the failing gates found; empty where none failed.
func (p proof) text() string {
	failed := p.failed()
	if len(failed) == 0 {
		return ""
	}
	parts := make([]string, len(failed))
	for i, f := range failed {
		parts[i] = string(f.Gate) + ": " + f.Text
	}
	text := strings.Join(parts, "; ")
	if p.Forced {
		text = "forced against " + text
	}
	if p.Build != "" {
		text += "; build " + p.Build
	}
	switch len(p.Requests) {
	case 0:
	case 1:
		text += "; such as request " + p.Requests[0]
	default:
		text += "; such as requests " + strings.Join(p.Requests, ", ")
	}
	return text
}

// whoText is who did it, and whether a breaker stood behind the autopilot.
func whoText(e wire.Event) string {
	if e.Cause == wire.EventCauseGuard {
		return e.Actor + " (guard)"
	}
	return e.Actor
}

// whatText is what was done to what. Promotions are frozen everywhere.
func whatText(e wire.Event) string {
	verb := strings.ReplaceAll(e.Verb, "_", " ")
	if e.Verb == "freeze" || e.Verb == "unfreeze" {
		return verb
	}
	return verb + " " + e.Subject
}

// pilotChange says what an event about the autopilot or a freeze switched; empty
// for any other.
func pilotChange(e wire.Event) string {
	switch e.Verb {
	case "freeze":
		return "promotions frozen"
	case "unfreeze":
		return "promotions allowed"
	case "autopilot_on", "autopilot_off":
		if before, after := modeIn(e.Before), modeIn(e.After); before != "" && after != "" {
			return before + " → " + after
		}
	}
	return ""
}

// modeIn reads an autopilot's mode out of an event; empty when it holds none.
func modeIn(raw json.RawMessage) string {
	var said struct{ Mode string }
	if absent(raw) || json.Unmarshal(raw, &said) != nil {
		return ""
	}
	return said.Mode
}
