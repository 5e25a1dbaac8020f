package spec

import (
	"slices"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/shadow"
)

// Facts is what the state machine must know of the route. A plan that cannot
// be read, which Validate refuses, counts as the default plan.
func (r Route) Facts() rollout.Facts {
	plan, err := r.Plan.parse()
	if err != nil {
		plan = rollout.DefaultPlan()
	}
	return rollout.Facts{
		HasNew: r.New != "", Shadowable: r.shadowable(), SplitWrites: r.splitsWrites(), Plan: plan, Gates: r.GatePolicy(),
	}
}

// shadowable reports whether requests of the route may be sent to the other
// side as well: GET and HEAD may, and writes where the route says how.
func (r Route) shadowable() bool {
	return r.New != "" && (r.reads() || r.writes() && r.ShadowPolicy().Writes != shadow.WritesOff)
}

// reads reports whether requests of the route may be such as ask for an answer
// and nothing else.
func (r Route) reads() bool {
	return r.wants("GET", "HEAD")
}

// writes reports whether requests of the route may be such as change something,
// of which a copy can be made.
func (r Route) writes() bool {
	return r.wants("POST", "PUT", "PATCH", "DELETE")
}

// wants reports whether the route's match leaves in one of some methods.
func (r Route) wants(methods ...string) bool {
	return len(r.Match.Methods) == 0 || slices.ContainsFunc(r.Match.Methods, func(method string) bool {
		return slices.Contains(methods, method)
	})
}
