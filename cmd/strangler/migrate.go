package main

import (
	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/internal/app"
)

// migrate is `strangler migrate status|up|down`.
func (p *program) migrate() *cobra.Command {
	parent := &cobra.Command{
		Use: "migrate", Short: "Look at the schema of the store, or change it",
		Long: "Look at the schema of the store, or change it. serve brings it up to date by itself when it\n" +
			"starts; these commands are for those who do it apart, and for going back.",
		Example: "  strangler migrate status --database postgres://strangler@host/strangler",
		Args:    noArguments,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	for verb, short := range map[string]string{
		"status": "Print where the schema stands",
		"up":     "Bring the schema up to date",
		"down":   "Take the newest migration back, with the data it made room for (the first one: everything)",
	} {
		var config app.Config
		child := &cobra.Command{
			Use: verb, Short: short, Args: noArguments,
			RunE: func(c *cobra.Command, _ []string) error {
				if err := p.resolve(c, &config); err != nil {
					return err
				}
				return app.Migrate(c.Context(), config, verb, p.env.Stdout)
			},
		}
		config.BindStore(child.Flags())
		parent.AddCommand(child)
	}
	return parent
}
