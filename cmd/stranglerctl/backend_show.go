package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newBackendShowCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:               "show BACKEND",
		Short:             "Show a backend's endpoints and who uses it",
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
			return c.showBackend(backend)
		},
	}
}

func (c *cli) showBackend(backend answer[wire.Backend]) error {
	b := backend.value
	return c.show(view{raw: backend.raw, names: []string{b.Name}, people: func(bool) error {
		c.out.Linef("%s  (revision %d)", c.out.Paint(term.Strong, b.Name), b.Revision)
		for _, endpoint := range b.Endpoints {
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
