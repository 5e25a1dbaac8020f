package rollout

import (
	"errors"
	"fmt"

	"github.com/stranglerfig/strangler/internal/routing"
)

// Target is one place a route can be promoted to: a stage, and for canary its weight.
type Target struct {
	Stage  routing.Stage
	Weight routing.Weight
}

// ErrTarget is wrapped by every error of ParseTarget.
var ErrTarget = errors.New("not a target")

// ParseTarget reads where a route is to go, as --to and a plan's steps write
// it: legacy, shadow, new, or a percentage. 100% is new; 0% and canary without
// a percentage are refused.
func ParseTarget(text string) (Target, error) {
	if stage, err := routing.ParseStage(text); err == nil {
		return stageTarget(stage)
	}
	weight, err := routing.ParseWeight(text)
	switch {
	case err != nil:
		return Target{}, fmt.Errorf("%w: %q: write legacy, shadow, new, or a percentage above 0%% with at most two decimals, like 25%%", ErrTarget, text)
	case weight == 0:
		return Target{}, fmt.Errorf("%w: %q: to take all traffic from new, use rollback", ErrTarget, text)
	case weight == routing.FullWeight:
		return Target{Stage: routing.StageNew, Weight: weight}, nil
	default:
		return Target{Stage: routing.StageCanary, Weight: weight}, nil
	}
}

func stageTarget(stage routing.Stage) (Target, error) {
	switch stage {
	case routing.StageNew:
		return Target{Stage: stage, Weight: routing.FullWeight}, nil
	case routing.StageCanary:
		return Target{}, fmt.Errorf("%w: canary needs its percentage: write it instead, like 5%%", ErrTarget)
	case routing.StageRetired:
		return Target{}, fmt.Errorf("%w: a route is retired with the verb retire, never promoted there", ErrTarget)
	default:
		return Target{Stage: stage}, nil
	}
}

// String writes the target as ParseTarget reads it: "shadow", "25%"; new is "100%".
func (t Target) String() string {
	if t.Stage == routing.StageCanary || t.Stage == routing.StageNew {
		return t.Weight.String()
	}
	return t.Stage.String()
}

// Above reports whether t gives new more to do than o: a higher weight, or at
// weight 0 a later stage.
func (t Target) Above(o Target) bool {
	if t.Weight != o.Weight {
		return t.Weight > o.Weight
	}
	return t.Stage > o.Stage
}
