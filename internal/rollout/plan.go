package rollout

import (
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
