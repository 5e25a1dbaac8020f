package spec

import (
	"slices"

	"github.com/stranglerfig/strangler/internal/rollout"
)

// Facts is what the state machine must know of the route. A plan that cannot
// be read, which Validate refuses, counts as the default plan.
func (r Route) Facts() rollout.Facts {
	plan, err := r.Plan.parse()
	if err != nil {
		plan = rollout.DefaultPlan()
	}
	return rollout.Facts{HasNew: r.New != "", Shadowable: r.shadowable(), SplitWrites: r.splitsWrites(), Plan: plan}
}

// shadowable reports whether requests of the route may be sent to the other
// side as well: only GET and HEAD may, so a route that has neither cannot be
// shadowed.
func (r Route) shadowable() bool {
	methods := r.Match.Methods
	return r.New != "" &&
		(len(methods) == 0 || slices.Contains(methods, "GET") || slices.Contains(methods, "HEAD"))
}
