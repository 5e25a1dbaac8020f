package main

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newOverrideRevokeCommand(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "revoke ID",
		Short: "End an override before its time",
		Long: `Revoke makes every router ignore an override, whoever has its value. Its id is in
the hint under the value, in -o json, and in stranglerctl history.`,
		Example: `  stranglerctl override revoke kq3x7ab2`,
		Args:    arguments("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := c.connect()
			if err != nil {
				return err
			}
			before, err := ask[[]wire.RevokedOverride](api.ListRevokedOverrides(cmd.Context()))
			if err != nil {
				return err
			}
			revoked, err := ask[wire.RevokedOverride](api.RevokeOverride(cmd.Context(), args[0]))
			if err != nil {
				return err
			}
			return c.showRevokedOverride(revoked, before.value)
		},
	}
	c.registerYes(cmd)
	return cmd
}

func (c *cli) showRevokedOverride(revoked answer[wire.RevokedOverride], before []wire.RevokedOverride) error {
	override := revoked.value
	became := "revoked"
	switch {
	case !override.Expires.After(c.now()):
		became = "had expired already, at " + moment(&override.Expires)
	case slices.ContainsFunc(before, func(r wire.RevokedOverride) bool { return r.ID == override.ID }):
		became = "was revoked already"
	}
	return c.show(view{raw: revoked.raw, names: []string{override.ID}, people: func(bool) error {
		c.out.Linef("%s  of route %s: %s", c.out.Paint(term.Strong, override.ID), override.Route, became)
		return nil
	}})
}
