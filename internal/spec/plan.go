package spec

import (
	"fmt"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
)

// normalized is nil for a plan that says nothing.
func (p *Plan) normalized() *Plan {
	if p == nil || len(p.Steps) == 0 && p.Bake == "" {
		return nil
	}
	return &Plan{Steps: orNil(p.Steps), Bake: p.Bake}
}

// parse reads the plan; what is not written comes from the default plan.
func (p *Plan) parse() (rollout.Plan, error) {
	plan := rollout.DefaultPlan()
	if p == nil {
		return plan, nil
	}
	if len(p.Steps) > 0 {
		plan.Steps = nil
	}
	for _, text := range p.Steps {
		step, err := rollout.ParseTarget(text)
		if err != nil {
			return rollout.Plan{}, err
		}
		plan.Steps = append(plan.Steps, step)
	}
	if p.Bake != "" {
		bake, err := time.ParseDuration(p.Bake)
		if err != nil {
			return rollout.Plan{}, fmt.Errorf("the bake time is %q: write a duration like 10m", p.Bake)
		}
		plan.Bake = bake
	}
	return plan, plan.Validate()
}

// check finds every value that cannot be read, and then whether the steps ascend.
func (p *Plan) check(found *findings) {
	if p == nil || found.tooMany("plan.steps", CodePlan, len(p.Steps), maxSteps) {
		return
	}
	before := len(found.list)
	if p.Steps != nil && len(p.Steps) == 0 {
		found.add("plan.steps", CodePlan, "the plan has no steps: write some, like [shadow, 5%%, 100%%], or leave steps out for the default")
	}
	for i, text := range p.Steps {
		if _, err := rollout.ParseTarget(text); err != nil {
			found.add(fmt.Sprintf("plan.steps[%d]", i), CodePlan, "step %d: %v", i+1, err)
		}
	}
	if bake, err := time.ParseDuration(p.Bake); p.Bake != "" && (err != nil || bake < 0) {
		found.add("plan.bake", CodePlan, "the bake time is %q: write a duration like 10m, or 0s for none", p.Bake)
	}
	if len(found.list) > before {
		return
	}
	plan, _ := p.parse()
	for i := range p.Steps {
		// The first part of a plan that is none ends with the step at fault.
		if err := (rollout.Plan{Steps: plan.Steps[:i+1]}).Validate(); err != nil {
			found.add(fmt.Sprintf("plan.steps[%d]", i), CodePlan, "%v", err)
			return
		}
	}
}
