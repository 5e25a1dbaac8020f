package main

import (
	"fmt"
	"net"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/internal/app"
	"github.com/stranglerfig/strangler/internal/demo"
)

// demo is `strangler demo`.
func (p *program) demo() *cobra.Command {
	var scripted bool
	c := &cobra.Command{
		Use:   "demo",
		Short: "Try it: an old shop and a new one, the router in front of them, and visitors",
		Long: "Try it: an old shop and a new one, the router in front of them, and visitors. Needs nothing else,\n" +
			"listens on loopback only, and removes everything when it ends.",
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			return demo.Run(c.Context(), app.DemoRouter(p.env.Version), demo.Options{Out: p.env.Stdout, Scripted: scripted})
		},
	}
	c.Flags().BoolVar(&scripted, "script", false, "play the story with assertions and exit 0 or 1")
	c.AddCommand(p.shop())
	return c
}

// shop is `strangler demo shop`: one of the shops alone, for compose files.
func (p *program) shop() *cobra.Command {
	var side, address string
	c := &cobra.Command{
		Use: "shop", Short: "Run one of the demo's shops alone", Args: noArguments,
		Example: "  strangler demo shop --side legacy --listen 127.0.0.1:3000",
		RunE: func(c *cobra.Command, _ []string) error {
			shop, err := demo.Shop(demo.Side(side), demo.NewBooks())
			if err != nil {
				return usage(c, "--side: %w", err)
			}
			listener, err := (&net.ListenConfig{}).Listen(c.Context(), "tcp", address)
			if err != nil {
				return fmt.Errorf("--listen %s: %w", address, err)
			}
			fmt.Fprintf(p.env.Stderr, "the %s shop listens on %s\n", side, listener.Addr())
			return demo.Serve(c.Context(), shop, listener)
		},
	}
	c.Flags().StringVar(&side, "side", "legacy", "which `shop`: legacy or new")
	c.Flags().StringVar(&address, "listen", "127.0.0.1:3000", "`address` to listen on")
	return c
}
