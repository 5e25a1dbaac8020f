package main

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/stranglerfig/strangler/internal/api/client"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newBackendSetCommand(c *cli) *cobra.Command {
	e := &edit{cli: c}
	var fields backendFields
	cmd := &cobra.Command{
		Use:   "set BACKEND [URL...]",
		Short: "Define a backend, or change its endpoints and how they are reached",
		Long: `Set defines a backend, or changes what is named and keeps the rest. URLs replace
all its endpoints. Routes that name it use what is new from the next request on.

Files are those of each router's own machine, by their whole paths. An empty
value takes a setting back: --tls-ca ''.`,
		Example: `  stranglerctl backend set orders http://127.0.0.1:4000 http://127.0.0.1:4001
  stranglerctl backend set payments https://10.0.0.7:8443 --protocol h2 --tls-ca /etc/strangler/ca.pem`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return arguments("BACKEND", "at least one URL")(cmd, args)
			}
			if len(args) == 1 && !fields.anyGiven(cmd.Flags()) {
				return usagef("backend set %s: name what to set: its URLs, or a flag such as --protocol", args[0])
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
			if len(args) > 1 {
				definition.Endpoints = args[1:]
			}
			fields.fill(&definition, cmd.Flags())
			done, err := ask[wire.Edit](api.PutBackend(cmd.Context(), args[0], &params, definition))
			if err != nil {
				return err
			}
			return e.finish(cmd.Context(), api, done)
		},
	}
	e.registerEdit(cmd)
	fields.register(cmd)
	return cmd
}

// backendFields are the flags that set how a backend is reached.
type backendFields struct {
	protocol string
	tls      wire.BackendTLS
}

func (f *backendFields) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.protocol, "protocol", "", "`PROTOCOL` spoken to it: http1, h2, h2c or auto")
	flags.StringVar(&f.tls.Ca, "tls-ca", "", "`FILE` of the authorities that its certificate must come from")
	flags.StringVar(&f.tls.ServerName, "tls-server-name", "", "`NAME` that is asked for and must be in its certificate")
	flags.StringVar(&f.tls.Cert, "tls-cert", "", "`FILE` of the certificate shown to it, with --tls-key")
	flags.StringVar(&f.tls.Key, "tls-key", "", "`FILE` of that certificate's key")
	offer(cmd, "protocol", "http1", "h2", "h2c", "auto")
}

func (f *backendFields) anyGiven(flags *pflag.FlagSet) bool {
	return slices.ContainsFunc([]string{"protocol", "tls-ca", "tls-server-name", "tls-cert", "tls-key"}, flags.Changed)
}

// fill sets what was given. What it means together is the router's to judge.
func (f *backendFields) fill(d *wire.BackendDefinition, flags *pflag.FlagSet) {
	for _, field := range []struct {
		flag        string
		given, into *string
	}{
		{"protocol", &f.protocol, &d.Protocol},
		{"tls-ca", &f.tls.Ca, &d.TLS.Ca},
		{"tls-server-name", &f.tls.ServerName, &d.TLS.ServerName},
		{"tls-cert", &f.tls.Cert, &d.TLS.Cert},
		{"tls-key", &f.tls.Key, &d.TLS.Key},
	} {
		if flags.Changed(field.flag) {
			*field.into = *field.given
		}
	}
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
	definition.Endpoints, definition.Protocol, definition.TLS = current.value.Endpoints, current.value.Protocol, current.value.TLS
	definition.Bulkhead, definition.Health, definition.Fallback = current.value.Bulkhead, current.value.Health, current.value.Fallback
	return definition, params, err
}
