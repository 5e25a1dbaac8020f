package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newOverrideRotateCommand(c *cli) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "Sign overrides with a new key from now on",
		Long: `Rotate makes a new key for signing. What was signed before stays valid until it
expires. Where the keys come from STRANGLER_OVERRIDE_KEYS, as in a fleet, the
router refuses and says how to do it there.`,
		Example: `  stranglerctl override rotate --reason "ana has left"`,
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			api, err := c.connect()
			if err != nil {
				return err
			}
			keys, err := ask[wire.OverrideKeys](api.RotateOverrideKey(cmd.Context(), wire.VerbRequest{Reason: reason}))
			if err != nil {
				return err
			}
			return c.show(view{raw: keys.raw, names: []string{keys.value.Signing}, people: func(bool) error {
				c.out.Linef("%s  signs from now on", c.out.Paint(term.Strong, keys.value.Signing))
				c.out.Linef("believed: %s", strings.Join(keys.value.Verifying, ", "))
				return nil
			}})
		},
	}
	c.registerYes(cmd)
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the history")
	return cmd
}
