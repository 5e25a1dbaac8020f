package main

import (
	"github.com/coreos/go-systemd/v22/activation"
	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/internal/app"
)

// serve is `strangler serve`.
func (p *program) serve() *cobra.Command {
	var config app.Config
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the router",
		Long: "Run the router: the data listener for clients, the admin listener for stranglerctl.\n\n" +
			"Every flag is also a variable (STRANGLER_LISTEN for --listen) and a key of the config file\n" +
			"(listen: …); a flag wins over the environment, the environment over the file. An admin token\n" +
			"may be given as STRANGLER_ADMIN_TOKEN.",
		Example: "  strangler serve --legacy http://127.0.0.1:3000",
		Args:    noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := p.resolve(c, &config); err != nil {
				return err
			}
			env := p.env
			env.Passed = activation.Files(true)
			env.Notify = func(state string) error {
				_, err := daemon.SdNotify(false, state)
				return err
			}
			return app.Serve(c.Context(), config, env)
		},
	}
	config.BindServe(c.Flags())
	c.Flags().String("config", "", "config `file` in YAML")
	return c
}

// resolve fills a command's settings from the environment and the config file.
func (p *program) resolve(c *cobra.Command, config *app.Config) error {
	file := ""
	if flag := c.Flags().Lookup("config"); flag != nil {
		file = flag.Value.String()
		if value, ok := p.environ("STRANGLER_CONFIG"); ok && !flag.Changed {
			file = value
		}
	}
	config.AdminToken, _ = p.environ("STRANGLER_ADMIN_TOKEN")
	config.OverrideKeys, _ = p.environ("STRANGLER_OVERRIDE_KEYS")
	config.RedactionKeys, _ = p.environ("STRANGLER_REDACTION_KEYS")
	config.StandardOTLP = app.StandardOTLP(p.environ)
	return app.Resolve(c.Flags(), p.environ, file)
}
