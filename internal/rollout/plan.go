package rollout

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/stranglerfig/strangler/internal/routing"
)

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

// Validate checks that there are steps, that each exposes more than the one
// before and the first more than legacy, and that the bake time is not
// negative. A plan may end before 100 %: the rest is then promoted with --to.
func (p Plan) Validate() error {
	if len(p.Steps) == 0 {
		return fmt.Errorf("%w: it has no steps", ErrPlan)
	}
	var before Target // legacy
	for i, step := range p.Steps {
		if !step.Above(before) {
			return fmt.Errorf("%w: step %d (%s) does not come after %s: steps must ascend", ErrPlan, i+1, step, before)
		}
		before = step
	}
	if p.Bake < 0 {
		return fmt.Errorf("%w: the bake time %s is negative", ErrPlan, p.Bake)
	}
	return nil
}

// next returns the first step that exposes more than from; false after the last.
func (p Plan) next(from Target) (Target, bool) {
	for _, step := range p.Steps {
		if step.Above(from) {
			return step, true
		}
	}
	return Target{}, false
}

// firstExposed returns the first step by which new serves anything; false
// when the plan has only shadow.
func (p Plan) firstExposed() (Target, bool) {
	return p.next(Target{Stage: routing.StageShadow})
}

// position says which step, counted from 1, a route at t stands on; 0 when it
// stands on none.
func (p Plan) position(t Target) int {
	return slices.Index(p.Steps, t) + 1
}

// without returns the plan without the steps that lead to stage.
func (p Plan) without(stage routing.Stage) Plan {
	p.Steps = slices.DeleteFunc(slices.Clone(p.Steps), func(t Target) bool { return t.Stage == stage })
	return p
}
