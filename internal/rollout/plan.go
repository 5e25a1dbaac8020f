package rollout

import (
	"errors"
	"fmt"
	"time"

	"github.com/stranglerfig/strangler/internal/routing"
)

// Target is one place a route can be promoted to: a stage, and for canary its weight.
type Target struct {
	Stage  routing.Stage
	Weight routing.Weight
}

// Plan is the way a route takes from legacy to new.
type Plan struct {
	Steps []Target      // ascending in exposure
	Bake  time.Duration // how long a step is watched before the next
}

// DefaultBake is how long a step is watched when the plan does not say.
const DefaultBake = 10 * time.Minute

// ErrPlan is wrapped by every error of Plan.Validate.
var ErrPlan = errors.New("not a plan")

// DefaultPlan is the plan of a route that has none of its own: shadow, then
// 1, 5, 25, 50 and 100 %.
func DefaultPlan() Plan {
	steps := []Target{{Stage: routing.StageShadow}}
	for _, weight := range []routing.Weight{100, 500, 2500, 5000} {
		steps = append(steps, Target{Stage: routing.StageCanary, Weight: weight})
	}
	steps = append(steps, Target{Stage: routing.StageNew, Weight: routing.FullWeight})
	return Plan{Steps: steps, Bake: DefaultBake}
}

// Validate checks that each step exposes more than the one before, that the
// plan starts above legacy, and that it ends at 100 %.
func (p Plan) Validate() error {
	if len(p.Steps) == 0 {
		return fmt.Errorf("%w: it has no steps", ErrPlan)
	}
	before := Target{}
	for i, step := range p.Steps {
		if !step.above(before) {
			return fmt.Errorf("%w: step %d (%s) does not come after %s: steps must ascend", ErrPlan, i+1, step, before)
		}
		before = step
	}
	if before.Weight != routing.FullWeight {
		return fmt.Errorf("%w: the last step is %s: a plan ends at 100%%", ErrPlan, before)
	}
	if p.Bake < 0 {
		return fmt.Errorf("%w: the bake time %s is negative", ErrPlan, p.Bake)
	}
	return nil
}
