package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newInstanceCommand(c *cli) *cobra.Command {
	return family("instance", "The routers of the fleet", newInstanceListCommand(c))
}

func newInstanceListCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "ls",
		Short: "Show every router and the revision it serves",
		Long: `Ls shows every router that was heard of in the last day: the revision it serves,
whether it is serving, silent or has signed off, when it was last heard, and how
many requests it served in the last whole minute, per second; nothing until it
has run for one.`,
		Example: `  stranglerctl instance ls`,
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			api, err := c.connect()
			if err != nil {
				return err
			}
			instances, err := ask[[]wire.Instance](api.ListInstances(cmd.Context()))
			if err != nil {
				return err
			}
			return c.showInstances(instances)
		},
	}
}

// trafficText is what an instance serves; empty when that is not known.
func trafficText(i wire.Instance) string {
	if i.RequestsPerS == nil {
		return ""
	}
	return fmt.Sprintf("%.1f/s", *i.RequestsPerS)
}

// revisionText is what an instance acknowledges; empty while that is nothing
// of what the store holds.
func revisionText(i wire.Instance) string {
	if i.Revision == 0 {
		return ""
	}
	return strconv.FormatInt(i.Revision, 10)
}

func (c *cli) showInstances(instances answer[[]wire.Instance]) error {
	view := view{raw: instances.raw, people: func(bool) error {
		t := &term.Table{Heading: []string{"INSTANCE", "REVISION", "STATE", "HEARD", "TRAFFIC", "VERSION"}}
		for _, i := range instances.value {
			row := term.Cells(i.Instance, revisionText(i), strings.ReplaceAll(string(i.State), "_", " "), term.Ago(seconds(i.AgeS)), trafficText(i), i.Version)
			if i.State == wire.InstanceStateSilent {
				row[2].Colour = term.Bad
			}
			t.Add(row...)
		}
		return c.out.Table(t)
	}}
	for _, i := range instances.value {
		view.names = append(view.names, i.Instance)
	}
	return c.show(view)
}
