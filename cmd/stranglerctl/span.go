package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// parseSpan reads a time such as 90m, 1h or 30d; a day is 24 hours.
func parseSpan(text string) (time.Duration, error) {
	days, isDays := strings.CutSuffix(text, "d")
	if !isDays {
		return time.ParseDuration(text)
	}
	n, err := strconv.Atoi(days)
	if err != nil || n < 0 || n > 36_500 {
		return 0, fmt.Errorf("%q is no number of days up to a hundred years", text)
	}
	return time.Duration(n) * day, nil
}
