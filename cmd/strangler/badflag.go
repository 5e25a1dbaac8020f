package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/stranglerfig/strangler/internal/app"
)

// badFlag says what is wrong with a flag in words, not in those of Go's parsers.
func badFlag(c *cobra.Command, err error) error {
	bad, ok := errors.AsType[*pflag.InvalidValueError](err)
	if !ok {
		return usage(c, "%w", err)
	}
	name := bad.GetFlag().Name
	return usage(c, "--%s: %w", name, app.BadValue(bad, fmt.Sprintf("--%s, --%[1]s=true or --%[1]s=false", name)))
}
