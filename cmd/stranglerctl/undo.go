package main

import (
	"context"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/internal/api/client"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newUndoCommand(c *cli) *cobra.Command {
	v := &verb{cli: c}
	return v.command(&cobra.Command{
		Use:   "undo ROUTE",
		Short: "Take the last move of a route back",
		Long: `Undo takes the route back to where it stood before its last move; undoing an
undo does it again. Where that gives the new side more traffic it is a promote:
a paused route refuses it, and so does a gate that fails (exit 7). Retiring cannot
be undone.`,
		Example: `  stranglerctl undo orders-get --dry-run
  stranglerctl undo orders-get`,
	}, func(ctx context.Context, api *client.Client, route string, params verbParams) (*http.Response, error) {
		return api.UndoRoute(ctx, route, new(wire.UndoRouteParams(params)), wire.VerbRequest{Reason: v.reason})
	})
}
