package main

import (
	"context"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/internal/api/client"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newPauseCommand(c *cli) *cobra.Command {
	v := &verb{cli: c}
	return v.command(&cobra.Command{
		Use:   "pause ROUTE",
		Short: "Keep the present weight and refuse promotions",
		Long: `Pause keeps traffic flowing at the present weight and refuses promotions until
the route is resumed. A rollback is always possible.`,
		Example: `  stranglerctl pause orders-get --reason "load test until five"`,
	}, func(ctx context.Context, api *client.Client, route string, params verbParams) (*http.Response, error) {
		return api.PauseRoute(ctx, route, &params, wire.VerbRequest{Reason: v.reason})
	})
}
