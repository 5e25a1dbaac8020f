package main

import (
	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/internal/app"
)

// token is `strangler token`: tokens by way of the database, for whoever has
// its address.
func (p *program) token() *cobra.Command {
	parent := &cobra.Command{
		Use: "token", Short: "Make, list and revoke tokens for the admin API", Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	parent.AddCommand(p.tokenCreate(), p.tokenList(), p.tokenRevoke())
	return parent
}

func (p *program) tokenCreate() *cobra.Command {
	var (
		config  app.Config
		request app.TokenRequest
	)
	c := &cobra.Command{
		Use:   "create --name NAME",
		Short: "Make a token in the store and print it, this once",
		Long: "Make a token directly in the store and print it, this once. It works beside a running router;\n" +
			"a SQLite file that is not there is refused, since no router would know the token.\n" +
			"The token alone goes to standard output, so it can be put into a variable.",
		Example: "  export STRANGLER_TOKEN=$(strangler token create --name ana --role operator --database postgres://…)",
		Args:    noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if !c.Flags().Changed("name") {
				return usage(c, "--name is missing: say who will hold the token")
			}
			if err := p.resolve(c, &config); err != nil {
				return err
			}
			return app.CreateToken(c.Context(), config, request, p.env.Stdout, p.env.Stderr)
		},
	}
	config.BindStore(c.Flags())
	c.Flags().StringVar(&request.Name, "name", "", "`name` of its holder, the actor of events")
	c.Flags().StringVar(&request.Role, "role", "operator", "`role`: viewer (reads), operator (moves routes) or admin (changes definitions)")
	c.Flags().DurationVar(&request.TTL, "ttl", 0, "how long it is valid; 0: until it is revoked")
	return c
}

func (p *program) tokenList() *cobra.Command {
	var config app.Config
	c := &cobra.Command{
		Use: "ls", Short: "List the tokens in the store, without their secrets", Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := p.resolve(c, &config); err != nil {
				return err
			}
			return app.ListTokens(c.Context(), config, p.env.Stdout)
		},
	}
	config.BindStore(c.Flags())
	return c
}

func (p *program) tokenRevoke() *cobra.Command {
	var config app.Config
	c := &cobra.Command{
		Use:   "revoke ID",
		Short: "Take a token out of force, for good",
		Long: "Take a token out of force, for good. Its ID is the part between the underscores: strangler_ID_….\n" +
			"Routers that knew the token refuse it within five seconds, or ten minutes while they cannot reach the store.",
		Example: "  strangler token revoke k3vq7a2d --database postgres://…",
		Args:    arguments("ID"),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage(c, "ID is missing: strangler token ls shows it")
			}
			if err := p.resolve(c, &config); err != nil {
				return err
			}
			return app.RevokeToken(c.Context(), config, args[0], p.env.Stdout)
		},
	}
	config.BindStore(c.Flags())
	return c
}
