package gate_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"github.com/stranglerfig/strangler/internal/rollout/gate"
	"github.com/stranglerfig/strangler/internal/rollout/sequential"
	"github.com/stranglerfig/strangler/internal/routing"
)

// number is a share, more often than not, and otherwise whatever a float64 holds.
func number() *rapid.Generator[float64] {
	return rapid.OneOf(rapid.Float64Range(0, 1), rapid.SampledFrom([]float64{
		0, 1, -1, 2, 1e-300, math.MaxFloat64, math.SmallestNonzeroFloat64, math.Inf(1), math.Inf(-1), math.NaN(),
	}))
}

func amount() *rapid.Generator[uint64] {
	return rapid.OneOf(rapid.Uint64Range(0, 5_000), rapid.Uint64())
}

func wait() *rapid.Generator[time.Duration] {
	return rapid.Custom(func(t *rapid.T) time.Duration { return time.Duration(rapid.Int64().Draw(t, "wait")) })
}

func moments() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "unknown") {
			return time.Time{}
		}
		return time.Unix(rapid.Int64Range(-1e11, 1e11).Draw(t, "moment"), 0).UTC()
	})
}

func policies() *rapid.Generator[gate.Policy] {
	return rapid.Custom(func(t *rapid.T) gate.Policy {
		rate := func() gate.Rate {
			return gate.Rate{
				Off: rapid.Bool().Draw(t, "off"), Excess: number().Draw(t, "excess"), Max: number().Draw(t, "max"),
				Min: amount().Draw(t, "min"), Hold: rapid.Bool().Draw(t, "hold"),
			}
		}
		p := gate.Policy{
			Parity: gate.Parity{Off: rapid.Bool().Draw(t, "off"), Max: number().Draw(t, "max"), Min: amount().Draw(t, "min")},
			Errors: rate(), Slowness: rate(),
			Fallbacks: gate.Fallbacks{Off: rapid.Bool().Draw(t, "off"), Max: number().Draw(t, "max")},
		}
		if rapid.Bool().Draw(t, "window") {
			p.Window = &gate.Window{
				Zone: rapid.SampledFrom([]*time.Location{nil, time.UTC, time.FixedZone("Nowhere", 12*3600)}).Draw(t, "zone"),
				Days: [7]bool{true, false, rapid.Bool().Draw(t, "tuesday")}, From: wait().Draw(t, "from"), To: wait().Draw(t, "to"),
			}
		}
		return p
	})
}

func watches() *rapid.Generator[*sequential.Watch] {
	return rapid.Custom(func(t *rapid.T) *sequential.Watch {
		if rapid.Bool().Draw(t, "nothing") {
			return nil
		}
		var w sequential.Watch
		for range rapid.IntRange(0, 4).Draw(t, "windows") {
			side := func() sequential.Count { return count(amount().Draw(t, "exposures"), amount().Draw(t, "events")) }
			window := sequential.Window{
				From: moments().Draw(t, "from"), To: moments().Draw(t, "to"), Step: rapid.Uint64Range(0, 2).Draw(t, "step"),
				Weight: number().Draw(t, "weight"), New: side(), Legacy: side(), Tolerance: number().Draw(t, "tolerance"),
			}
			window.Ceilings = sequential.Ceilings{Baseline: number().Draw(t, "b"), Limit: number().Draw(t, "l"), Excess: number().Draw(t, "x")}
			w.Add(window)
		}
		return &w
	})
}

func inputs() *rapid.Generator[gate.Input] {
	return rapid.Custom(func(t *rapid.T) gate.Input {
		in := gate.Input{
			Now: moments().Draw(t, "now"), Since: moments().Draw(t, "since"), Bake: wait().Draw(t, "bake"),
			Stage: routing.Stage(rapid.IntRange(0, 6).Draw(t, "stage")), Shadowable: rapid.Bool().Draw(t, "shadowable"),
			Errors: watches().Draw(t, "errors"), Slowness: watches().Draw(t, "slowness"), SlowOver: wait().Draw(t, "slow over"),
			Served: gate.Served{Requests: amount().Draw(t, "requests"), Fallbacks: amount().Draw(t, "fallbacks"), PerHour: number().Draw(t, "an hour")},
		}
		in.Latency.New, in.Latency.Legacy = wait().Draw(t, "p95"), wait().Draw(t, "p95")
		if rapid.Bool().Draw(t, "compared") {
			in.Parity = &gate.Compared{Compared: amount().Draw(t, "compared"), Mismatched: amount().Draw(t, "mismatched"), PerHour: number().Draw(t, "an hour")}
		}
		for range rapid.IntRange(0, 5).Draw(t, "breakers") {
			in.Breakers = append(in.Breakers, gate.Breaker{Instance: rapid.String().Draw(t, "i"), State: rapid.String().Draw(t, "s"), Reason: rapid.String().Draw(t, "r")})
		}
		if rapid.Bool().Draw(t, "frozen") {
			in.Frozen = &gate.Frozen{By: rapid.String().Draw(t, "by"), At: moments().Draw(t, "at"), Reason: rapid.String().Draw(t, "reason")}
		}
		return in
	})
}

