package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/client"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newRollbackCommand(c *cli) *cobra.Command {
	v := &verb{cli: c}
	var all bool
	var request wire.RollbackRequest
	var revision int64
	send := func(ctx context.Context, api *client.Client, route string, params verbParams) (*http.Response, error) {
		request.Reason = v.reason
		return api.RollbackRoute(ctx, route, &wire.RollbackRouteParams{DryRun: params.DryRun, IfMatch: params.IfMatch}, request)
	}
	cmd := v.command(&cobra.Command{
		Use:   "rollback ROUTE | --all",
		Short: "Let legacy serve everything, at once",
		Long: `Rollback sends all traffic of the route to legacy at once, from any weight and
any hold. Nothing refuses it, and outside of a protected context it never asks
for one route. The route then holds as rolled back until it is promoted or
resumed. It tells how many requests new has served that may have written
something.

--to-revision takes the route to where it stood at an earlier revision. Where
that is more than new serves now it is a promotion, and obeys its rules.

--all rolls back every route in one revision, and asks first; without a terminal
it wants -y.`,
		Example: `  stranglerctl rollback orders-get --wait
  stranglerctl rollback orders-get --to-revision 412
  stranglerctl rollback --all -y --reason "new database is down"`,
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("to-revision") {
				request.ToRevision = &revision
			}
			if request.Force && v.reason == "" {
				return usagef("--force wants a --reason, for the history")
			}
			return checkRollback(request, all)
		},
		Args: func(cmd *cobra.Command, args []string) error {
			if !all {
				return arguments("ROUTE, or --all")(cmd, args)
			}
			if len(args) > 0 {
				return usagef("--all means every route: leave %q away, or --all", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if v.precondition() != nil && request.ToRevision == nil {
				v.note.Linef("--if-revision is ignored: a rollback is never held up")
			}
			if all {
				request.Reason = v.reason
				return v.rollbackAll(cmd.Context(), request)
			}
			return v.move(cmd.Context(), args[0], send)
		},
	}, send)
	cmd.Flags().BoolVar(&all, "all", false, "every route (asks)")
	cmd.Flags().BoolVar(&request.StopShadow, "stop-shadow", false, "to stage legacy rather than shadow")
	cmd.Flags().Int64Var(&revision, "to-revision", 0, "to where the route stood at this revision, see stranglerctl history")
	cmd.Flags().BoolVar(&request.AcceptSplitWrites, "accept-split-writes", false, "with --to-revision: as in a promotion")
	cmd.Flags().BoolVar(&request.Force, "force", false, "with --to-revision: as in a promotion; needs --reason")
	return cmd
}

// checkRollback refuses options that contradict each other.
func checkRollback(request wire.RollbackRequest, all bool) error {
	switch {
	case request.ToRevision == nil && request.AcceptSplitWrites:
		return usagef("--accept-split-writes goes with --to-revision: a rollback to legacy is never held up")
	case request.ToRevision == nil && request.Force:
		return usagef("--force goes with --to-revision: a rollback to legacy is never refused by a gate")
	case request.ToRevision == nil:
		return nil
	case all:
		return usagef("--to-revision is about one route, and --all about every route: give one of them")
	case request.StopShadow:
		return usagef("--to-revision says where to already: leave --stop-shadow away")
	case *request.ToRevision < 1:
		return usagef("--to-revision %d: revisions are positive; stranglerctl history shows them", *request.ToRevision)
	}
	return nil
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
	v.tellRetired(done.value)
	if len(moved) == 0 && len(done.value) > 0 {
		moved = []wire.Move{{Revision: done.value[0].Revision}} // to wait for
	}
	if err := v.follow(ctx, api, moved); err != nil || v.dryRun {
		return err
	}
	if len(moved) > 1 {
		v.hintNext("", forEachRoute("undo"))
	}
	return nil
}

// tellRetired names the routes that stay on new whatever is rolled back.
func (v *verb) tellRetired(all []wire.Move) {
	var names []string
	for _, m := range all {
		if m.After.Stage == wire.StageRetired {
			names = append(names, m.Route)
		}
	}
	if len(names) > 0 {
		v.note.Linef("%s retired, so new goes on serving: %s", v.note.Paint(term.Notice, markWarn), strings.Join(names, ", "))
	}
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
