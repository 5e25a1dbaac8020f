package notify

import (
	"math/rand/v2"
	"time"
)

// mostRetryAfter bounds what a receiver may ask for.
const mostRetryAfter = 24 * time.Hour

// mostAttempts are made within three days.
const mostAttempts = 75

// delay returns how long to wait after so many failures in a row, and false when
// it is time to give up. It begins as the schedule that Standard Webhooks gives as
// its example, and then goes on by the hour, where that one comes to a day: what
// happened meanwhile waits as well, and a receiver that is back wants to know of it.
// Up to a tenth is added so that receivers are not asked by everybody at once.
// asked is what the receiver asked for.
func delay(failures int, asked time.Duration) (time.Duration, bool) {
	if failures >= mostAttempts {
		return 0, false
	}
	schedule := [...]time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, time.Hour}
	wait := schedule[min(failures, len(schedule))-1]
	wait += rand.N(wait / 10)
	return max(wait, min(asked, mostRetryAfter)), true
}
