package main

import (
	"context"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/client"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// endpointVerb is drain or ready: what they share.
type endpointVerb struct {
	*cli
	changeOptions
}

func newBackendDrainCommand(c *cli) *cobra.Command {
	e := &endpointVerb{cli: c}
	return e.command(&cobra.Command{
		Use:   "drain BACKEND ENDPOINT",
		Short: "Send an endpoint no new requests, on any router",
		Long: `Drain takes an endpoint out of service, for an update of it. What it is doing it
finishes. Another endpoint of the backend has to be left: to take everything from
a backend, roll its routes back.`,
		Example: `  stranglerctl backend drain orders http://10.0.0.7:4000 --reason 'new kernel' --wait`,
		Args:    arguments("BACKEND", "ENDPOINT"),
	}, "ready ", func(ctx context.Context, api *client.Client, backend string, dryRun *bool, body wire.EndpointRequest) (*http.Response, error) {
		return api.DrainEndpoint(ctx, backend, &wire.DrainEndpointParams{DryRun: dryRun}, body)
	})
}

func newBackendReadyCommand(c *cli) *cobra.Command {
	e := &endpointVerb{cli: c}
	return e.command(&cobra.Command{
		Use:   "ready BACKEND [ENDPOINT]",
		Short: "Send a drained endpoint requests again, or all of a backend's",
		Example: `  stranglerctl backend ready orders http://10.0.0.7:4000
  stranglerctl backend ready orders`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("%s wants BACKEND", cmd.CommandPath())
			}
			return atMostOne("ENDPOINT")(cmd, args[1:])
		},
	}, "drain ", func(ctx context.Context, api *client.Client, backend string, dryRun *bool, body wire.EndpointRequest) (*http.Response, error) {
		return api.ReadyEndpoint(ctx, backend, &wire.ReadyEndpointParams{DryRun: dryRun}, body)
	})
}

// endpointSender gives one of the two verbs to the router.
type endpointSender func(ctx context.Context, api *client.Client, backend string, dryRun *bool, body wire.EndpointRequest) (*http.Response, error)

// command completes a verb's command; undo is the other verb.
func (e *endpointVerb) command(cmd *cobra.Command, undo string, send endpointSender) *cobra.Command {
	e.register(cmd)
	e.registerYes(cmd)
	cmd.ValidArgsFunction = e.completeEndpoint
	cmd.PreRunE = func(*cobra.Command, []string) error { return e.check() }
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		body := wire.EndpointRequest{Reason: e.reason}
		if len(args) == 2 {
			body.Endpoint = args[1]
		}
		api, err := e.connect()
		if err != nil {
			return err
		}
		made, err := ask[wire.EndpointChange](send(cmd.Context(), api, args[0], given(e.dryRun), body))
		if err != nil {
			return err
		}
		if err := e.tell(made); err != nil {
			return err
		}
		if err := e.finish(cmd.Context(), api, &e.changeOptions, made.value.Note, made.value.Revision); err != nil {
			return err
		}
		if made.value.Changed && !e.dryRun && body.Endpoint != "" {
			e.hintNext("", "backend "+undo+term.ShellWord(args[0])+" "+term.ShellWord(body.Endpoint))
		}
		return nil
	}
	return cmd
}

func (e *endpointVerb) tell(made answer[wire.EndpointChange]) error {
	change := made.value
	return e.show(view{raw: made.raw, names: []string{change.Backend}, people: func(bool) error {
		text := "all serve"
		if len(change.Drained) > 0 {
			text = "drained: " + strings.Join(change.Drained, ", ") + "; serving: " + strings.Join(change.Serving, ", ")
		}
		revisions := revisionsText(change.DryRun, change.PreviousRevision, change.Revision, change.Actor)
		e.out.Linef("%s  %s  (%s)", e.out.Paint(term.Strong, change.Backend), text, revisions)
		return nil
	}})
}

// completeEndpoint offers backends first, and then the endpoints of the one given.
func (c *cli) completeEndpoint(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) != 1 {
		return c.complete(cmd, args, c.backendNames)
	}
	return c.complete(cmd, nil, func(ctx context.Context) ([]string, error) {
		api, err := c.connect()
		if err != nil {
			return nil, err
		}
		backend, err := ask[wire.Backend](api.GetBackend(ctx, args[0]))
		return backend.value.Endpoints, err
	})
}
