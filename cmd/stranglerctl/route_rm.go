package main

import (
	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// matchesAll is how the match of a route is written that takes whatever is left.
const matchesAll = "/*"

func newRouteRemoveCommand(c *cli) *cobra.Command {
	e := &edit{cli: c}
	cmd := &cobra.Command{
		Use:   "rm ROUTE",
		Short: "Remove a route (asks)",
		Long: `Rm removes a route; its requests then belong to whichever other route matches
them. A route whose new side serves anything is refused: roll it back first.
It asks first; without a terminal it wants -y.`,
		Example:           `  stranglerctl route rm orders-get`,
		Args:              arguments("ROUTE"),
		ValidArgsFunction: c.completeRoute,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, name := cmd.Context(), args[0]
			api, err := c.connect()
			if err != nil {
				return err
			}
			route, err := ask[wire.RouteDetail](api.GetRoute(ctx, name))
			if err != nil {
				return err
			}
			if route.value.Match == matchesAll {
				c.note.Linef("%s without it, what no other route matches is answered with 404", c.note.Paint(term.Notice, markWarn))
			}
			err = c.confirm(ctx, "route rm", "Remove route "+name+" ("+route.value.Match+")?")
			if err != nil {
				return err
			}
			params := &wire.DeleteRouteParams{Reason: given(e.reason), IfMatch: e.matching(route.value.Revision)}
			done, err := ask[wire.Edit](api.DeleteRoute(ctx, name, params))
			if err != nil {
				return err
			}
			return e.finish(ctx, api, done)
		},
	}
	e.registerEdit(cmd)
	return cmd
}
