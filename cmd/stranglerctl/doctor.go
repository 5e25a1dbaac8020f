package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newDoctorCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Look for what is wrong or soon will be",
		Long: `Doctor checks the store, the backends, the routes and the instances, as the
router sees them. It exits 1 when a check fails; warnings alone exit 0.`,
		Example: `  stranglerctl doctor
  stranglerctl doctor -o json | jq '.[] | select(.level != "ok")'`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
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
