package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// tellGates says what the gates said of a promotion: in numbers where they pass,
// and which of them could not tell, or were overruled. Among several routes each
// is named.
func (c *cli) tellGates(m wire.Move, several bool) {
	if !m.Changed || !raises(m.Before, m.After) {
		return
	}
	gates := "gates"
	if several {
		gates += " of " + m.Route
	}
	var passed, waiting []string
	for _, f := range m.Findings {
		switch f.Verdict {
		case wire.GateVerdictFail:
			c.note.Linef("%s %s: forced against %s: %s", c.note.Paint(term.Bad, markBad), gates, string(f.Gate), f.Text)
		case wire.GateVerdictInsufficient:
			waiting = append(waiting, string(f.Gate))
		default:
			passed = append(passed, numbers(f)...)
		}
	}
	if len(passed) > 0 {
		c.note.Linef("%s %s: %s", c.note.Paint(term.Good, markGood), gates, strings.Join(passed, ", "))
	}
	if len(waiting) > 0 {
		c.note.Linef("%s %s: too little is known for %s; the autopilot would wait", c.note.Paint(term.Notice, markWaits), gates, inWords(waiting))
	}
}

// raises reports whether new has more to do after a change, be it for copies only.
func raises(before, after wire.State) bool {
	return after.WeightBp > before.WeightBp || after.Stage == wire.StageShadow && before.Stage == wire.StageLegacy
}

// numbers is what a gate that passes has measured, in short; nil where it has
// measured nothing.
func numbers(f wire.GateFinding) []string {
	switch f.Gate {
	case wire.GateNameErrors, wire.GateNameSlowness:
		if f.New == nil || f.New.Exposures == 0 {
			return nil
		}
		text := fmt.Sprintf("%s %s", f.Gate, countText(f.New))
		if f.Legacy != nil && f.Legacy.Exposures > 0 {
			text += fmt.Sprintf(" (legacy %s)", countText(f.Legacy))
		}
		return []string{text}
	case wire.GateNameParity:
		return []string{"parity " + parityText(&wire.Parity{Compared: f.Have, Mismatched: f.Hits})}
	case wire.GateNameFallbacks:
		return []string{fmt.Sprintf("fallbacks %s of %d", shareText(float64(f.Hits)/float64(max(1, f.Have))), f.Have)}
	}
	return nil
}

func countText(n *wire.GateCount) string {
	return shareText(float64(n.Events) / float64(n.Exposures))
}

// shareText writes a share as a percentage. What is not quite nothing is never 0%.
func shareText(share float64) string {
	bp := wire.Weight(math.Round(10_000 * share))
	if bp == 0 && share > 0 {
		return "less than 0.01%"
	}
	return percent(bp)
}

// inWords joins words as one says them: "a, b and c".
func inWords(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
