package rollout

import "github.com/stranglerfig/strangler/internal/routing"

// Step says which step of its plan a route in state s stands on, counted from 1
// (0: on none), and how many steps the plan has for this route.
func (f Facts) Step(s State) (step, steps int) {
	plan := f.plan()
	return plan.position(s.Target()), len(plan.Steps)
}

// plan is the route's plan without the step it cannot take.
func (f Facts) plan() Plan {
	if f.Shadowable {
		return f.Plan
	}
	return f.Plan.without(routing.StageShadow)
}
