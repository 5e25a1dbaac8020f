package main

import (
	"context"
	"net/http"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/internal/api/client"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// faultStop is the command that ends faults.
type faultStop struct {
	*cli
	changeOptions
	route string
	all   bool
}

func newFaultStopCommand(c *cli) *cobra.Command {
	s := &faultStop{cli: c}
	cmd := &cobra.Command{
		Use:   "stop ID|--route ROUTE|--all",
		Short: "End a fault before its time, or all of them",
		Example: `  stranglerctl fault stop 17
  stranglerctl fault stop --route orders-get
  stranglerctl fault stop --all --wait`,
		Args:              atMostOne("ID"),
		ValidArgsFunction: c.completeFault,
		PreRunE:           func(_ *cobra.Command, args []string) error { return s.check(args) },
		RunE:              func(cmd *cobra.Command, args []string) error { return s.run(cmd.Context(), args) },
	}
	s.register(cmd)
	c.registerYes(cmd)
	cmd.Flags().StringVar(&s.route, "route", "", "every fault of this route")
	cmd.Flags().BoolVar(&s.all, "all", false, "every fault")
	_ = cmd.RegisterFlagCompletionFunc("route", func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return c.complete(cmd, nil, c.routeNames)
	})
	return cmd
}

// check demands exactly one way of saying which.
func (s *faultStop) check(args []string) error {
	ways := len(args)
	if s.route != "" {
		ways++
	}
	if s.all {
		ways++
	}
	if ways != 1 {
		return usagef("which fault? give its id, or --route ROUTE, or --all; stranglerctl fault ls lists them")
	}
	return s.changeOptions.check()
}

func (s *faultStop) run(ctx context.Context, args []string) error {
	api, err := s.connect()
	if err != nil {
		return err
	}
	made, err := ask[wire.FaultChange](s.send(ctx, api, args))
	if err != nil {
		return err
	}
	return s.changeFaults(ctx, api, &s.changeOptions, "stopped", made)
}

func (s *faultStop) send(ctx context.Context, api *client.Client, args []string) (*http.Response, error) {
	if len(args) == 0 {
		return api.StopFaults(ctx, &wire.StopFaultsParams{Route: given(s.route), DryRun: given(s.dryRun), Reason: given(s.reason)})
	}
	id, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil || id < 1 {
		return nil, usagef("%q is no id of a fault: want a number; stranglerctl fault ls lists them", args[0])
	}
	return api.StopFault(ctx, id, &wire.StopFaultParams{DryRun: given(s.dryRun), Reason: given(s.reason)})
}
