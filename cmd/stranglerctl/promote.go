package main

import (
	"context"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/internal/api/client"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newPromoteCommand(c *cli) *cobra.Command {
	v := &verb{cli: c}
	var to string
	var full bool
	cmd := v.command(&cobra.Command{
		Use:   "promote ROUTE",
		Short: "Take the next step of the plan, or go where --to says",
		Long: `Promote takes the next step of the route's plan: by default shadow, then 1, 5,
25, 50 and 100 % of its users. Raising the weight never moves a user back.

A paused route is refused (exit 7). After a rollback it clears the hold and
takes the first canary step, unless --to says otherwise.`,
		Example: `  stranglerctl promote orders-get
  stranglerctl promote orders-get --to 25 --wait
  stranglerctl promote orders-get --full --reason "two quiet weeks"`,
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case full && cmd.Flags().Changed("to"):
				return usagef("--full is --to 100%%: give one of them")
			case cmd.Flags().Changed("to") && to == "":
				return usagef("--to is empty: want a stage, or a percentage such as 25%%")
			}
			if full {
				to = "100%"
			}
			return nil
		},
	}, func(ctx context.Context, api *client.Client, route string, params verbParams) (*http.Response, error) {
		body := wire.PromoteRequest{To: to, Reason: v.reason}
		return api.PromoteRoute(ctx, route, new(wire.PromoteRouteParams(params)), body)
	})
	cmd.Flags().StringVar(&to, "to", "", "where to: legacy, shadow, new, or a percentage such as 25%")
	offer(cmd, "to", "legacy", "shadow", "new")
	cmd.Flags().BoolVar(&full, "full", false, "to 100 %")
	return cmd
}
