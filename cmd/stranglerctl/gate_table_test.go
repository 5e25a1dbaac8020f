package main

import (
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// What does harm is said before what only holds, and nobody who has disarmed the
// autopilot may think that it takes the route back.
func TestHarmIsSaidFirstAndWhoTakesItBack(t *testing.T) {
	gates := wire.RouteGates{
		Route: "orders", Stage: wire.StageCanary, WeightBp: 2500, Step: 2, Steps: 3, Verdict: wire.GateVerdictFail,
		Findings: []wire.GateFinding{
			{Gate: wire.GateNameParity, Verdict: wire.GateVerdictFail, Text: "0% of 900 comparisons match"},
			{Gate: wire.GateNameErrors, Verdict: wire.GateVerdictFail, Text: "31% of 48 key-minutes", RollsBack: true},
			{Gate: wire.GateNameWindow, Verdict: wire.GateVerdictFail, Text: "closed", Missing: "opens Mon 9:00 UTC, in 3 days"},
		},
	}
	const warning = "× new does harm, and the autopilot is disarmed: only a person takes it back: stranglerctl rollback orders\n"
	for mode, warned := range map[wire.AutopilotMode]bool{wire.AutopilotModeOn: false, wire.AutopilotModeOff: false, wire.AutopilotModeDisarmed: true} {
		gates.Autopilot = mode
		if got, want := whyNot(gates), "errors: 31% of 48 key-minutes"; got != want {
			t.Errorf("%s: why is %q, want %q", mode, got, want)
		}
		var shown strings.Builder
		if err := (&cli{out: term.NewPen(&shown, term.Palette{})}).printGates(gates, false); err != nil {
			t.Fatal(err)
		}
		if got := strings.HasSuffix(shown.String(), warning); got != warned {
			t.Errorf("%s: warned %t, want %t:\n%s", mode, got, warned, shown.String())
		}
	}
	gates.Findings = gates.Findings[2:]
	if got, want := whyNot(gates), "window: closed, opens Mon 9:00 UTC, in 3 days"; got != want {
		t.Errorf("why is %q, want %q", got, want)
	}
}
