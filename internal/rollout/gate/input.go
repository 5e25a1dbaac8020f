package gate

import (
	"time"

	"github.com/stranglerfig/strangler/internal/rollout/sequential"
	"github.com/stranglerfig/strangler/internal/routing"
)

// Input is what is known of a route when its gates are asked.
type Input struct {
	Now    time.Time
	Stage  routing.Stage
	Weight routing.Weight
	Since  time.Time     // when it came to this step
	Bake   time.Duration // how long each step is watched

	Shadowable bool      // copies of its requests may be compared
	Comparing  bool      // and are, in this stage
	Parity     *Compared // nil: nobody could say

	// What the autopilot has added up; nil: it has seen nothing of this route yet.
	Errors, Slowness *sequential.Watch
	SlowOver         time.Duration // what is slow: legacy's p95; 0: not known yet
	Served           Served        // by new in this step
	Latency          struct {      // p95 of late; 0: not known
		New, Legacy time.Duration
	}

	Breakers []Breaker // of new's lane, of the routers where it is not closed
	Frozen   *Frozen   // nil: changes are allowed
}

// Compared is what the comparisons of the present epoch came to.
type Compared struct {
	Compared   uint64
	Mismatched uint64
	PerHour    float64 // comparisons of late
}

// Served is how much new served.
type Served struct {
	Requests  uint64  `json:"requests"`
	Fallbacks uint64  `json:"fallbacks"` // of them, those that legacy served in the end
	PerHour   float64 `json:"-"`         // key-minutes on new of late

	LastFallback time.Time `json:"last_fallback,omitzero"` // when that was the last time; zero: never
}

// Breaker is one that is not closed.
type Breaker struct {
	Instance string `json:"instance"`
	State    string `json:"state"` // open or half_open
	Reason   string `json:"reason,omitempty"`
	// Age is how long it has been so, by the time of asking. What it came to before
	// the route came to this step is no harm done by the step: it only holds.
	Age time.Duration `json:"-"`
}

// Frozen is a ban on changes.
type Frozen struct {
	By     string
	At     time.Time
	Reason string
}
