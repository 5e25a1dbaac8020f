package main

import (
	"context"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/client"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// freezing is freeze or unfreeze: what they share.
type freezing struct {
	*cli
	changeOptions
}

func newFreezeCommand(c *cli) *cobra.Command {
	f := &freezing{cli: c}
	return f.command(&cobra.Command{
		Use:   "freeze",
		Short: "Forbid promotions of every route; rollbacks go on",
		Long: `Freeze stops the autopilot from promoting any route, and refuses promote unless it
is forced. Traffic stays where it is, rollbacks by people and by evidence go on. It
lasts until unfreeze.`,
		Example: `  stranglerctl freeze --reason "the sale has begun"`,
	}, "unfreeze", func(ctx context.Context, api *client.Client, dryRun *bool, body wire.VerbRequest) (*http.Response, error) {
		return api.Freeze(ctx, &wire.FreezeParams{DryRun: dryRun}, body)
	})
}

func newUnfreezeCommand(c *cli) *cobra.Command {
	f := &freezing{cli: c}
	return f.command(&cobra.Command{
		Use:     "unfreeze",
		Short:   "Allow promotions again",
		Example: `  stranglerctl unfreeze --reason "the sale is over"`,
	}, "freeze", func(ctx context.Context, api *client.Client, dryRun *bool, body wire.VerbRequest) (*http.Response, error) {
		return api.Unfreeze(ctx, &wire.UnfreezeParams{DryRun: dryRun}, body)
	})
}

// freezeSender gives one of the two to the router.
type freezeSender func(ctx context.Context, api *client.Client, dryRun *bool, body wire.VerbRequest) (*http.Response, error)

// command completes one of the two; undo is the other.
func (f *freezing) command(cmd *cobra.Command, undo string, send freezeSender) *cobra.Command {
	f.register(cmd)
	f.registerYes(cmd)
	cmd.Args = arguments()
	cmd.PreRunE = func(*cobra.Command, []string) error { return f.check() }
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		api, err := f.connect()
		if err != nil {
			return err
		}
		made, err := ask[wire.FreezeChange](send(cmd.Context(), api, given(f.dryRun), wire.VerbRequest{Reason: f.reason}))
		if err != nil {
			return err
		}
		if err := f.tell(made); err != nil {
			return err
		}
		if err := f.finish(cmd.Context(), api, &f.changeOptions, made.value.Note, made.value.Revision); err != nil || f.dryRun {
			return err
		}
		if made.value.Changed {
			f.hintNext("", undo)
		}
		return nil
	}
	return cmd
}

func (f *freezing) tell(made answer[wire.FreezeChange]) error {
	change := made.value
	return f.show(view{raw: made.raw, people: func(bool) error {
		text := f.out.Paint(term.Good, "promotions are allowed")
		if change.Frozen != nil {
			text = f.out.Paint(term.Bad, "promotions are frozen, "+f.frozenText(*change.Frozen))
		}
		f.out.Linef("%s  (%s)", text, revisionsText(change.DryRun, change.PreviousRevision, change.Revision, change.Actor))
		return nil
	}})
}
