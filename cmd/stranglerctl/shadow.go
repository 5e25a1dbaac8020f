package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/client"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newShadowCommand(c *cli) *cobra.Command {
	return family("shadow", "Asking the other side of a route as well, to compare",
		newShadowStartCommand(c), newShadowStopCommand(c))
}

// shadowing is what start and stop share.
type shadowing struct {
	*cli
	changeOptions
}

func (s *shadowing) registerShadowing(cmd *cobra.Command) {
	s.register(cmd)
	s.registerIfRevision()
	s.registerYes(cmd)
}

// tell prints what is shadowed now, waits if asked to, and says what comes next.
func (s *shadowing) tell(ctx context.Context, api *client.Client, made answer[wire.ShadowChange], next, undo string) error {
	change := made.value
	err := s.show(view{raw: made.raw, names: []string{change.Route}, people: func(bool) error {
		s.out.Linef("%s  %s  (%s)", s.out.Paint(term.Strong, change.Route), shadowText(change),
			revisionsText(change.DryRun, change.PreviousRevision, change.Revision, change.Actor))
		return nil
	}})
	if err != nil {
		return err
	}
	if err := s.finish(ctx, api, &s.changeOptions, change.Note, change.Revision); err != nil || s.dryRun {
		return err
	}
	s.hintNext(next, undo)
	return nil
}

// shadowText says like "shadow: 10%, and 10% of the cohorts in stage canary".
func shadowText(change wire.ShadowChange) string {
	text := "shadow: " + change.Sample
	if change.ShareBp == 0 {
		return fmt.Sprintf("%s; in stage %s nothing is shadowed", text, change.Stage)
	}
	return fmt.Sprintf("%s; in stage %s that is %s of its users", text, change.Stage, percent(change.ShareBp))
}
