package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/internal/api/client"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newRollbackCommand(c *cli) *cobra.Command {
	v := &verb{cli: c}
	var all, stopShadow bool
	send := func(ctx context.Context, api *client.Client, route string, params verbParams) (*http.Response, error) {
		return api.RollbackRoute(ctx, route, &wire.RollbackRouteParams{DryRun: params.DryRun}, v.rollbackRequest(stopShadow))
	}
	cmd := v.command(&cobra.Command{
		Use:   "rollback ROUTE | --all",
		Short: "Let legacy serve everything, at once",
		Long: `Rollback sends all traffic of the route to legacy at once, from any weight and
any hold. It never asks for one route, and nothing refuses it. The route then
holds as rolled back until it is promoted or resumed.

--all rolls back every route in one revision, and asks first; without a terminal
it wants -y.`,
		Example: `  stranglerctl rollback orders-get --wait
  stranglerctl rollback --all -y --reason "new database is down"`,
		Args: func(cmd *cobra.Command, args []string) error {
			if !all {
				return arguments("ROUTE")(cmd, args)
			}
			if len(args) > 0 {
				return usagef("--all means every route: leave %q away, or --all", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if v.precondition() != nil {
				v.note.Linef("--if-revision is ignored: a rollback is never held up")
			}
			if all {
				return v.rollbackAll(cmd.Context(), v.rollbackRequest(stopShadow))
			}
			return v.move(cmd.Context(), args[0], send)
		},
	}, send)
	cmd.Flags().BoolVar(&all, "all", false, "every route (asks)")
	cmd.Flags().BoolVar(&stopShadow, "stop-shadow", false, "to stage legacy rather than shadow")
	return cmd
}

func (v *verb) rollbackRequest(stopShadow bool) wire.RollbackRequest {
	return wire.RollbackRequest{StopShadow: stopShadow, Reason: v.reason}
}

func (v *verb) rollbackAll(ctx context.Context, request wire.RollbackRequest) error {
	api, err := v.connect()
	if err != nil {
		return err
	}
	if !v.yes && !v.dryRun {
		if err := v.askToRollBackAll(ctx, api, request); err != nil {
			return err
		}
	}
	done, err := ask[[]wire.Move](api.RollbackAll(ctx, &wire.RollbackAllParams{DryRun: given(v.dryRun)}, request))
	if err != nil {
		return err
	}
	moved := onlyChanged(done.value)
	if err := v.showMoves(done.raw, moved); err != nil {
		return err
	}
	what := "rolled back"
	if v.dryRun {
		what = "would be rolled back"
	}
	v.note.Linef("%s %s, %d unchanged", counted(len(moved), "route"), what, len(done.value)-len(moved))
	if len(moved) == 0 {
		moved = done.value[:min(1, len(done.value))] // for the revision to wait for
	}
	return v.follow(ctx, api, moved)
}

// askToRollBackAll asks, naming the routes that would lose traffic.
func (v *verb) askToRollBackAll(ctx context.Context, api *client.Client, request wire.RollbackRequest) error {
	would, err := ask[[]wire.Move](api.RollbackAll(ctx, &wire.RollbackAllParams{DryRun: new(true)}, request))
	if err != nil {
		return err
	}
	var names []string
	for _, m := range onlyChanged(would.value) {
		names = append(names, m.Route)
	}
	question := fmt.Sprintf("This rolls back %s: %s. Do it?", counted(len(names), "route"), strings.Join(names, ", "))
	if len(names) == 0 {
		question = "No route would change. Do it all the same?"
	}
	return v.confirm(ctx, "rollback --all", question)
}

func onlyChanged(all []wire.Move) []wire.Move {
	var changed []wire.Move
	for _, m := range all {
		if m.Changed {
			changed = append(changed, m)
		}
	}
	return changed
}

// counted is "1 route", "3 routes".
func counted(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
