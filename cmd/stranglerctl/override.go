package main

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newOverrideCommand(c *cli) *cobra.Command {
	var side, reason string
	var lasts time.Duration
	cmd := &cobra.Command{
		Use:   "override ROUTE --side new --for 2h",
		Short: "Put a tester on one side of a route",
		Long: `Override signs a value that puts whoever sends it on one side of one route,
whatever the weight: as a cookie in a browser, or as a header. It works on
every router, also while the database is down, and ends by itself. It is
ignored while the route is rolled back, and it moves nobody else.

Nobody keeps the values, so there is no list of them: stranglerctl history has
an entry for each that was signed, with its id, and for each that was revoked.

A route that is called revoke or rotate is written after --.`,
		Example: `  stranglerctl override orders-get --side new --for 2h
  value=$(stranglerctl override orders-get --side new --for 5m -o json | jq -r .value)
  curl -H "Strangler-Override: $value" https://shop.example/orders/42`,
		Args:              arguments("ROUTE"),
		ValidArgsFunction: c.completeRoute,
		PreRunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case args[0] == "ls" && !cmd.Flags().Changed("side"):
				return noOverrideList()
			case !cmd.Flags().Changed("side") || !cmd.Flags().Changed("for"):
				return usagef("an override wants a side and an end: add both, like --side new --for 2h")
			case !wire.Side(side).Valid():
				return usagef("--side %q: want new or legacy", side)
			case lasts <= 0:
				return usagef("--for %s: want how long it works, such as 2h", shortened(lasts.String()))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := c.connect()
			if err != nil {
				return err
			}
			request := wire.OverrideRequest{Route: args[0], Side: wire.Side(side), TTL: lasts.String(), Reason: reason}
			made, err := ask[wire.Override](api.CreateOverride(cmd.Context(), request))
			if err != nil {
				return err
			}
			return c.showOverride(made)
		},
	}
	c.registerYes(cmd)
	cmd.Flags().StringVar(&side, "side", "", "new or legacy")
	offer(cmd, "side", string(wire.SideNew), string(wire.SideLegacy))
	cmd.Flags().DurationVar(&lasts, "for", 0, "how long it works; 24h at most")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the history")
	cmd.AddCommand(newOverrideRevokeCommand(c), newOverrideRotateCommand(c))
	return cmd
}

// noOverrideList answers a look for what every other family of commands has.
func noOverrideList() error {
	return &failure{
		code: exitUsage, err: errors.New("an override is a signed value that nobody keeps, so there is no list of them"),
		hint: "what was signed and what was revoked is in stranglerctl history",
	}
}

func (c *cli) showOverride(made answer[wire.Override]) error {
	o := made.value
	err := c.show(view{raw: made.raw, names: []string{o.ID}, people: func(bool) error {
		c.out.Linef("%s  side %s until %s", c.out.Paint(term.Strong, o.Route), string(o.Side), moment(&o.Expires))
		c.out.Linef("  value   %s", o.Value)
		c.out.Linef("  cookie  %s=%s", o.Cookie, o.Value)
		c.out.Linef("  curl    -H %s", term.ShellWord(o.Header+": "+o.Value))
		return nil
	}})
	if err != nil {
		return err
	}
	if o.Note != "" {
		c.note.Linef("%s: %s", o.Route, o.Note)
	}
	c.hintNext("", "override revoke "+term.ShellWord(o.ID))
	return nil
}
