package main

import (
	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/internal/app"
)

// defaultHealthURL is the readiness of a router with its default admin listener.
const defaultHealthURL = "http://127.0.0.1:9900/readyz"

// health is `strangler health [URL]`.
func (p *program) health() *cobra.Command {
	return &cobra.Command{
		Use:   "health [URL]",
		Short: "Exit 0 when a router, or a URL, is healthy (for container images without a shell)",
		Long: "Ask URL once and exit 0 when it answers 200, else 1; for container images without a shell.\n" +
			"Without URL it asks the router on this machine: " + defaultHealthURL + ".",
		Args: arguments("URL"),
		RunE: func(c *cobra.Command, args []string) error {
			url := defaultHealthURL
			if len(args) > 0 {
				url = args[0]
			}
			return app.Health(c.Context(), url)
		},
	}
}
