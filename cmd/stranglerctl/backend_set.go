package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/internal/api/client"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newBackendSetCommand(c *cli) *cobra.Command {
	e := &edit{cli: c}
	cmd := &cobra.Command{
		Use:   "set BACKEND URL...",
		Short: "Define a backend, or change its endpoints",
		Long: `Set defines a backend by its endpoints, or replaces them. Routes that name it use
the new endpoints from the next request on.`,
		Example: `  stranglerctl backend set orders http://127.0.0.1:4000 http://127.0.0.1:4001`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return arguments("BACKEND", "at least one URL")(cmd, args)
			}
			return nil
		},
		ValidArgsFunction: c.completeBackend,
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := c.connect()
			if err != nil {
				return err
			}
			definition, params, err := e.backendToSet(cmd.Context(), api, args[0])
			if err != nil {
				return err
			}
			definition.Endpoints = args[1:]
			done, err := ask[wire.Edit](api.PutBackend(cmd.Context(), args[0], &params, definition))
			if err != nil {
				return err
			}
			return e.finish(cmd.Context(), api, done)
		},
	}
	e.registerEdit(cmd)
	return cmd
}

// backendToSet returns what is defined of a backend now, and the precondition of
// setting it: it is still the one that is there now, or there is still none.
func (e *edit) backendToSet(ctx context.Context, api *client.Client, name string) (wire.BackendDefinition, wire.PutBackendParams, error) {
	definition := wire.BackendDefinition{Name: name}
	params := wire.PutBackendParams{Reason: given(e.reason)}
	current, err := ask[wire.Backend](api.GetBackend(ctx, name))
	var f *failure
	if errors.As(err, &f) && f.code == exitNotFound && e.precondition() == nil {
		params.IfNoneMatch = new("*")
		return definition, params, nil
	}
	params.IfMatch = e.matching(current.value.Revision)
	definition.Protocol, definition.TLS = current.value.Protocol, current.value.TLS
	return definition, params, err
}
