package spoken

import (
	"math"
	"strconv"
	"strings"
)

// Count writes n with a comma between thousands: 18,211.
func Count(n uint64) string {
	text := strconv.FormatUint(n, 10)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

const (
	digits    = 2 // of what is told apart: of a share, or of what it lacks of all
	mostExact = 4 // digits behind the point
)

// Share writes a share of 1 as a percentage, with two digits of itself or, beyond a
// half, of what it lacks of 100%: 0.21%, 5%, 12%, 99.94%. What is not quite nothing is never
// 0%, and what is not quite all never 100%. What lies outside counts as the nearer end; for
// what is no number it writes "an unknown share".
func Share(share float64) string {
	percent := 100 * share
	lacks := min(percent, 100-percent)
	const least = 1e-4 // as many digits as there are
	switch {
	case math.IsNaN(share):
		return "an unknown share"
	case percent <= 0:
		return "0%"
	case percent >= 100:
		return "100%"
	case lacks < least && percent < 50:
		return "less than 0.0001%"
	case lacks < least:
		return "more than 99.9999%"
	}
	behind := min(mostExact, max(0, digits-1-int(math.Floor(math.Log10(lacks)))))
	text := strconv.FormatFloat(percent, 'f', behind, 64)
	if behind > 0 {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text + "%"
}
