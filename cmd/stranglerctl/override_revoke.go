package main

import (
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
			revoked, err := ask[wire.RevokedOverride](api.RevokeOverride(cmd.Context(), args[0]))
			if err != nil {
				return err
			}
			return c.show(view{raw: revoked.raw, names: []string{revoked.value.ID}, people: func(bool) error {
				c.out.Linef("%s  revoked", c.out.Paint(term.Strong, revoked.value.ID))
				return nil
			}})
		},
	}
	c.registerYes(cmd)
	return cmd
}
