package main

import (
	"strconv"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newRouteCommand(c *cli) *cobra.Command {
	return family("route", "The definitions of routes", newRouteListCommand(c), newRouteShowCommand(c),
		newRouteSetCommand(c), newRouteRemoveCommand(c))
}

func newRouteListCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:     "ls",
		Short:   "List the routes and what they match",
		Example: `  stranglerctl route ls -o name`,
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			api, err := c.connect()
			if err != nil {
				return err
			}
			routes, err := ask[[]wire.RouteStatus](api.ListRoutes(cmd.Context()))
			if err != nil {
				return err
			}
			c.warnStale(routes.header)
			return c.showRouteList(routes)
		},
	}
}

func (c *cli) showRouteList(routes answer[[]wire.RouteStatus]) error {
	view := view{raw: routes.raw, people: func(wide bool) error {
		t := &term.Table{Heading: []string{"ROUTE", "MATCH", "LEGACY", "NEW", "GROUP", "STAGE", "REVISION"}}
		for _, r := range routes.value {
			t.Add(term.Cells(r.Name, r.Match, r.Legacy, r.New, r.Group, string(r.Stage), strconv.FormatInt(r.Revision, 10))...)
		}
		return c.showTable(t, 5, wide)
	}}
	for _, r := range routes.value {
		view.names = append(view.names, r.Name)
	}
	return c.show(view)
}
