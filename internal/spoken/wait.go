package spoken

import (
	"fmt"
	"time"
)

const day = 24 * time.Hour

// Wait says about how long one has to wait, in one unit and rounded up: 40 s, 7 min,
// 9 h, 3 days. Beyond a year nobody waits.
func Wait(d time.Duration) string {
	whole := func(unit time.Duration) int64 {
		n := int64(d / unit)
		if d%unit > 0 {
			n++
		}
		return max(0, n)
	}
	switch {
	case d > 365*day:
		return "more than a year"
	case d > 48*time.Hour:
		return fmt.Sprintf("%d days", whole(day))
	case d > 90*time.Minute:
		return fmt.Sprintf("%d h", whole(time.Hour))
	case d > 90*time.Second:
		return fmt.Sprintf("%d min", whole(time.Minute))
	default:
		return fmt.Sprintf("%d s", whole(time.Second))
	}
}
