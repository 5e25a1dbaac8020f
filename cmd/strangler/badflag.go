package main

import (
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// badFlag says what is wrong with a flag in words, not in those of Go's parsers.
func badFlag(c *cobra.Command, err error) error {
	bad, ok := errors.AsType[*pflag.InvalidValueError](err)
	if !ok {
		return usage(c, "%w", err)
	}
	flag, value := bad.GetFlag().Name, bad.GetValue()
	switch bad.GetFlag().Value.Type() {
	case "duration":
		return usage(c, "--%s %q is no duration: write it with its unit, like 90s, 30m or 48h", flag, value)
	case "bool":
		return usage(c, "--%s %q: leave the value away, or write --%s=true or --%s=false", flag, value, flag, flag)
	}
	return usage(c, "--%s %q: %w", flag, value, errors.Unwrap(bad))
}
