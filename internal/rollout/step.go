package rollout

// Step says which step of its plan a route in state s stands on, counted from 1
// (0: on none), and how many steps the plan has for this route.
func (f Facts) Step(s State) (step, steps int) {
	plan := Record{Facts: f}.plan()
	return plan.position(s.Target()), len(plan.Steps)
}
