package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newDoctorCommand(c *cli) *cobra.Command {
	var accept bool
	var reason string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look for what is wrong or soon will be",
		Long: `Doctor checks the store, the backends, the routes and the instances, as the
router sees them. It exits 1 when a check fails; warnings alone exit 0.

--accept-store is for a store that came back wrong: from a backup, or another one
under the same address. A router keeps serving what it has then. This tells the
router that is spoken to, and no other, to serve what its store holds. It asks
first; without a terminal it wants -y.`,
		Example: `  stranglerctl doctor
  stranglerctl doctor -o json | jq '.[] | select(.level != "ok")'`,
		Args: arguments(),
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			if !accept && (cmd.Flags().Changed("reason") || c.yes) {
				return usagef("--reason and -y go with --accept-store: looking changes nothing")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if accept {
				return c.acceptStore(cmd.Context(), reason)
			}
			api, err := c.connect()
			if err != nil {
				return err
			}
			checks, err := ask[[]wire.Check](api.Doctor(cmd.Context()))
			if err != nil {
				return err
			}
			if err := c.showChecks(checks); err != nil {
				return err
			}
			if failed := failing(checks.value); failed > 0 {
				return &failure{code: exitFailure, err: errors.New(counted(failed, "check") + " failed"), hint: "each × above says what to do"}
			}
			return nil
		},
	}
	c.registerYes(cmd)
	cmd.Flags().BoolVar(&accept, "accept-store", false, "let this router serve what its store holds (asks)")
	cmd.Flags().StringVar(&reason, "reason", "", "with --accept-store: why, for the history")
	return cmd
}

func (c *cli) showChecks(checks answer[[]wire.Check]) error {
	view := view{raw: checks.raw, people: func(bool) error {
		var group wire.CheckGroup
		for _, check := range checks.value {
			if check.Group != group {
				group = check.Group
				c.out.Linef("%s", c.out.Paint(term.Strong, string(group)))
			}
			c.out.Linef("  %s %s: %s", c.mark(check.Level), check.Code, check.Message)
			if check.Hint != "" {
				c.out.Linef("    %s", check.Hint)
			}
		}
		return nil
	}}
	for _, check := range checks.value {
		view.names = append(view.names, check.Code)
	}
	return c.show(view)
}

func (c *cli) mark(level wire.CheckLevel) term.Styled {
	switch level {
	case wire.CheckLevelOk:
		return c.out.Paint(term.Good, markGood)
	case wire.CheckLevelWarn:
		return c.out.Paint(term.Notice, markWarn)
	}
	return c.out.Paint(term.Bad, markBad)
}

func failing(checks []wire.Check) int {
	n := 0
	for _, check := range checks {
		if check.Level == wire.CheckLevelFail {
			n++
		}
	}
	return n
}
