package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/client"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// reshuffle is one run of group reshuffle.
type reshuffle struct {
	*cli
	changeOptions
}

func newGroupReshuffleCommand(c *cli) *cobra.Command {
	r := &reshuffle{cli: c}
	cmd := &cobra.Command{
		Use:   "reshuffle GROUP",
		Short: "Deal the users of a group anew to the sides (asks)",
		Long: `Reshuffle gives a group a new salt: other users are then the first to move. Where
routes of the group are in canary, users change sides at once, in both
directions; so it asks first, and without a terminal wants -y.`,
		Example:           `  stranglerctl group reshuffle shop --reason "the first ones have had enough"`,
		Args:              arguments("GROUP"),
		ValidArgsFunction: c.completeGroup,
		PreRunE:           func(*cobra.Command, []string) error { return r.check() },
		RunE:              func(cmd *cobra.Command, args []string) error { return r.run(cmd.Context(), args[0]) },
	}
	r.register(cmd)
	r.registerIfRevision()
	r.registerYes(cmd)
	return cmd
}

func (r *reshuffle) run(ctx context.Context, group string) error {
	api, err := r.connect()
	if err != nil {
		return err
	}
	if !r.dryRun {
		would, err := r.send(ctx, api, group, true)
		if err != nil {
			return err
		}
		if err := r.confirm(ctx, "group reshuffle", reshuffleQuestion(would.value)); err != nil {
			return err
		}
	}
	done, err := r.send(ctx, api, group, r.dryRun)
	if err != nil {
		return err
	}
	if err := r.showReshuffle(done); err != nil || r.dryRun || r.wait == 0 {
		return err
	}
	return r.waitFor(ctx, api, done.value.Revision, r.wait)
}

// reshuffleQuestion says who would change sides.
func reshuffleQuestion(would wire.Reshuffle) string {
	if len(would.Moved) == 0 {
		return "No route of " + would.Group + " is in canary, so nobody changes sides now. Give it a new salt?"
	}
	question := "Users of " + strings.Join(would.Moved, ", ") + " change sides, in both directions. Reshuffle " + would.Group + "?"
	if would.Note != "" {
		question = "Mind: " + would.Note + ". " + question
	}
	return question
}

func (r *reshuffle) send(ctx context.Context, api *client.Client, group string, dryRun bool) (answer[wire.Reshuffle], error) {
	params := &wire.ReshuffleGroupParams{DryRun: given(dryRun), IfMatch: etag(r.precondition())}
	return ask[wire.Reshuffle](api.ReshuffleGroup(ctx, group, params, wire.VerbRequest{Reason: r.reason}))
}

func (r *reshuffle) showReshuffle(done answer[wire.Reshuffle]) error {
	d := done.value
	return r.show(view{raw: done.raw, names: []string{d.Group}, people: func(bool) error {
		facts := "dry run: nothing was changed"
		if !d.DryRun {
			facts = fmt.Sprintf("revision %d → %d, by %s", d.PreviousRevision, d.Revision, d.Actor)
		}
		moved := "nobody changes sides"
		if len(d.Moved) > 0 {
			moved = "users change sides in " + strings.Join(d.Moved, ", ")
		}
		r.out.Linef("%s  new salt: %s  (%s)", r.out.Paint(term.Strong, d.Group), moved, facts)
		if d.Note != "" {
			r.out.Linef("%s", d.Note)
		}
		return nil
	}})
}
