package main

import (
	"testing"

	"github.com/stranglerfig/strangler/internal/api/wire"
)

func TestPercentHasNoNeedlessZeros(t *testing.T) {
	for bp, want := range map[wire.Weight]string{0: "0%", 1: "0.01%", 10: "0.1%", 50: "0.5%", 100: "1%", 1234: "12.34%", 1230: "12.3%", 2500: "25%", 10000: "100%"} {
		if got := percent(bp); got != want {
			t.Errorf("percent(%d) = %q, want %q", bp, got, want)
		}
	}
}

func TestPlaceSaysStageShareAndHold(t *testing.T) {
	for want, s := range map[string]wire.State{
		"legacy":              {Stage: wire.StageLegacy},
		"shadow, rolled back": {Stage: wire.StageShadow, Hold: wire.Hold{Kind: new(wire.HoldKindRolledBack), Reason: "why"}},
		"0.5%":                {Stage: wire.StageCanary, WeightBp: 50},
		"25%, paused":         {Stage: wire.StageCanary, WeightBp: 2500, Hold: wire.Hold{Kind: new(wire.HoldKindPaused)}},
		"100%":                {Stage: wire.StageNew, WeightBp: 10000},
		"retired":             {Stage: wire.StageRetired, WeightBp: 10000},
	} {
		if got := place(s); got != want {
			t.Errorf("place(%+v) = %q, want %q", s, got, want)
		}
	}
}

func TestTheWayOnAndTheWayBack(t *testing.T) {
	paused := wire.Hold{Kind: new(wire.HoldKindPaused)}
	for _, c := range []struct {
		verb       string
		after      wire.State
		next, undo string
	}{
		{"promote", wire.State{Stage: wire.StageShadow}, "promote 'two words'", "undo 'two words'"},
		{"promote", wire.State{Stage: wire.StageCanary, WeightBp: 1}, "promote 'two words'", "rollback 'two words'"},
		{"promote", wire.State{Stage: wire.StageNew, WeightBp: 10000}, "retire 'two words'", "rollback 'two words'"},
		{"pause", wire.State{Stage: wire.StageCanary, WeightBp: 1, Hold: paused}, "resume 'two words'", "undo 'two words'"},
		{"rollback", wire.State{Stage: wire.StageShadow, Hold: wire.Hold{Kind: new(wire.HoldKindRolledBack)}}, "promote 'two words'", "undo 'two words'"},
		{"retire", wire.State{Stage: wire.StageRetired, WeightBp: 10000}, "", ""},
	} {
		next, undo := nextCommand("two words", c.after), undoCommand(c.verb, wire.Move{Route: "two words", After: c.after})
		if next != c.next || undo != c.undo {
			t.Errorf("after %s to %s: next %q, undo %q; want %q, %q", c.verb, place(c.after), next, undo, c.next, c.undo)
		}
	}
}

func TestDurationsAreShortened(t *testing.T) {
	for duration, want := range map[string]string{"10m0s": "10m", "1h0m0s": "1h", "1h30m0s": "1h30m", "1m10s": "1m10s", "500ms": "500ms", "0s": "0s", "10h0m5s": "10h0m5s", "": ""} {
		if got := shortened(duration); got != want {
			t.Errorf("shortened(%q) = %q, want %q", duration, got, want)
		}
	}
}
