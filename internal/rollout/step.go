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

// Next is the step of the plan that a route in state s takes next; false when its
// plan ends there. After a rollback that is the first by which new serves anything.
func (f Facts) Next(s State) (Target, bool) {
	if !f.HasNew || s.Stage == routing.StageNew || s.Stage == routing.StageRetired {
		return Target{}, false
	}
	if s.Hold.Kind == HoldRolledBack && s.Weight == 0 {
		return f.plan().firstExposed()
	}
	return f.plan().next(s.Target())
}
