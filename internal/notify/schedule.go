package notify

import (
	"math/rand/v2"
	"time"
)

// mostRetryAfter bounds what a receiver may ask for.
const mostRetryAfter = 24 * time.Hour

// delay returns how long to wait after so many failures in a row, and false when
// it is time to give up: ten attempts within three days. The schedule is the one
// that Standard Webhooks gives as its example, with up to a tenth more so that
// receivers are not asked by everybody at once. asked is what the receiver asked for.
func delay(failures int, asked time.Duration) (time.Duration, bool) {
	schedule := [...]time.Duration{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
		10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}
	if failures > len(schedule) {
		return 0, false
	}
	wait := schedule[failures-1]
	wait += rand.N(wait / 10)
	return max(wait, min(asked, mostRetryAfter)), true
}
