package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newGroupShowCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:               "show GROUP",
		Short:             "Show one group",
		Example:           `  stranglerctl group show shop -o yaml`,
		Args:              arguments("GROUP"),
		ValidArgsFunction: c.completeGroup,
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := c.connect()
			if err != nil {
				return err
			}
			group, err := ask[wire.Group](api.GetGroup(cmd.Context(), args[0]))
			if err != nil {
				return err
			}
			c.warnStale(group.header)
			g := group.value
			return c.show(view{raw: group.raw, names: []string{g.Name}, people: func(bool) error {
				c.out.Linef("%s", c.out.Paint(term.Strong, g.Name))
				c.out.Linef("  keys      %s", keysText(g.Keys))
				c.out.Linef("  routes    %s", orDash(strings.Join(g.Routes, ", ")))
				c.out.Linef("  salt      %s", orDash(g.Salt))
				c.out.Linef("  revision  %d", g.Revision)
				return nil
			}})
		},
	}
}
