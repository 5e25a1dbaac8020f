package main

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newContextLoginCommand(c *cli) *cobra.Command {
	var protected bool
	cmd := &cobra.Command{
		Use:   "login CONTEXT",
		Short: "Keep a router's address and a token under a name",
		Long: `Login reads a token, from the terminal without showing it or else from stdin,
tries it on the router, and keeps both under a name, which is in use from then
on. Nothing is kept when the router refuses the token.

The router is --server; without it the one that the context has already, or
STRANGLER_SERVER, or ` + defaultServer + `.`,
		Example: `  stranglerctl context login staging --server https://strangler.staging.internal:9900
  stranglerctl context login prod --server https://strangler.internal:9900 --protected < token`,
		Args:              arguments("CONTEXT"),
		ValidArgsFunction: c.completeContext,
		RunE: func(cmd *cobra.Command, args []string) error {
			file, path, err := c.savedConfig()
			if err != nil {
				return err
			}
			saved, err := c.login(cmd.Context(), args[0], file.Contexts[args[0]])
			if err != nil {
				return fmt.Errorf("context %s was not saved: %w", args[0], err)
			}
			if cmd.Flags().Changed("protected") {
				saved.Protected = protected
			}
			if file.Contexts == nil {
				file.Contexts = make(map[string]savedContext)
			}
			before := file.Current
			file.Contexts[args[0]], file.Current = saved, args[0]
			if err := file.write(path); err != nil {
				return err
			}
			return c.showInUse(file, before)
		},
	}
	cmd.Flags().BoolVar(&protected, "protected", false, "ask before every change there; --protected=false takes it back")
	return cmd
}

var contextName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// login asks for the token of a context and tries it on its router.
func (c *cli) login(ctx context.Context, name string, saved savedContext) (savedContext, error) {
	if !contextName.MatchString(name) {
		return saved, usagef("%q is no name for a context: use letters, digits, '.', '_' and '-', beginning with a letter or digit", name)
	}
	saved.Server = firstOf(c.global.server, saved.Server, c.getenv("STRANGLER_SERVER"), defaultServer)
	if err := checkServer(saved.Server); err != nil {
		return saved, err
	}
	c.warnPlain(saved.Server)
	var err error
	if saved.Token, err = c.readToken(ctx, saved.Server); err != nil {
		return saved, err
	}
	api, err := c.connectTo(settings{Server: saved.Server, Token: saved.Token})
	if err != nil {
		return saved, err
	}
	router, err := ask[wire.Status](api.GetStatus(ctx))
	if err != nil {
		return saved, err
	}
	c.note.Linef("%s router %s, version %s, takes the token", c.note.Paint(term.Good, markGood), router.value.Instance, router.value.Version)
	return saved, nil
}

// warnPlain tells people whose token is going to cross a network as it is.
func (c *cli) warnPlain(server string) {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "http" || u.Hostname() == "localhost" {
		return
	}
	if address, err := netip.ParseAddr(u.Hostname()); err == nil && address.IsLoopback() {
		return
	}
	c.note.Linef("%s %s is not https: whoever listens on the way can read the token", c.note.Paint(term.Notice, markWarn), server)
}
