package main

import (
	"context"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/internal/api/client"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newRetireCommand(c *cli) *cobra.Command {
	v := &verb{cli: c}
	var force bool
	send := func(ctx context.Context, api *client.Client, route string, params verbParams) (*http.Response, error) {
		return api.RetireRoute(ctx, route, new(wire.RetireRouteParams(params)), wire.RetireRequest{Force: force, Reason: v.reason})
	}
	cmd := v.command(&cobra.Command{
		Use:   "retire ROUTE",
		Short: "Give the legacy side up, for good (asks)",
		Long: `Retire removes the legacy side from a route that new has served completely for
its bake time. Rollback and undo are no longer possible afterwards, so it asks
first; without a terminal it wants -y.`,
		Example: `  stranglerctl retire orders-get
  stranglerctl retire orders-get -y --reason "legacy is switched off on Friday"`,
		PreRunE: func(*cobra.Command, []string) error {
			if force && v.reason == "" {
				return usagef("--force wants a --reason, for the history")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := v.askToRetire(cmd.Context(), args[0], send); err != nil {
				return err
			}
			return v.move(cmd.Context(), args[0], send)
		},
	}, send)
	cmd.Flags().BoolVar(&force, "force", false, "do not wait for the bake time; needs --reason")
	return cmd
}

// askToRetire asks whether the route may lose its legacy side, unless nothing
// would come of it: what the router would refuse needs no question.
func (v *verb) askToRetire(ctx context.Context, route string, send sender) error {
	if v.yes || v.dryRun {
		return nil
	}
	api, err := v.connect()
	if err != nil {
		return err
	}
	params := v.params()
	params.DryRun = new(true)
	would, err := ask[wire.Move](send(ctx, api, route, params))
	if err != nil || !would.value.Changed {
		return err
	}
	return v.confirm(ctx, "retire "+route,
		"After this rollback and undo of "+route+" are no longer possible. Retire it?")
}
