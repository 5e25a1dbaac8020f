package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// breakerReset is the command that closes breakers.
type breakerReset struct {
	*cli
	changeOptions
	side string
}

func newBreakerResetCommand(c *cli) *cobra.Command {
	b := &breakerReset{cli: c}
	cmd := &cobra.Command{
		Use:   "reset ROUTE",
		Short: "Close a route's breakers on every router, and forget what they counted",
		Long: `Reset lets requests through again at once, when it is known that the backend is
well. Without it a breaker finds out for itself, a minute later at most.`,
		Example:           `  stranglerctl breaker reset orders-get --side new --reason 'mended' --wait`,
		Args:              arguments("ROUTE"),
		ValidArgsFunction: c.completeRoute,
		PreRunE: func(*cobra.Command, []string) error {
			if b.side != "" && !wire.Side(b.side).Valid() {
				return usagef("--side %q: want new or legacy", b.side)
			}
			return b.check()
		},
		RunE: func(cmd *cobra.Command, args []string) error { return b.run(cmd.Context(), args[0]) },
	}
	b.register(cmd)
	c.registerYes(cmd)
	cmd.Flags().StringVar(&b.side, "side", "", "new or legacy; both unless told")
	offer(cmd, "side", string(wire.SideNew), string(wire.SideLegacy))
	return cmd
}

func (b *breakerReset) run(ctx context.Context, route string) error {
	api, err := b.connect()
	if err != nil {
		return err
	}
	params := &wire.ResetBreakerParams{DryRun: given(b.dryRun)}
	made, err := ask[wire.BreakerReset](api.ResetBreaker(ctx, route, params, wire.ResetRequest{Side: wire.Side(b.side), Reason: b.reason}))
	if err != nil {
		return err
	}
	reset := made.value
	sides := make([]string, len(reset.Sides))
	for i, side := range reset.Sides {
		sides[i] = string(side)
	}
	err = b.show(view{raw: made.raw, names: []string{reset.Route}, people: func(bool) error {
		b.out.Linef("%s  breakers reset: %s  (%s)", b.out.Paint(term.Strong, reset.Route), strings.Join(sides, ", "),
			revisionsText(reset.DryRun, reset.PreviousRevision, reset.Revision, reset.Actor))
		return nil
	}})
	if err != nil {
		return err
	}
	return b.finish(ctx, api, &b.changeOptions, reset.Note, reset.Revision)
}