func isLine(text string) bool {
	return !strings.ContainsFunc(text, unicode.IsControl) && !strings.Contains(text, "NaN") && !strings.Contains(text, "Inf")
}

// Whatever is put in, what comes out can be read and written, and is complete.
func TestFindingsAreWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		findings := gate.Judge(policies().Draw(t, "policy"), inputs().Draw(t, "input"))
		for _, f := range findings {
			if f.Text == "" || !isLine(f.Text) || !isLine(f.Missing) {
				t.Errorf("%+v: not one line", f)
			}
			if f.Verdict == sequential.Insufficient && f.Missing == "" {
				t.Errorf("%+v: nobody knows what it waits for", f)
			}
			if f.Verdict == sequential.Pass && f.Missing != "" || f.Wait < 0 || f.RollsBack && f.Verdict != sequential.Fail {
				t.Errorf("%+v: it contradicts itself", f)
			}
			if math.IsNaN(f.Limit) || math.IsInf(f.Limit, 0) { // what a policy says is not checked here
				continue
			}
			if _, err := json.Marshal(f); err != nil {
				t.Errorf("%+v: %v", f, err)
			}
		}
		if summary := gate.Summary(findings); summary == "" || !isLine(summary) {
			t.Errorf("%q is no line", summary)
		}
		if got, want := gate.Reason(findings) != "", slices.ContainsFunc(findings, func(f gate.Finding) bool { return f.RollsBack }); got != want {
			t.Errorf("there is a reason: %t, want %t", got, want)
		}
	})
}

// Nothing passes for want of data, save what asks whether something is forbidden.
func TestNothingPassesWithoutData(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policy, in := policies().Draw(t, "policy"), inputs().Draw(t, "input")
		in.Since, in.Parity, in.Errors, in.Slowness, in.Served = time.Time{}, nil, nil, nil, gate.Served{}
		in.Bake = max(1, in.Bake)
		for _, f := range gate.Judge(policy, in) {
			switch f.Gate {
			case gate.NameBreaker, gate.NameWindow, gate.NameFreeze:
			default:
				if f.Verdict != sequential.Insufficient {
					t.Errorf("%+v", f)
				}
			}
		}
	})
}

// Health alone never fails a route, and once it passes more of the same keeps it passing.
func TestMoreOfTheSameHealthPasses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var watch sequential.Watch
		fresh, legacy := rapid.Uint64Range(1, 300).Draw(t, "new"), rapid.Uint64Range(1, 3_000).Draw(t, "legacy")
		policy := gate.DefaultPolicy()
		policy.Errors.Excess = rapid.SampledFrom([]float64{0, .005, .1}).Draw(t, "excess")
		seen := uint64(0)
		for i := range rapid.IntRange(1, 60).Draw(t, "windows") {
			window := sequential.Window{
				From: noon().Add(time.Duration(i) * 5 * time.Second), To: noon().Add(time.Duration(i+1) * 5 * time.Second),
				Weight: float64(fresh) / float64(fresh+legacy), New: count(fresh, 0), Legacy: count(legacy, 0),
			}
			window.Tolerance, window.Ceilings = gate.Bounds(policy.Errors, .01)
			watch.Add(window)
			seen += fresh
			in := well()
			in.Errors = &watch
			want := sequential.Insufficient
			if seen >= gate.DefaultExposures {
				want = sequential.Pass
			}
			for _, f := range gate.Judge(policy, in) {
				if f.Gate == gate.NameErrors && f.Verdict != want {
					t.Fatalf("after %d windows: %+v, want %s", i+1, f, want)
				}
			}
		}
	})
}
