package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/shadow"
)

func TestEveryReasonToSkipHasAdvice(t *testing.T) {
	reasons := 0
	for ; !strings.HasPrefix(shadow.Reason(reasons).String(), "reason("); reasons++ {
		name := shadow.Reason(reasons).String()
		why := nothingCompared(
			wire.RouteDifferences{ShareBp: 10_000, Skipped: map[string]int64{name: 3, "another": 2, "none": 0}},
			wire.RouteDetail{Name: "orders", New: "next", Stage: wire.StageShadow},
		)
		if !strings.HasPrefix(why, "nothing was compared: all that was to be was skipped; most of all "+name+": ") || strings.HasSuffix(why, "see docs/shadow.md") {
			t.Errorf("%s: %s", name, why)
		}
	}
	if reasons < 10 {
		t.Errorf("only %d reasons were tried", reasons)
	}
}

func TestWhyNothingWasCompared(t *testing.T) {
	shadowed := wire.RouteDetail{Name: "orders", New: "next", Stage: wire.StageShadow}
	retired, canary, single := shadowed, shadowed, shadowed
	retired.Stage, canary.Stage, single.New = wire.StageRetired, wire.StageCanary, ""
	for want, c := range map[string]struct {
		found wire.RouteDifferences
		route wire.RouteDetail
	}{
		"is retired":                   {route: retired},
		"has no side new":              {route: single},
		"shadow start orders --sample": {route: canary},
		"though 5% is shadowed":        {wire.RouteDifferences{ShareBp: 500}, canary},
	} {
		if got := nothingCompared(c.found, c.route); !strings.Contains(got, want) {
			t.Errorf("%q does not say %q", got, want)
		}
	}
}

func TestLabelsSayWhatIsKnownBesides(t *testing.T) {
	for want, f := range map[string]wire.FoundDifference{
		"":                           {Verdict: wire.NoiseVerdictReal, Pairs: wire.NoisePairs{New: 30}},
		"noise":                      {Verdict: wire.NoiseVerdictNoise, Pairs: wire.NoisePairs{Both: 30}},
		"undecided, 12 pairs so far": {Verdict: wire.NoiseVerdictUndecided, Pairs: wire.NoisePairs{Both: 5, New: 4, Legacy: 3}},
		"transient":                  {Verdict: wire.NoiseVerdictUndecided, Transient: 1},
		"confirmed 3 of 5":           {Verdict: wire.NoiseVerdictReal, Confirmed: 3, Transient: 2},
		"undecided, 1 pair so far, confirmed": {
			Verdict: wire.NoiseVerdictUndecided, Pairs: wire.NoisePairs{New: 1}, Confirmed: 1,
		},
	} {
		if got := label(f); got != want {
			t.Errorf("label %q, want %q", got, want)
		}
	}
}

func TestTheHintSilencesThatDifference(t *testing.T) {
	for want, f := range map[string]wire.FoundDifference{
		"":                           {Kind: wire.DifferenceKindStatus, Where: "status"},
		"--unordered '$.items'":      {Kind: wire.DifferenceKindOrder, Where: "$.items"},
		"--replace body --pattern …": {Kind: wire.DifferenceKindText, Where: "line"},
		"--ignore 'header Vary'":     {Kind: wire.DifferenceKindHeader, Where: "header Vary"},
		`--ignore '$['\''a b'\'']'`:  {Kind: wire.DifferenceKindValue, Where: "$['a b']"},
		`--ignore $'$.\033[31m\047'`: {Kind: wire.DifferenceKindValue, Where: "$.\x1b[31m'"},
	} {
		if got := silencing(f); got != want {
			t.Errorf("%+v is silenced by %s, want %s", f, got, want)
		}
	}
}

func TestParityIsNeverBetterThanItIs(t *testing.T) {
	for want, p := range map[string]*wire.Parity{
		"":                    {ShareBp: 10_000, Skipped: 7},
		"100% of 5":           {Compared: 5, Noise: 2},
		"99.94% of 18211":     {Compared: 18_211, Mismatched: 11},
		"99.99% of 100000000": {Compared: 100_000_000, Mismatched: 1},
		"0% of 3":             {Compared: 3, Mismatched: 3},
	} {
		if got := parityText(p); got != want {
			t.Errorf("%+v is %q, want %q", p, got, want)
		}
	}
	if got := parityText(nil); got != "" {
		t.Errorf("nothing is %q", got)
	}
}

func TestMismatchesAreNeverNone(t *testing.T) {
	for want, c := range map[string]struct{ mismatched, compared int64 }{
		"0 mismatched":          {0, 10},
		"11 mismatched (0.06%)": {11, 18_211},
		"1 mismatched (<0.01%)": {1, 1_000_000},
		"2 mismatched (100.00%)": {
			2, 2,
		},
	} {
		if got := mismatchText(c.mismatched, c.compared); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestSpansMayBeOfDays(t *testing.T) {
	for text, want := range map[string]time.Duration{"90m": 90 * time.Minute, "2d": 48 * time.Hour, "0d": 0, "1h30m": 90 * time.Minute} {
		if got, err := parseSpan(text); got != want || err != nil {
			t.Errorf("%s is %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "d", "-1d", "1.5d", "1d2h", "99999999999d", "2027-01-31"} {
		if got, err := parseSpan(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

func TestWhenARuleExpires(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{"30d": "2026-12-24", "12h": "2026-11-25T00:00:00Z", "2027-01-31": "2027-01-31", "soon": "soon"} {
		if got, err := expiry(text, now); got != want || err != nil {
			t.Errorf("%s is %q, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"0d", "-2h"} {
		if got, err := expiry(text, now); err == nil {
			t.Errorf("%s is %q", text, got)
		}
	}
}

func TestARuleThatWasRemovedCanBeAddedAgain(t *testing.T) {
	expires := time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)
	got := addAgain("orders", wire.Rule{
		ID: "1", Kind: wire.RuleKindReplace, Target: "$.url", Pattern: "https://[^/]+", With: "it's", Reason: "two hosts", Owner: "ana", Expires: &expires,
	})
	want := `rule add orders --replace '$.url' --pattern 'https://[^/]+' --with 'it'\''s' --reason 'two hosts' --owner ana --expires 2027-01-31`
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
