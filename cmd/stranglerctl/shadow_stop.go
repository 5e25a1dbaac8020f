package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newShadowStopCommand(c *cli) *cobra.Command {
	s := &shadowing{cli: c}
	cmd := &cobra.Command{
		Use:   "stop ROUTE",
		Short: "Ask only the side that serves, in whatever stage",
		Long: `Stop writes shadow.sample: off into the definition of a route. From then on nothing
of it is shadowed, in stage shadow neither. What was found is kept for its time, and
no traffic moves.`,
		Example:           `  stranglerctl shadow stop orders-get --reason "the new database is busy"`,
		Args:              arguments("ROUTE"),
		ValidArgsFunction: c.completeRoute,
		PreRunE:           func(*cobra.Command, []string) error { return s.check() },
		RunE:              func(cmd *cobra.Command, args []string) error { return s.stop(cmd.Context(), args[0]) },
	}
	s.registerShadowing(cmd)
	return cmd
}

func (s *shadowing) stop(ctx context.Context, route string) error {
	api, err := s.connect()
	if err != nil {
		return err
	}
	params := &wire.StopShadowParams{DryRun: given(s.dryRun), Reason: given(s.reason), IfMatch: etag(s.precondition())}
	made, err := ask[wire.ShadowChange](api.StopShadow(ctx, route, params))
	if err != nil {
		return err
	}
	return s.tell(ctx, api, made, "", "shadow start "+term.ShellWord(route))
}
