package main

import (
	"fmt"
	"strings"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// place says in a word or two where a route stands: its stage, or in canary
// and new the share of the new side, and what holds it.
func place(s wire.State) string {
	where := string(s.Stage)
	if s.Stage == wire.StageCanary || s.Stage == wire.StageNew {
		where = percent(s.WeightBp)
	}
	if held := holdName(s.Hold); held != "" {
		where += ", " + held
	}
	return where
}

// stateOf is where a listed route stands.
func stateOf(r wire.RouteStatus) wire.State {
	return wire.State{Stage: r.Stage, WeightBp: r.WeightBp, Hold: r.Hold}
}

// percent writes basis points as a percentage without needless zeros: 25%, 0.5%.
func percent(bp wire.Weight) string {
	text := fmt.Sprintf("%d.%02d", bp/100, bp%100)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".") + "%"
}

// holdName is the kind of a hold as people say it, empty without one.
func holdName(h wire.Hold) string {
	if h.Kind == nil {
		return ""
	}
	return strings.ReplaceAll(string(*h.Kind), "_", " ")
}

// holdText is a hold with its reason.
func holdText(h wire.Hold) string {
	name := holdName(h)
	if name != "" && h.Reason != "" {
		name += ": " + h.Reason
	}
	return name
}

// holdColour sets a rolled-back route apart from a paused one.
func holdColour(h wire.Hold) term.Colour {
	switch {
	case h.Kind == nil:
		return term.Plain
	case *h.Kind == wire.HoldKindRolledBack:
		return term.Bad
	}
	return term.Notice
}

// stepText is the step of its plan a route stands on; empty between steps.
func stepText(step, steps int) string {
	if step == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", step, steps)
}

// shortened writes a Go duration without needless zeros: 10m0s is 10m.
func shortened(duration string) string {
	for _, zero := range []struct{ tail, keep string }{{"m0s", "m"}, {"h0m", "h"}} {
		if rest, found := strings.CutSuffix(duration, zero.tail); found {
			duration = rest + zero.keep
		}
	}
	return duration
}
