package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newBreakerCommand(c *cli) *cobra.Command {
	return family("breaker", "The breakers of every route's sides, on every router", newBreakerListCommand(c), newBreakerResetCommand(c))
}

func newBreakerListCommand(c *cli) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "ls [ROUTE]",
		Short: "List the breakers that are not closed, or those of one route",
		Long: `Ls shows each breaker that is open or half-open, on which router, for how long and
why. With a route it shows the closed ones of that route too, and with --all every
breaker there is. What other routers say is as old as their last heartbeat, some
seconds.`,
		Example: `  stranglerctl breaker ls
  stranglerctl breaker ls orders-get
  stranglerctl breaker ls --all -o json | jq '.[] | select(.state == "open")'`,
		Args:              atMostOne("ROUTE"),
		ValidArgsFunction: c.completeRoute,
		RunE: func(cmd *cobra.Command, args []string) error {
			params := &wire.ListBreakersParams{All: all}
			if len(args) == 1 {
				params.Route = &args[0]
			}
			api, err := c.connect()
			if err != nil {
				return err
			}
			breakers, err := ask[[]wire.Breaker](api.ListBreakers(cmd.Context(), params))
			if err != nil {
				return err
			}
			c.warnStale(breakers.header)
			return c.showBreakers(breakers, params.Route != nil)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "the closed ones too")
	return cmd
}

// showBreakers takes whether they are those of one route, closed ones among
// them: to have heard of none is something else then.
func (c *cli) showBreakers(breakers answer[[]wire.Breaker], ofRoute bool) error {
	view := view{raw: breakers.raw, people: func(bool) error {
		switch {
		case len(breakers.value) == 0 && ofRoute:
			c.note.Linef("no router says how they stand; look at: stranglerctl doctor")
			return nil
		case len(breakers.value) == 0:
			c.note.Linef("every breaker is closed")
			return nil
		}
		t := &term.Table{Heading: []string{"ROUTE", "SIDE", "INSTANCE", "STATE", "FOR", "TRIAL IN", "WHY"}}
		for _, b := range breakers.value {
			row := term.Cells(b.Route, string(b.Side), b.Instance, breakerName(b.State), spanText(b.ForS), spanText(b.LeftS), whyOpen(b))
			if b.State != wire.BreakerStateClosed {
				row[3].Colour = term.Bad
			}
			t.Add(row...)
		}
		return c.out.Table(t)
	}}
	for _, b := range breakers.value {
		view.names = append(view.names, b.Route+"/"+string(b.Side)+"/"+b.Instance)
	}
	return c.show(view)
}

// breakerName is a state as people write it.
func breakerName(s wire.BreakerState) string { return strings.ReplaceAll(string(s), "_", "-") }

// spanText is empty for no time.
func spanText(s float64) string {
	if s == 0 {
		return ""
	}
	return leftText(s)
}

// untried says what a half-open breaker waits for, without traffic for long.
const untried = "the next request tries it"

func whyOpen(b wire.Breaker) string {
	text := strings.ReplaceAll(b.Reason, "_", " ")
	if b.Failures > 0 { // slow calls need not fail
		text += fmt.Sprintf(", %d of %d failed", b.Failures, b.Results)
	}
	if b.State == wire.BreakerStateHalfOpen {
		text += "; " + untried
	}
	return text
}
