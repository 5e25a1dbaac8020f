package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newGateCommand(c *cli) *cobra.Command {
	return family("gate", "The gates of a route: whether it may take its next step", newGateListCommand(c))
}

func newGateListCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "ls [ROUTE]",
		Short: "Show what the gates say of every route, or each gate of one",
		Long: `Ls asks the gates of every route that has a new side whether it may take its next
step. With a route it shows each gate with what was found, what is too much, and
what is missing.

A verdict is pass, fail or insufficient. A failing gate refuses promote unless it is
forced; an insufficient one holds the autopilot only. Which gates there are depends
on the stage: in stage legacy there is nothing to measure yet.`,
		Example: `  stranglerctl gate ls
  stranglerctl gate ls orders-get -o wide
  stranglerctl gate ls orders-get -o json | jq '.[0].findings[] | select(.verdict != "pass")'`,
		Args:              atMostOne("ROUTE"),
		ValidArgsFunction: c.completeRoute,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return c.listGates(cmd.Context())
			}
			return c.showGates(cmd.Context(), args[0])
		},
	}
}

// listGates shows every route in one line.
func (c *cli) listGates(ctx context.Context) error {
	api, err := c.connect()
	if err != nil {
		return err
	}
	routes, err := ask[[]wire.RouteGates](api.ListGates(ctx))
	if err != nil {
		return err
	}
	c.warnStale(routes.header)
	view := view{raw: routes.raw, people: func(bool) error { return c.printAllGates(routes.value) }}
	for _, r := range routes.value {
		view.names = append(view.names, r.Route)
	}
	return c.show(view)
}

// showGates shows each gate of one route.
func (c *cli) showGates(ctx context.Context, route string) error {
	api, err := c.connect()
	if err != nil {
		return err
	}
	gates, err := ask[wire.RouteGates](api.GetGates(ctx, route))
	if err != nil {
		return err
	}
	c.warnStale(gates.header)
	view := view{raw: arrayOf(gates.raw), people: func(wide bool) error { return c.printGates(gates.value, wide) }}
	for _, f := range gates.value.Findings {
		view.names = append(view.names, string(f.Gate))
	}
	return c.show(view)
}
