package gate

import "time"

// Window is when changes are allowed: on some days of the week, between two hours
// of the day, as the clocks on the walls of a zone show them.
type Window struct {
	Zone *time.Location // nil in a policy alone, and then nothing of the window is asked
	Days [7]bool        // by time.Weekday
	// From and To are times of day since midnight; To is not within, and may be 24 h.
	From, To time.Duration
}

const day = 24 * time.Hour

// farthest is how far ahead a window is looked through: a time of day that a zone
// skips in one week, because it puts its clocks forward, it shows in the next.
const farthest = 15 * day

// Open reports whether changes are allowed at a moment. A time of day that clocks
// skip when they are put forward is not there; one that they show twice when they
// are put back counts twice.
func (w Window) Open(at time.Time) bool {
	local := at.In(w.Zone)
	shown := timeOfDay(local)
	return w.Days[local.Weekday()] && w.From <= shown && shown < w.To
}

// Opens returns the first moment from now on at which changes are allowed, which is
// now itself while they are; zero where there is none.
func (w Window) Opens(now time.Time) time.Time { return w.first(now, true) }

// Closes returns the first moment from now on at which changes are not allowed,
// which is now itself while they are not; zero where there is none.
func (w Window) Closes(now time.Time) time.Time { return w.first(now, false) }

// first goes from one moment at which the window may open or close to the next.
func (w Window) first(now time.Time, open bool) time.Time {
	for at := now; at.Sub(now) < farthest; at = w.next(at) {
		if w.Open(at) == open {
			return at
		}
	}
	return time.Time{}
}

// next returns the next moment at which clocks show From, To or midnight,
// or are put forward or back.
func (w Window) next(at time.Time) time.Time {
	local := at.In(w.Zone)
	shown := timeOfDay(local)
	wait := day - shown
	for _, edge := range [...]time.Duration{w.From, w.To} {
		if edge > shown {
			wait = min(wait, edge-shown)
		}
	}
	soon := at.Add(wait) // by clocks that nobody touches meanwhile
	if _, change := local.ZoneBounds(); !change.IsZero() && change.Before(soon) {
		return change
	}
	return soon
}

// timeOfDay is what a clock shows, from midnight on.
func timeOfDay(local time.Time) time.Duration {
	hour, minute, second := local.Clock()
	return time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second +
		time.Duration(local.Nanosecond())
}
