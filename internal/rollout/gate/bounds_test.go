package gate_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/stranglerfig/strangler/internal/rollout/gate"
	"github.com/stranglerfig/strangler/internal/rollout/sequential"
)

func TestBounds(t *testing.T) {
	for _, c := range []struct {
		policy    gate.Rate
		baseline  float64
		tolerance float64
		ceilings  sequential.Ceilings
	}{
		{gate.Rate{}, .01, 0, sequential.Ceilings{Baseline: .01}},
		{gate.Rate{}, 1, 0, sequential.Ceilings{}},
		{gate.Rate{Max: .05}, 0, 0, sequential.Ceilings{Limit: .05}},
		{gate.Rate{Excess: .01}, .04, (.05 / .95) / (.04 / .96), sequential.Ceilings{Baseline: .05, Excess: .05}},
		{gate.Rate{Excess: .01, Max: .5}, .0001, (.02 / .98) / (.01 / .99), sequential.Ceilings{Baseline: .0101, Excess: .02, Limit: .5}},
		{gate.Rate{Excess: .01}, 1, (.02 / .98) / (.01 / .99), sequential.Ceilings{Excess: .02}},
		{gate.Rate{Excess: .2}, .9, (.6 / .4) / (.4 / .6), sequential.Ceilings{Excess: .6}},
		{gate.Rate{Excess: .6}, .1, (.8 / .2) / (.2 / .8), sequential.Ceilings{Baseline: .7, Excess: .8}},
		{gate.Rate{Excess: 1}, .1, 0, sequential.Ceilings{Baseline: .1}},
		{gate.Rate{Excess: -1}, .1, 0, sequential.Ceilings{Baseline: .1}},
		{gate.Rate{Excess: math.NaN()}, math.NaN(), 0, sequential.Ceilings{}},
	} {
		tolerance, ceilings := gate.Bounds(c.policy, c.baseline)
		for _, pair := range [][2]float64{
			{tolerance, c.tolerance},
			{ceilings.Baseline, c.ceilings.Baseline},
			{ceilings.Excess, c.ceilings.Excess},
			{ceilings.Limit, c.ceilings.Limit},
		} {
			if math.Abs(pair[0]-pair[1]) > 1e-12 {
				t.Errorf("%+v, %g: %g %+v, want %g %+v", c.policy, c.baseline, tolerance, ceilings, c.tolerance, c.ceilings)
				break
			}
		}
	}
}

// Whatever legacy does, unless nearly all of it fails, and whatever it did before: what new does within the excess does
// not exceed both the ceiling and the tolerance.
func TestBoundsAllowTheExcess(t *testing.T) {
	odds := func(share float64) float64 { return share / (1 - share) }
	rapid.Check(t, func(t *rapid.T) {
		excess := rapid.Float64Range(1e-6, .999).Draw(t, "excess")
		tolerance, ceilings := gate.Bounds(gate.Rate{Excess: excess}, rapid.Float64Range(0, 1).Draw(t, "baseline"))
		legacy := rapid.Float64Range(0, 1-ceilings.Excess).Draw(t, "legacy")
		fresh := legacy + rapid.Float64Range(0, 1).Draw(t, "part")*excess
		const rounding = 1e-9
		if fresh > ceilings.Excess+rounding && odds(fresh) > odds(legacy)*tolerance*(1+rounding) {
			t.Errorf("%g where legacy does %g exceeds %+v, and %g times its odds", fresh, legacy, ceilings, tolerance)
		}
		if !(ceilings.Excess > excess && ceilings.Excess < 1) || !(tolerance > 1) {
			t.Errorf("the bounds of %g are %g and %+v", excess, tolerance, ceilings)
		}
	})
}
