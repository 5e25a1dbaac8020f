package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/client"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newBackendShowCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:               "show BACKEND",
		Short:             "Show a backend's endpoints, which of them get no requests, and who uses it",
		Example:           `  stranglerctl backend show orders`,
		Args:              arguments("BACKEND"),
		ValidArgsFunction: c.completeBackend,
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := c.connect()
			if err != nil {
				return err
			}
			backend, err := ask[wire.Backend](api.GetBackend(cmd.Context(), args[0]))
			if err != nil {
				return err
			}
			c.warnStale(backend.header)
			if !c.global.forPeople() {
				return c.showBackend(backend, nil)
			}
			out, err := leftOut(cmd.Context(), api, args[0])
			if err != nil {
				return err
			}
			return c.showBackend(backend, out)
		},
	}
}

// leftOut says of a backend's endpoints that get no requests why, and on which
// router. While the store is away it is what the one that answers does.
func leftOut(ctx context.Context, api *client.Client, backend string) (map[string][]string, error) {
	router, err := ask[wire.Status](api.GetStatus(ctx))
	if err != nil {
		return nil, err
	}
	out := make(map[string][]string)
	for _, d := range router.value.Drained {
		if d.Backend == backend {
			out[d.Endpoint] = append(out[d.Endpoint], "drained")
		}
	}
	instances, err := ask[[]wire.Instance](api.ListInstances(ctx))
	if err != nil {
		return out, nil //nolint:nilerr // the stale answer has been told of
	}
	for _, i := range instances.value {
		if i.Trouble == nil {
			continue
		}
		for _, e := range i.Trouble.Endpoints {
			if e.Backend == backend {
				out[e.Endpoint] = append(out[e.Endpoint], "on "+i.Instance+", "+outText(e))
			}
		}
	}
	return out, nil
}

// showBackend prints it; out is what leftOut says.
func (c *cli) showBackend(backend answer[wire.Backend], out map[string][]string) error {
	b := backend.value
	return c.show(view{raw: backend.raw, names: []string{b.Name}, people: func(bool) error {
		c.out.Linef("%s  (revision %d)", c.out.Paint(term.Strong, b.Name), b.Revision)
		for _, endpoint := range b.Endpoints {
			if why := out[endpoint]; len(why) > 0 {
				c.out.Linef("  endpoint %s  %s", endpoint, c.out.Paint(term.Bad, markWarn+" no requests: "+strings.Join(why, "; ")))
				continue
			}
			c.out.Linef("  endpoint %s", endpoint)
		}
		if b.Protocol != "" {
			c.out.Linef("  protocol %s", b.Protocol)
		}
		if tls := tlsText(b.TLS); tls != "" {
			c.out.Linef("  tls      %s", tls)
		}
		used := strings.Join(b.Routes, ", ")
		if used == "" {
			used = "no route"
		}
		c.out.Linef("  used by  %s", used)
		c.out.Linef("")
		t := &term.Table{Heading: []string{"SETTING", "VALUE", "FROM"}}
		for _, s := range b.Settings {
			t.Add(term.Cells(s.Name, shortened(s.Value), string(s.Source))...)
		}
		return c.out.Table(t)
	}})
}

// tlsText says how a backend is verified and what it is shown; empty: as the
// system does it.
func tlsText(tls wire.BackendTLS) string {
	var parts []string
	for _, part := range [...]struct{ name, value string }{
		{"ca", tls.Ca}, {"server_name", tls.ServerName}, {"cert", tls.Cert}, {"key", tls.Key},
	} {
		switch {
		case strings.Contains(part.value, "-----BEGIN"):
			parts = append(parts, part.name+" written in the definition")
		case part.value != "":
			parts = append(parts, part.name+" "+part.value)
		}
	}
	return strings.Join(parts, ", ")
}
