package main

import (
	"context"
	"strings"

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

// verdictOf is what a route's gates say together; empty where they were not asked.
func verdictOf(r wire.RouteStatus) wire.GateVerdict {
	if r.Gates == nil {
		return ""
	}
	return r.Gates.Verdict
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

// printFindings prints a line for each gate.
func (s *statusReader) printFindings(r *wire.RouteGates) {
	if r == nil {
		return
	}
	for i, f := range r.Findings {
		title := ""
		if i == 0 {
			title = "gates"
		}
		mark, colour := verdictLook(f.Verdict)
		text := []string{f.Text}
		if f.Missing != "" {
			text = append(text, f.Missing)
		}
		s.out.Linef("  %-8s %s %s: %s", title, s.out.Paint(colour, mark), string(f.Gate), strings.Join(text, "; "))
	}
	if held := heldText(*r); held != "" {
		s.out.Linef("  %-8s %s", "held", held)
	}
}
