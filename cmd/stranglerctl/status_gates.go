package main

import (
	"context"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// autoCell is what the autopilot may do with a route; empty where there is
// nothing to promote.
func autoCell(r wire.RouteStatus) term.Cell {
	if r.New == "" || r.Stage == wire.StageRetired {
		return term.Cell{}
	}
	return modeCell(r.Autopilot)
}

// gatesCell is what keeps a route from its next step; empty where its gates
// were not asked.
func gatesCell(r wire.RouteStatus) term.Cell {
	if r.Gates == nil || r.Stage == wire.StageRetired {
		return term.Cell{}
	}
	cell := verdictCell(r.Gates.Verdict)
	if r.Gates.Missing != "" {
		mark, _ := verdictLook(r.Gates.Verdict)
		cell.Text = mark + " " + r.Gates.Missing
	}
	return cell
}

// turned reports whether the autopilot may do something else with a route than
// before, or its gates say something else. Gates that were not asked say nothing.
func turned(before, now wire.RouteStatus) bool {
	return before.Autopilot != now.Autopilot ||
		before.Gates != nil && now.Gates != nil && before.Gates.Verdict != now.Gates.Verdict
}

// gatesOf asks the gates of the one route that is shown. Not to know them is no
// reason to show nothing of the rest.
func (s *statusReader) gatesOf(ctx context.Context, d wire.RouteDetail) *wire.RouteGates {
	if d.New == "" || d.Stage == wire.StageRetired {
		return nil
	}
	gates, err := ask[wire.RouteGates](s.api.GetGates(ctx, d.Name))
	if err != nil {
		return nil
	}
	return &gates.value
}

// besides is how many characters stand before what a gate says, title and mark.
const besides = 13

// printFindings prints a line for each gate; those that pass and have nothing to
// count share one.
func (s *statusReader) printFindings(r *wire.RouteGates) {
	if r == nil {
		return
	}
	title := "gates"
	line := func(v wire.GateVerdict, text string) {
		mark, colour := verdictLook(v)
		for i, part := range term.Wrap(text, s.out.Width-besides) {
			if i > 0 {
				s.out.Linef("  %-8s   %s", "", part)
				continue
			}
			s.out.Linef("  %-8s %s %s", title, s.out.Paint(colour, mark), part)
		}
		title = ""
	}
	var plain []string
	for _, f := range r.Findings {
		switch {
		case f.Verdict == wire.GateVerdictPass && !counts(f.Gate):
			plain = append(plain, string(f.Gate))
		case f.Missing != "":
			line(f.Verdict, string(f.Gate)+": "+f.Text+"; "+f.Missing)
		default:
			line(f.Verdict, string(f.Gate)+": "+f.Text)
		}
	}
	if len(plain) > 0 {
		line(wire.GateVerdictPass, inWords(plain))
	}
	if held := heldText(*r); held != "" {
		s.out.Linef("  %-8s %s", "stays", held)
	}
	s.warnDisarmed(*r)
}

// counts reports whether a gate goes by what was counted.
func counts(gate wire.GateName) bool {
	switch gate {
	case wire.GateNameParity, wire.GateNameErrors, wire.GateNameSlowness, wire.GateNameFallbacks:
		return true
	}
	return false
}
