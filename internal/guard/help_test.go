package guard_test

import "time"

// epoch is when the tests' clocks begin.
var epoch = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// at is a moment after the epoch.
func at(after time.Duration) time.Time { return epoch.Add(after) }

// half is the random number that spreads nothing: the middle of the range.
func half() float64 { return 0.5 }

func constant(value float64) func() float64 { return func() float64 { return value } }
