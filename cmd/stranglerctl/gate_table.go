package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// markWaits stands in front of what cannot be said yet.
const markWaits = "…"

// printAllGates prints a line for each route.
func (c *cli) printAllGates(routes []wire.RouteGates) error {
	if len(routes) == 0 {
		c.note.Linef("no route has a new side: there is nothing to promote")
		return nil
	}
	t := &term.Table{Heading: []string{"ROUTE", "AT", "STEP", "NEXT", "AUTO", "VERDICT", "WHY"}, Spare: []string{"STEP"}}
	for _, r := range routes {
		t.Add(append(term.Cells(r.Route, place(gatesState(r)), stepText(r.Step, r.Steps), nextStep(r), string(r.Autopilot)),
			verdictCell(r.Verdict), term.Cell{Text: whyNot(r)})...)
	}
	return c.out.Table(t.Unfolded(c.out.Width, 1))
}

// gatesState is where the route stood when its gates were asked.
func gatesState(r wire.RouteGates) wire.State {
	return wire.State{Stage: r.Stage, WeightBp: r.WeightBp}
}

// nextStep is the step that comes next; empty after the last one.
func nextStep(r wire.RouteGates) string {
	if r.Next == nil {
		return ""
	}
	return *r.Next
}

// whyNot is what first keeps a route from its next step; empty when nothing does.
// Of a route that evidence may promote that can be more than its gates.
func whyNot(r wire.RouteGates) string {
	if r.Autopilot == wire.AutopilotModeOn && r.Held != "" {
		return r.Held
	}
	for _, first := range []func(f wire.GateFinding) bool{
		func(f wire.GateFinding) bool { return f.RollsBack },
		func(f wire.GateFinding) bool { return f.Verdict == wire.GateVerdictFail },
		func(f wire.GateFinding) bool { return f.Verdict == wire.GateVerdictInsufficient },
	} {
		if i := slices.IndexFunc(r.Findings, first); i >= 0 {
			return string(r.Findings[i].Gate) + ": " + reasonOf(r.Findings[i])
		}
	}
	return r.Held
}

// reasonOf is the one thing to say of a gate: what it waits for, or what it found,
// and when it will be otherwise if that is known.
func reasonOf(f wire.GateFinding) string {
	switch {
	case f.Missing == "":
		return f.Text
	case f.Verdict == wire.GateVerdictInsufficient:
		return f.Missing
	}
	return f.Text + ", " + f.Missing
}

// printGates prints what each gate of a route says.
func (c *cli) printGates(r wire.RouteGates, wide bool) error {
	c.out.Linef("%s  %s  %s  (%s)", c.out.Paint(term.Strong, r.Route), place(gatesState(r)), c.verdictText(r.Verdict), gatesFacts(r))
	t := &term.Table{Heading: []string{"GATE", "VERDICT", "LIMIT", "FOUND", "MISSING"}}
	for _, f := range r.Findings {
		t.Add(term.Cell{Text: string(f.Gate)}, verdictCell(f.Verdict), term.Cell{Text: limitText(f)},
			term.Cell{Text: f.Text}, term.Cell{Text: f.Missing})
	}
	if !wide {
		t = t.Unfolded(c.out.Width, 2)
	}
	if err := c.showTable(t, len(t.Heading), wide); err != nil {
		return err
	}
	if held := heldText(r); held != "" {
		c.out.Linef("it stays here: %s", held)
	}
	c.warnDisarmed(r)
	return nil
}

// warnDisarmed says what would be taken back if it were not for people.
func (c *cli) warnDisarmed(r wire.RouteGates) {
	harm := func(f wire.GateFinding) bool { return f.RollsBack }
	if r.Autopilot == wire.AutopilotModeDisarmed && slices.ContainsFunc(r.Findings, harm) {
		c.out.Linef("%s new does harm, and the autopilot is disarmed: only a person takes it back: stranglerctl rollback %s",
			c.out.Paint(term.Bad, markBad), term.ShellWord(r.Route))
	}
}

// heldText is why an autopilot that is on does not take the next step, where that
// is something else than what a gate says.
func heldText(r wire.RouteGates) string {
	if r.Autopilot != wire.AutopilotModeOn {
		return ""
	}
	for _, f := range r.Findings {
		if strings.HasPrefix(r.Held, string(f.Gate)+": ") {
			return ""
		}
	}
	return r.Held
}

// gatesFacts says like "step 4 of 6, next 50%, autopilot on".
func gatesFacts(r wire.RouteGates) string {
	var facts []string
	if r.Step > 0 {
		facts = append(facts, fmt.Sprintf("step %d of %d", r.Step, r.Steps))
	}
	if r.Next != nil {
		facts = append(facts, "next "+*r.Next)
	} else {
		facts = append(facts, "no step is left")
	}
	return strings.Join(append(facts, "autopilot "+string(r.Autopilot)), ", ")
}

// limitText is what would be too much, a share or evidence; empty where the gate
// counts nothing.
func limitText(f wire.GateFinding) string {
	switch {
	case f.Threshold > 0:
		return fmt.Sprintf("%g", f.Threshold)
	case f.Limit > 0:
		return shareText(f.Limit)
	}
	return ""
}

// verdictLook is a verdict's mark and colour.
func verdictLook(v wire.GateVerdict) (mark string, colour term.Colour) {
	switch v {
	case wire.GateVerdictPass:
		return markGood, term.Good
	case wire.GateVerdictFail:
		return markBad, term.Bad
	}
	return markWaits, term.Notice
}

func verdictCell(v wire.GateVerdict) term.Cell {
	mark, colour := verdictLook(v)
	return term.Cell{Text: mark + " " + string(v), Colour: colour}
}

func (c *cli) verdictText(v wire.GateVerdict) term.Styled {
	cell := verdictCell(v)
	return c.out.Paint(cell.Colour, cell.Text)
}
