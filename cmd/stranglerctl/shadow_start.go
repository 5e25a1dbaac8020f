package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newShadowStartCommand(c *cli) *cobra.Command {
	s := &shadowing{cli: c}
	var sample string
	cmd := &cobra.Command{
		Use:   "start ROUTE [--sample 10%]",
		Short: "Ask the other side of a route as well, for a share of its users",
		Long: `Start writes into the definition of a route which share of its users is shadowed:
the router sends copies of their requests to the side that does not serve them, and
compares the two answers. Users notice nothing of it, and no traffic moves.

Without it a route is shadowed whole in stage shadow, and not at all in canary and
new. In stage legacy nothing is shadowed.`,
		Example: `  stranglerctl shadow start orders-get --sample 10%
  stranglerctl shadow start orders-get --wait`,
		Args:              arguments("ROUTE"),
		ValidArgsFunction: c.completeRoute,
		PreRunE:           func(*cobra.Command, []string) error { return s.check() },
		RunE:              func(cmd *cobra.Command, args []string) error { return s.start(cmd.Context(), args[0], sample) },
	}
	s.registerShadowing(cmd)
	cmd.Flags().StringVar(&sample, "sample", "100%", "the share of its users")
	return cmd
}

func (s *shadowing) start(ctx context.Context, route, sample string) error {
	api, err := s.connect()
	if err != nil {
		return err
	}
	params := &wire.StartShadowParams{DryRun: given(s.dryRun), IfMatch: etag(s.precondition())}
	made, err := ask[wire.ShadowChange](api.StartShadow(ctx, route, params, wire.ShadowRequest{Sample: sample, Reason: s.reason}))
	if err != nil {
		return err
	}
	return s.tell(ctx, api, made, "diff "+term.ShellWord(route), "shadow stop "+term.ShellWord(route))
}
