package main

import (
	"context"
	"net/http"
	"slices"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/client"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// promote is one run of promote: where to, and what.
type promote struct {
	verb
	to          string
	full        bool
	group       string
	splitWrites bool
	force       bool
}

func newPromoteCommand(c *cli) *cobra.Command {
	p := &promote{verb: verb{cli: c}}
	cmd := p.command(&cobra.Command{
		Use:   "promote ROUTE | --group GROUP",
		Short: "Take the next step of the plan, or go where --to says",
		Long: `Promote takes the next step of the route's plan: by default shadow, then 1, 5,
25, 50 and 100 % of its users. Raising the weight never moves a user back.

--group promotes every route of a group in one revision, so that no user meets
two versions of what belongs together; what refuses one of them refuses all.

A paused route is refused, and so is one of which a gate fails (exit 7), unless
--force and --reason say why to go on all the same. A gate that cannot tell yet
refuses nobody; what the gates said is kept in the history. After a rollback promote
clears the hold and takes the first canary step, unless --to says otherwise. A route
with data: separate that takes writes is refused without --accept-split-writes: what
new writes, legacy does not have, and a rollback does not bring it there.

--follow goes on to watch the bake time and the gates of the new step. It ends with
0 when every gate passes, or somebody has taken the route further, and with 7 when
a gate fails or the route was taken back, and says why. Gates that were forced are
not waited for. Ctrl-C ends the watching; the promotion stays.`,
		Example: `  stranglerctl promote orders-get
  stranglerctl promote orders-get --to 25 --wait
  stranglerctl promote orders-get --follow
  stranglerctl promote --group shop --to 5
  stranglerctl promote orders-get --force --reason "the mismatch is a bug in legacy"
  stranglerctl promote orders-get --full --reason "two quiet weeks"`,
		Args:    p.arguments,
		PreRunE: func(cmd *cobra.Command, _ []string) error { return p.checkTo(cmd) },
		RunE: func(cmd *cobra.Command, args []string) error {
			if p.group != "" {
				return p.promoteGroup(cmd.Context())
			}
			return p.move(cmd.Context(), args[0], p.send)
		},
	}, p.send)
	cmd.Flags().BoolVar(&p.force, "force", false, "go on although a gate fails; needs --reason")
	cmd.Flags().BoolVar(&p.followed, "follow", false, "then watch the new step until its gates have decided")
	cmd.Flags().StringVar(&p.to, "to", "", "where to: legacy, shadow, new, or a percentage such as 25%")
	offer(cmd, "to", "legacy", "shadow", "new")
	cmd.Flags().BoolVar(&p.full, "full", false, "to 100 %")
	cmd.Flags().StringVar(&p.group, "group", "", "every route of this cohort group")
	_ = cmd.RegisterFlagCompletionFunc("group", func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return c.complete(cmd, nil, c.groupNames)
	})
	cmd.Flags().BoolVar(&p.splitWrites, "accept-split-writes", false, "go on although each side keeps its own data")
	return cmd
}

func (p *promote) arguments(cmd *cobra.Command, args []string) error {
	if !cmd.Flags().Changed("group") {
		return arguments("ROUTE, or --group GROUP")(cmd, args)
	}
	if len(args) > 0 {
		return usagef("--group means every route of the group: leave %q away, or --group", args[0])
	}
	return nil
}

func (p *promote) checkTo(cmd *cobra.Command) error {
	flags := cmd.Flags()
	switch {
	case flags.Changed("group") && p.group == "":
		return usagef("--group is empty: stranglerctl group ls shows the groups")
	case p.group != "" && p.precondition() != nil:
		return usagef("--if-revision is about one route, and --group about several: give one of them")
	case p.full && flags.Changed("to"):
		return usagef("--full is --to 100%%: give one of them")
	case flags.Changed("to") && p.to == "":
		return usagef("--to is empty: want a stage, or a percentage such as 25%%")
	case p.force && p.reason == "":
		return usagef("--force wants a --reason, for the history")
	case p.followed && p.dryRun:
		return usagef("--dry-run changes nothing that --follow could watch: give one of them")
	}
	if p.full {
		p.to = "100%"
	}
	return nil
}

func (p *promote) request() wire.PromoteRequest {
	return wire.PromoteRequest{To: p.to, AcceptSplitWrites: p.splitWrites, Force: p.force, Reason: p.reason}
}

func (p *promote) send(ctx context.Context, api *client.Client, route string, params verbParams) (*http.Response, error) {
	return api.PromoteRoute(ctx, route, new(wire.PromoteRouteParams(params)), p.request())
}

// promoteGroup promotes the routes of a group together.
func (p *promote) promoteGroup(ctx context.Context) error {
	api, err := p.connect()
	if err != nil {
		return err
	}
	params := &wire.PromoteGroupParams{DryRun: given(p.dryRun)}
	done, err := ask[[]wire.Move](api.PromoteGroup(ctx, p.group, params, p.request()))
	if err != nil {
		return err
	}
	if err := p.showMoves(done.raw, done.value); err != nil {
		return err
	}
	if err := p.follow(ctx, api, done.value); err != nil || p.dryRun {
		return err
	}
	if p.followed {
		return p.watchGates(ctx, api, slices.DeleteFunc(done.value, isRetired))
	}
	moved := onlyChanged(done.value)
	next, undo := "", ""
	if slices.ContainsFunc(done.value, mayGoOn) {
		next = "promote --group " + term.ShellWord(p.group)
	}
	switch {
	case slices.ContainsFunc(moved, exposes):
		undo = forEachRoute("rollback")
	case len(moved) > 0:
		undo = forEachRoute("undo")
	}
	if len(done.value) > 1 { // of a single route follow has said it
		p.hintNext(next, undo)
	}
	return nil
}

// exposes reports whether new serves something of a route after a move.
func exposes(m wire.Move) bool { return m.After.WeightBp > 0 }

// isRetired reports whether there is nothing to watch any more.
func isRetired(m wire.Move) bool { return m.After.Stage == wire.StageRetired }

// mayGoOn reports whether a route of a group has a step before it.
func mayGoOn(m wire.Move) bool {
	return m.After.Stage != wire.StageNew && m.After.Stage != wire.StageRetired
}
