package main

import (
	"time"

	"github.com/spf13/cobra"
)

func newDiffCommand(c *cli) *cobra.Command {
	d := &diffReader{cli: c}
	var since string
	var watching bool
	cmd := &cobra.Command{
		Use:   "diff [ROUTE]",
		Short: "Show in what the two sides of a route answer differently",
		Long: `Diff shows what comparing the two sides of a route has found, or of every route:
how many requests were compared, and each difference with its place, its kind,
what both sides have there, and how many of the comparisons that show it can be
looked at. What legacy has against itself as well is noise, and left away unless
--noise asks for it.

What is shown belongs to the present build of new and the present rules: another
build, or another rule, begins anew. --epoch shows what was found before.

A route that is called show, curl or replay is written after --.`,
		Example: `  stranglerctl diff orders-get
  stranglerctl diff orders-get --since 1h --noise -o wide
  stranglerctl diff --watch
  stranglerctl diff orders-get -o json | jq '.[] | select(.kind == "type") | .where'`,
		Args:              atMostOne("ROUTE"),
		ValidArgsFunction: c.completeRoute,
		PreRunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				d.route = args[0]
			}
			return d.check(since)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			api, err := c.connect()
			if err != nil {
				return err
			}
			d.api = api
			if watching {
				return watch(cmd.Context(), c, d)
			}
			now, err := d.read(cmd.Context())
			if err != nil {
				return err
			}
			return d.print(now)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&since, "since", "", "only what was found in so long a time, such as 1h or 2d; all of the epoch unless given")
	flags.BoolVar(&d.noise, "noise", false, "what is noise too")
	flags.StringVar(&d.epoch, "epoch", "", "what was found of another build or by other rules; -o wide names the ids")
	flags.BoolVarP(&watching, "watch", "w", false, "keep showing it, until Ctrl-C")
	cmd.AddCommand(newDiffShowCommand(c), newDiffCurlCommand(c), newDiffReplayCommand(c))
	return cmd
}

// check refuses what cannot be meant, and reads --since.
func (d *diffReader) check(since string) error {
	if d.epoch != "" && d.route == "" {
		return usagef("--epoch %s is of one route: name it, as in stranglerctl diff ROUTE --epoch %s", d.epoch, d.epoch)
	}
	if since == "" {
		return nil
	}
	span, err := parseSpan(since)
	if err != nil || span < time.Minute {
		return usagef("--since %q: want a minute or more, such as 90m, 1h or 2d", since)
	}
	d.since = span.String()
	return nil
}
