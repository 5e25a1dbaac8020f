package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newAutopilotCommand(c *cli) *cobra.Command {
	cmd := family("autopilot", "Promotion by evidence: which routes, and whose autopilot acts", newAutopilotOnCommand(c), newAutopilotOffCommand(c))
	cmd.Long = `Autopilot shows which router's autopilot acts, whether promotions are frozen, and
what it may do with each route:

  off       people promote the route; it is rolled back by evidence
  on        it is promoted by evidence as well, step by step of its plan
  disarmed  neither: nothing but people rolls it back`
	cmd.Example = `  stranglerctl autopilot
  stranglerctl autopilot on orders-get
  stranglerctl autopilot -o json | jq '.routes[] | select(.mode == "on") | .route'`
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return c.showAutopilot(cmd.Context()) }
	return cmd
}

func (c *cli) showAutopilot(ctx context.Context) error {
	api, err := c.connect()
	if err != nil {
		return err
	}
	found, err := ask[wire.Autopilot](api.GetAutopilot(ctx))
	if err != nil {
		return err
	}
	c.warnStale(found.header)
	view := view{raw: found.raw, people: func(bool) error { return c.printAutopilot(found.value) }}
	for _, r := range found.value.Routes {
		view.names = append(view.names, r.Route)
	}
	return c.show(view)
}

func (c *cli) printAutopilot(a wire.Autopilot) error {
	if a.Holder == "" {
		c.out.Linef("%s no router's autopilot acts: nothing is promoted, and nothing rolled back, by evidence", c.out.Paint(term.Bad, markBad))
	} else {
		c.out.Linef("%s the autopilot of %s acts", c.out.Paint(term.Good, markGood), a.Holder)
	}
	if a.Frozen != nil {
		c.out.Linef("%s promotions are frozen, %s", c.out.Paint(term.Bad, markWarn), c.frozenText(*a.Frozen))
	}
	if len(a.Routes) == 0 {
		c.note.Linef("no route has a new side: there is nothing to promote")
		return nil
	}
	t := &term.Table{Heading: []string{"ROUTE", "AUTOPILOT", "SINCE"}}
	for _, r := range a.Routes {
		since := ""
		if r.At != nil {
			since = term.Ago(c.now().Sub(*r.At)) + " by " + r.Actor
		}
		t.Add(term.Cell{Text: r.Route}, modeCell(r.Mode), term.Cell{Text: since})
	}
	return c.out.Table(t)
}

// frozenText says by whom, since when, and why.
func (c *cli) frozenText(f wire.Frozen) string {
	text := "by " + f.By + ", " + term.Ago(c.now().Sub(f.At))
	if f.Reason != "" {
		text += ": " + f.Reason
	}
	return text
}

// modeCell sets a route apart that nothing but people would roll back.
func modeCell(m wire.AutopilotMode) term.Cell {
	cell := term.Cell{Text: string(m)}
	switch m {
	case wire.AutopilotModeOn:
		cell.Colour = term.Good
	case wire.AutopilotModeDisarmed:
		cell.Colour = term.Bad
	}
	return cell
}
