// Package spoken writes values the way people say them, for messages and
// tables. What programs read stays in Go's notation.
package spoken

import (
	"strings"
	"time"
)

// Duration writes d without needless zeros: 24h, not 24h0m0s; 1h30m, 10m, 1m5s.
func Duration(d time.Duration) string {
	text := d.String()
	if rest, found := strings.CutSuffix(text, "m0s"); found {
		text = rest + "m"
	}
	if rest, found := strings.CutSuffix(text, "h0m"); found {
		text = rest + "h"
	}
	return text
}
