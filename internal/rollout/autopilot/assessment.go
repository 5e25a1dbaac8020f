package autopilot

import (
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/rollout/gate"
	"github.com/stranglerfig/strangler/internal/rollout/sequential"
)

// Assessment is how one route stands with its gates.
type Assessment struct {
	Route    string
	Findings []gate.Finding
	Verdict  sequential.Verdict // of all gates together
	Next     *rollout.Target    // the step that comes next; nil: there is none
	Mode     Mode
	Held     string    // why the autopilot would not take that step now, in words; empty: it would
	At       time.Time // by the store's clock
}
