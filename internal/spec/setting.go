package spec

import (
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
)

// Origin says where a value in force comes from.
type Origin string

// The origins.
const (
	FromDefault Origin = "default" // the side's default, or the backend's
	FromRoute   Origin = "route"   // the route's definition
	FromBackend Origin = "backend" // the backend's definition
)

// Setting is one value in force, and where it comes from.
type Setting struct {
	Part  string // as definitions write it: timeouts, retry, breaker, bulkhead, streams, fallback, health, shadow, gates.errors
	Name  string // within its part: read, slow.over; empty: the part as a whole is off
	Value string // as definitions write it, or as time.Duration prints it; "off"; "none" where there is no such limit
	From  Origin
}

// Path is the setting's name as one reaches it in a definition: breaker.slow.over.
func (s Setting) Path() string {
	if s.Name == "" {
		return s.Part
	}
	return s.Part + "." + s.Name
}

// Settings returns everything in force on one side of the route, in the order of
// documents. A part that is off is one setting.
func (r Route) Settings(side routing.Side) []Setting {
	policy := r.Policy(side)
	var list []Setting
	for _, part := range r.sideGuard(side).parts(side, &policy) {
		list = append(list, part.settings(policy, FromRoute)...)
	}
	return list
}

// settings lists what is in force of a part that is bound to policy.
func (p part) settings(policy guard.Policy, written Origin) []Setting {
	var list []Setting
	whole := Setting{Part: p.name, Value: wordOff, From: FromDefault}
	for _, field := range p.fields {
		from := FromDefault
		if field.text != "" {
			from, whole.From = written, written
		}
		list = append(list, Setting{Part: p.name, Name: field.name, Value: field.value.String(), From: from})
	}
	if p.off {
		whole.From = written
	}
	if p.isOff != nil && p.isOff(policy) {
		return []Setting{whole}
	}
	return list
}
