package main

import (
	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/internal/app"
)

// token is `strangler token create`: the way to a first token.
func (p *program) token() *cobra.Command {
	parent := &cobra.Command{
		Use: "token", Short: "Make tokens for the admin API", Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	var (
		config  app.Config
		request app.TokenRequest
	)
	create := &cobra.Command{
		Use:   "create",
		Short: "Make a token in the store and print it, this once",
		Long: "Make a token directly in the store and print it, this once. It works beside a running router.\n" +
			"The token alone goes to standard output, so it can be put into a variable.",
		Example: "  export STRANGLER_TOKEN=$(strangler token create --name ana --role operator --database postgres://…)",
		Args:    noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := p.resolve(c, &config); err != nil {
				return err
			}
			return app.CreateToken(c.Context(), config, request, p.env.Stdout, p.env.Stderr)
		},
	}
	config.BindStore(create.Flags())
	create.Flags().StringVar(&request.Name, "name", "", "`name` of its holder, the actor of events")
	create.Flags().StringVar(&request.Role, "role", "operator", "viewer (reads), operator (moves routes) or admin (changes definitions)")
	create.Flags().DurationVar(&request.TTL, "ttl", 0, "how long it is valid; 0: until it is revoked")
	_ = create.MarkFlagRequired("name")
	parent.AddCommand(create)
	return parent
}
