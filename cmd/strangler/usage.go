package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// usageError says what is wrong with the words of a command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// usage is a usageError that ends with where to read more.
func usage(c *cobra.Command, format string, args ...any) error {
	return usageError{fmt.Errorf(format+"; see %s --help", append(args, c.CommandPath())...)}
}

// noArguments refuses words that a command does not take.
func noArguments(c *cobra.Command, args []string) error { return arguments()(c, args) }

// arguments takes up to as many words as there are names, and refuses further ones.
func arguments(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) <= len(names) {
			return nil
		}
		if near := c.SuggestionsFor(args[len(names)]); len(near) > 0 {
			return usage(c, "unknown command %q (did you mean %s?)", args[len(names)], strings.Join(near, " or "))
		}
		return usage(c, "unknown argument %q", args[len(names)])
	}
}
