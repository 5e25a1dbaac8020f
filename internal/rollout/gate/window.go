package gate

import "time"

// Window is when changes are allowed: on some days of the week, between two hours
// of the day, by the clocks of a zone.
type Window struct {
	Zone *time.Location
	Days [7]bool // by time.Weekday
	// From and To are times of day since midnight; To is not within, and may be 24 h.
	From, To time.Duration
}
