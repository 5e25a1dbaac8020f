package main

import (
	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"
)

func newExportCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "export",
		Short: "Print the definitions, as apply takes them",
		Long: `Export prints all backends, groups, webhooks and routes as YAML that apply takes, or as
JSON with -o json. Stage, weight and hold are not in it.`,
		Example: `  stranglerctl export > strangler.yaml`,
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if c.global.output == formatName {
				return usagef("export has no -o name: use -o yaml or -o json")
			}
			api, err := c.connect()
			if err != nil {
				return err
			}
			definitions, err := askRaw(api.Export(cmd.Context()))
			if err != nil {
				return err
			}
			c.warnStale(definitions.header)
			if c.global.output != formatJSON {
				_, err = c.stdout.Write(definitions.raw)
				return err
			}
			raw, err := yaml.YAMLToJSON(definitions.raw)
			if err != nil {
				return err
			}
			return c.showJSON(raw)
		},
	}
}
