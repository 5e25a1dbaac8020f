package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newRouteShowCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "show ROUTE",
		Short: "Show a route's definition, and the values in force",
		Long: `Show prints a route's definition as apply takes it, and below it every value that
is in force and where it came from: the route's definition, or the default.`,
		Example:           `  stranglerctl route show orders-get`,
		Args:              arguments("ROUTE"),
		ValidArgsFunction: c.completeRoute,
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := c.connect()
			if err != nil {
				return err
			}
			route, err := ask[wire.RouteDetail](api.GetRoute(cmd.Context(), args[0]))
			if err != nil {
				return err
			}
			c.warnStale(route.header)
			return c.showRoute(route)
		},
	}
}

func (c *cli) showRoute(route answer[wire.RouteDetail]) error {
	d := route.value
	return c.show(view{raw: route.raw, names: []string{d.Name}, people: func(bool) error {
		if err := c.showDefinition(route.raw); err != nil {
			return err
		}
		c.out.Linef("")
		if plan := planText(d.Plan); plan != "" {
			c.out.Linef("plan in force: %s", plan)
		}
		t := &term.Table{Heading: []string{"SIDE", "SETTING", "VALUE", "FROM"}}
		for _, s := range d.Settings {
			t.Add(term.Cells(cmp.Or(string(s.Side), "both"), s.Name, shortened(s.Value), string(s.Source))...)
		}
		return c.out.Table(t)
	}})
}

// showDefinition prints the definition in a route's JSON as YAML that apply takes.
func (c *cli) showDefinition(route json.RawMessage) error {
	var d struct{ Definition json.RawMessage }
	err := json.Unmarshal(route, &d)
	if err != nil {
		return err
	}
	text, err := toYAML(d.Definition)
	if err != nil {
		return fmt.Errorf("the definition cannot be written as YAML: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		c.out.Linef("%s", strings.TrimSuffix(line, "\n"))
	}
	return nil
}
