package main

import (
	"context"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/internal/api/client"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newResumeCommand(c *cli) *cobra.Command {
	v := &verb{cli: c}
	return v.command(&cobra.Command{
		Use:   "resume ROUTE",
		Short: "Clear the hold of a paused or rolled-back route",
		Long: `Resume clears the hold, so that the route may be promoted. It never moves traffic
itself; where the autopilot is on, that takes the next step once all gates pass.`,
		Example: `  stranglerctl resume orders-get`,
	}, func(ctx context.Context, api *client.Client, route string, params verbParams) (*http.Response, error) {
		return api.ResumeRoute(ctx, route, new(wire.ResumeRouteParams(params)), wire.VerbRequest{Reason: v.reason})
	})
}
