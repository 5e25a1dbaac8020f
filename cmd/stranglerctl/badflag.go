package main

import (
	"errors"
	"strings"

	"github.com/spf13/pflag"
)

// badFlag says what is wrong with a flag in words, not in those of Go's parsers.
func badFlag(err error) error {
	bad, ok := errors.AsType[*pflag.InvalidValueError](err)
	if !ok {
		return usagef("%w", err)
	}
	flag := "--" + bad.GetFlag().Name
	switch bad.GetFlag().Value.Type() {
	case "duration":
		return usagef("%s %q is no duration: write it with its unit, like 90s, 30m or 48h", flag, bad.GetValue())
	case "int", "int64":
		return usagef("%s %q is no whole number", flag, bad.GetValue())
	case "bool":
		return usagef("%s %q: leave the value away, or write %s=true or %s=false", flag, bad.GetValue(), flag, flag)
	}
	return usagef("%s %q: %s", flag, bad.GetValue(), strings.TrimSpace(errors.Unwrap(bad).Error()))
}
