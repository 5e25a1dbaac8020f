package rollout

import "errors"

// Fence is by what an autopilot proves that it is still the one that acts.
type Fence struct {
	Holder string // instance
	Number int64  // of its lease; a later holder has a higher one
}

// ErrFenced says that another autopilot has taken over, or that the lease has
// expired. Nothing was changed.
var ErrFenced = errors.New("another router's autopilot has taken over")
