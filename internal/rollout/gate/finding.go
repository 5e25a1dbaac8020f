package gate

import (
	"time"

	"github.com/stranglerfig/strangler/internal/rollout/sequential"
)

// Name says which gate it is.
type Name string

// The gates, in the order in which they are told.
const (
	NameBake      Name = "bake"      // the step has been watched for long enough
	NameParity    Name = "parity"    // the answers of both sides are the same
	NameErrors    Name = "errors"    // new fails no more often than legacy
	NameSlowness  Name = "slowness"  // new is no slower than legacy
	NameFallbacks Name = "fallbacks" // legacy does little of new's work
	NameBreaker   Name = "breaker"   // new's breaker is closed on every router
	NameWindow    Name = "window"    // changes are allowed at this time
	NameFreeze    Name = "freeze"    // nobody has forbidden changes
)

// Finding is what one gate says, and why. It is what events, the API and
// notifications carry.
type Finding struct {
	Gate    Name               `json:"gate"`
	Verdict sequential.Verdict `json:"verdict"`
	// Text is what was found, in one line without the name of the gate: "0.2% of
	// 1,820 key-minutes on new, 0.3% of 5,400 on legacy; evidence 1.4 of 100".
	Text string `json:"text"`
	// Missing is what an insufficient verdict waits for: "needs 2,140 more
	// comparisons, about 9 h at the present rate".
	Missing string `json:"missing,omitempty"`
	// Wait is how long that takes at the present rate; 0: nobody knows, or nothing is missing.
	Wait time.Duration `json:"-"`
	// RollsBack says that this failure takes a route's traffic back.
	RollsBack bool `json:"rolls_back,omitempty"`

	New       *sequential.Count `json:"new,omitempty"`       // errors, slowness: key-minutes of the step
	Legacy    *sequential.Count `json:"legacy,omitempty"`    // the same
	Evidence  float64           `json:"evidence,omitempty"`  // value of the process
	Threshold float64           `json:"threshold,omitempty"` // at which it fails
	Against   string            `json:"against,omitempty"`   // legacy, baseline or limit
	Have      uint64            `json:"have,omitempty"`      // comparisons, requests, seconds of bake time
	Hits      uint64            `json:"hits,omitempty"`      // of Have, mismatches or fallbacks
	Limit     float64           `json:"limit,omitempty"`     // the share that is too much
	Last      time.Time         `json:"last,omitzero"`       // fallbacks: when the last one was
}

// Verdict is that of all gates together: a failure of one fails, and all must pass.
func Verdict(findings []Finding) sequential.Verdict {
	all := sequential.Pass
	for _, f := range findings {
		switch f.Verdict {
		case sequential.Fail:
			return sequential.Fail
		case sequential.Insufficient:
			all = sequential.Insufficient
		}
	}
	return all
}
