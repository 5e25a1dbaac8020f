package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newBackendRemoveCommand(c *cli) *cobra.Command {
	e := &edit{cli: c}
	cmd := &cobra.Command{
		Use:   "rm BACKEND",
		Short: "Remove a backend that no route names (asks)",
		Long: `Rm removes a backend. One that a route still names is refused. It asks first;
without a terminal it wants -y.`,
		Example:           `  stranglerctl backend rm orders`,
		Args:              arguments("BACKEND"),
		ValidArgsFunction: c.completeBackend,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, name := cmd.Context(), args[0]
			api, err := c.connect()
			if err != nil {
				return err
			}
			backend, err := ask[wire.Backend](api.GetBackend(ctx, name))
			if err != nil {
				return err
			}
			err = c.confirm(ctx, "backend rm", "Remove backend "+name+" ("+strings.Join(backend.value.Endpoints, ", ")+")?")
			if err != nil {
				return err
			}
			params := &wire.DeleteBackendParams{Reason: given(e.reason), IfMatch: e.matching(backend.value.Revision)}
			done, err := ask[wire.Edit](api.DeleteBackend(ctx, name, params))
			if err != nil {
				return err
			}
			return e.finish(ctx, api, done)
		},
	}
	e.registerEdit(cmd)
	return cmd
}
