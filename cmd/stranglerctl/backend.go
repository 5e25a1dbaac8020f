package main

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newBackendCommand(c *cli) *cobra.Command {
	return family("backend", "The backends, and which of their endpoints serve", newBackendListCommand(c), newBackendShowCommand(c),
		newBackendSetCommand(c), newBackendRemoveCommand(c), newBackendDrainCommand(c), newBackendReadyCommand(c))
}

func newBackendListCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:     "ls",
		Short:   "List the backends and who uses them",
		Example: `  stranglerctl backend ls -o wide`,
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			api, err := c.connect()
			if err != nil {
				return err
			}
			backends, err := ask[[]wire.Backend](api.ListBackends(cmd.Context()))
			if err != nil {
				return err
			}
			c.warnStale(backends.header)
			return c.showBackends(backends)
		},
	}
}

func (c *cli) showBackends(backends answer[[]wire.Backend]) error {
	view := view{raw: backends.raw, people: func(wide bool) error {
		t := &term.Table{Heading: []string{"BACKEND", "ENDPOINTS", "USED BY", "REVISION", "ROUTES"}}
		for _, b := range backends.value {
			t.Add(term.Cells(b.Name, strings.Join(b.Endpoints, ", "), counted(len(b.Routes), "route"),
				strconv.FormatInt(b.Revision, 10), strings.Join(b.Routes, ", "))...)
		}
		return c.showTable(t, 3, wide)
	}}
	for _, b := range backends.value {
		view.names = append(view.names, b.Name)
	}
	return c.show(view)
}
