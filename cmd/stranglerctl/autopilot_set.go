package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// autopilotSet is on or off: what they share.
type autopilotSet struct {
	*cli
	changeOptions
}

func newAutopilotOnCommand(c *cli) *cobra.Command {
	s := &autopilotSet{cli: c}
	return s.command(&cobra.Command{
		Use:   "on ROUTE",
		Short: "Let evidence promote a route",
		Long: `On lets the autopilot take the next step of the route's plan whenever every gate
passes. It waits while one is insufficient, while the route is paused or rolled
back, and while promotions are frozen. In stage legacy there is nothing to measure:
there it takes the first step at once, unless promotions are frozen or it is outside
of the route's window.

A route that has no autopilot is rolled back by evidence all the same.`,
		Example: `  stranglerctl autopilot on orders-get --reason "two weeks by hand"`,
	}, func() wire.AutopilotMode { return wire.AutopilotModeOn })
}

func newAutopilotOffCommand(c *cli) *cobra.Command {
	s := &autopilotSet{cli: c}
	var disarm bool
	cmd := s.command(&cobra.Command{
		Use:   "off ROUTE",
		Short: "Let people promote a route; evidence still rolls it back",
		Long: `Off ends promotion by evidence. Where new does harm the route is still rolled
back, whoever promoted it.

--disarm ends that too: errors, slowness and an open breaker no longer take traffic
from new, and only people do. It stays so until autopilot on or off is said again.`,
		Example: `  stranglerctl autopilot off orders-get
  stranglerctl autopilot off orders-get --disarm --reason "legacy is worse than new"`,
	}, func() wire.AutopilotMode {
		if disarm {
			return wire.AutopilotModeDisarmed
		}
		return wire.AutopilotModeOff
	})
	cmd.Flags().BoolVar(&disarm, "disarm", false, "do not roll back by evidence either")
	return cmd
}

func (s *autopilotSet) command(cmd *cobra.Command, mode func() wire.AutopilotMode) *cobra.Command {
	s.register(cmd)
	s.registerYes(cmd)
	cmd.Args = arguments("ROUTE")
	cmd.ValidArgsFunction = s.completeRoute
	cmd.PreRunE = func(*cobra.Command, []string) error { return s.check() }
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return s.set(cmd.Context(), args[0], mode()) }
	return cmd
}

func (s *autopilotSet) set(ctx context.Context, route string, mode wire.AutopilotMode) error {
	api, err := s.connect()
	if err != nil {
		return err
	}
	params := &wire.SetAutopilotParams{DryRun: given(s.dryRun)}
	made, err := ask[wire.AutopilotChange](api.SetAutopilot(ctx, route, params, wire.AutopilotRequest{Mode: mode, Reason: s.reason}))
	if err != nil {
		return err
	}
	change := made.value
	err = s.show(view{raw: made.raw, names: []string{change.Route}, people: func(bool) error {
		text := "autopilot " + string(change.Mode)
		if change.Changed {
			text = "autopilot " + string(change.Before) + " → " + string(change.Mode)
		}
		s.out.Linef("%s  %s  (%s)", s.out.Paint(term.Strong, change.Route), text,
			revisionsText(change.DryRun, change.PreviousRevision, change.Revision, change.Actor))
		return nil
	}})
	if err != nil {
		return err
	}
	if err := s.finish(ctx, api, &s.changeOptions, change.Note, change.Revision); err != nil || s.dryRun {
		return err
	}
	if change.Changed {
		s.hintNext("gate ls "+term.ShellWord(route), modeCommand(change.Before)+term.ShellWord(route))
	}
	return nil
}

// modeCommand is the command that gives a route a mode, up to its name.
func modeCommand(mode wire.AutopilotMode) string {
	switch mode {
	case wire.AutopilotModeOn:
		return "autopilot on "
	case wire.AutopilotModeDisarmed:
		return "autopilot off --disarm "
	}
	return "autopilot off "
}
