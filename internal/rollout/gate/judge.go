package gate

import (
	"math"
	"time"

	"github.com/stranglerfig/strangler/internal/routing"
)

// Judge asks each gate that applies to where the route stands, and returns what they
// say in the order of their names above. Whether changes are allowed is asked
// everywhere; the bake time wherever the route has left legacy; parity there as well,
// where it can be measured; the others where new serves something. A gate that is off is
// not among them.
//
// Without data no gate passes, save those that ask whether something forbids changes.
// Errors and slowness roll a route back, unless its policy says that they hold it, and so
// does a breaker that is not closed. Parity and fallbacks only hold it.
func Judge(policy Policy, in Input) []Finding {
	var found []Finding
	moved := in.Stage == routing.StageShadow || in.Stage.Exposed()
	if moved {
		found = append(found, bake(in))
	}
	if moved && in.Shadowable && !policy.Parity.Off {
		found = append(found, parity(policy.Parity, in.Parity, in.Comparing))
	}
	if in.Stage.Exposed() {
		if !policy.Errors.Off {
			found = append(found, failing(policy.Errors, in))
		}
		if !policy.Slowness.Off {
			found = append(found, slow(policy.Slowness, in))
		}
		if !policy.Fallbacks.Off {
			found = append(found, fallbacks(policy.Fallbacks, in))
		}
		found = append(found, breaker(in))
	}
	return append(found, window(policy.Window, in.Now), freeze(in.Frozen))
}

// longest is the longest wait that is told as a time.
const longest = 100 * 365 * 24 * time.Hour

// lasting is how long it takes until so many more have come, at so many an hour; 0
// where none come.
func lasting(more uint64, perHour float64) time.Duration {
	hours := float64(more) / perHour
	switch {
	case !(perHour > 0) || math.IsInf(perHour, 1):
		return 0
	case hours > longest.Hours():
		return longest
	default:
		return time.Duration(hours * float64(time.Hour))
	}
}
