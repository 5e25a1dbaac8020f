package sequential_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout/gate"
	"github.com/stranglerfig/strangler/internal/rollout/sequential"
	"github.com/stranglerfig/strangler/internal/routing"
)

// gated is a route whose legacy side was seen for a while, that is then judged by a
// gate, in windows of 5 s. An excess is only known against what legacy did.
func gated(s traffic, seed uint64, policy gate.Rate, legacy, weight float64) *route {
	s.weight, s.every = 0, 100
	r := newRoute(s, seed)
	r.until(rates{legacy, legacy}, 50_000)
	r.tolerance, r.ceilings = gate.Bounds(policy, sequential.Baseline(r.report().Total.Legacy))
	r.fails = func(w *sequential.Watch) bool {
		found := gate.Judge(gate.Policy{Errors: policy, Slowness: gate.Rate{Off: true}, Fallbacks: gate.Fallbacks{Off: true}},
			gate.Input{Stage: routing.StageCanary, Errors: w})
		return gate.Reason(found) != ""
	}
	r.move(weight)
	return r
}

// regulars come every few seconds.
func regulars() traffic { return traffic{visitors: 100, perSecond: 20, burst: 1} }

func TestSimulatedExcessIsAllowed(t *testing.T) {
	slowness, half := gate.DefaultPolicy().Slowness, gate.Rate{Excess: .005}
	for _, c := range []struct {
		name     string
		policy   gate.Rate
		traffic  traffic
		baseline float64
		now      rates
	}{
		{"as slow as legacy", slowness, shop(0), .05, rates{.05, .05}},
		{"as slow as legacy, regulars", slowness, regulars(), .05, rates{.05, .05}},
		{"4 % more are slow", slowness, shop(0), .05, rates{.05, .09}},
		{"both are slow at this hour", slowness, shop(0), .05, rates{.2, .2}},
		{"both are slow at this hour, regulars", slowness, regulars(), .05, rates{.2, .2}},
		{"0.4 % more errors than none", half, shop(0), 0, rates{0, .004}},
		{"0.4 % more errors than 1 %", half, shop(0), .01, rates{.01, .014}},
		{"a bad hour of both, without errors before", half, shop(0), 0, rates{.1, .1}},
		{"a bad hour of both", half, shop(0), .01, rates{.1, .1}},
	} {
		for _, weight := range []float64{.01, .05, .25, .5} {
			t.Run(fmt.Sprintf("%s at %g %%", c.name, 100*weight), func(t *testing.T) {
				failed := positive(simulateLong(func(seed uint64) int {
					return gated(c.traffic, seed, c.policy, c.baseline, weight).until(c.now, 20_000)
				}))
				t.Logf("%.2f %% failed", 100*failed)
				if failed > .01 {
					t.Errorf("%.2f %% failed, want at most 1 %%", 100*failed)
				}
			})
		}
	}
}

func TestSimulatedBeyondAnExcessIsFound(t *testing.T) {
	slowness, half := gate.DefaultPolicy().Slowness, gate.Rate{Excess: .005}
	for _, c := range []struct {
		name    string
		policy  gate.Rate
		traffic traffic
		weight  float64
		at      rates
		within  int // requests in total, at the median
	}{
		{"3 times as many are slow", slowness, shop(0), .05, rates{.05, .15}, 20_000},
		{"3 times as many are slow", slowness, shop(0), .25, rates{.05, .15}, 8_000},
		{"3 times as many are slow, regulars", slowness, regulars(), .25, rates{.05, .15}, 8_000},
		{"all are slow", slowness, shop(0), .05, rates{.05, 1}, 800},
		{"5 % errors instead of none", half, shop(0), .05, rates{0, .05}, 5_000},
		{"5 % errors instead of 1 %", half, shop(0), .05, rates{.01, .05}, 8_000},
		{"10 % errors instead of 1 %", half, shop(0), .05, rates{.01, .1}, 2_000},
		{"all fail", half, shop(0), .05, rates{.01, 1}, 400},
		{"all fail instead of none", half, shop(0), .05, rates{0, 1}, 400},
		{"all fail instead of none", half, shop(0), .25, rates{0, 1}, 200},
	} {
		t.Run(fmt.Sprintf("%s at %g %%", c.name, 100*c.weight), func(t *testing.T) {
			found := simulateLong(func(seed uint64) int {
				return gated(c.traffic, seed, c.policy, c.at.legacy, c.weight).until(c.at, 200_000)
			})
			middle := quantile(found, .5)
			t.Logf("%d requests at the median, %d in 95 %%, %.2f %% never", middle, quantile(found, .95), 100-100*positive(found))
			if middle == 0 || middle > c.within || positive(found) < 1 {
				t.Errorf("found after %v requests, want at most %d at the median", found, c.within)
			}
		})
	}
}

// What is allowed does not shield a side that dies, however long all was well.
func TestSimulatedDeadSideIsFoundBeyondAnExcess(t *testing.T) {
	for _, weight := range []float64{.05, .25, .5} {
		found := simulateLong(func(seed uint64) int {
			r := gated(shop(0), seed, gate.Rate{Excess: .005}, .01, weight)
			r.every = 1
			return r.dies(200_000)
		})
		most := quantile(found, 1)
		t.Logf("%g %%: %d events at the median, %d at most; %.2f %% failed before", 100*weight, quantile(found, .5), most, 100-100*positive(found))
		if most > 60 || positive(found) < .99 {
			t.Errorf("at %g %% it was found after %v events, want at most 60", 100*weight, found)
		}
	}
}

func TestSimulatedParityGate(t *testing.T) {
	policy := gate.DefaultPolicy()
	for _, c := range []struct{ rate, atLeast, atMost float64 }{{0, 1, 1}, {.012, 0, .05}} {
		found := simulate(func(seed uint64) int {
			r := rand.New(rand.NewPCG(seed, 13))
			have := gate.Compared{PerHour: 100}
			for have.Compared < 20_000 {
				have.Compared++
				if r.Float64() < c.rate {
					have.Mismatched++
				} else if have.Compared%50 != 0 {
					continue
				}
				findings := gate.Judge(policy, gate.Input{Stage: routing.StageShadow, Shadowable: true, Parity: &have})
				if gate.NameParity == findings[1].Gate && findings[1].Verdict == sequential.Pass {
					return int(have.Compared)
				}
			}
			return 0
		})
		passed := positive(found)
		t.Logf("%g %% mismatches: %.2f %% passed, the last after %d", 100*c.rate, 100*passed, quantile(found, 1))
		if passed < c.atLeast || passed > c.atMost || c.rate == 0 && quantile(found, 1) > 400 {
			t.Errorf("%g %% mismatches: %.2f %% passed, the last after %d", 100*c.rate, 100*passed, quantile(found, 1))
		}
	}
}

// A day in which nothing is asked: the gates hold the route, and say why.
func TestADayWithoutTraffic(t *testing.T) {
	began := time.Unix(0, 0)
	var errors, slow sequential.Watch
	for range 17_280 {
		errors.Add(sequential.Window{Weight: .25})
		slow.Add(sequential.Window{Weight: .25})
	}
	findings := gate.Judge(gate.DefaultPolicy(), gate.Input{
		Now: began.Add(24 * time.Hour), Since: began, Bake: 10 * time.Minute, Stage: routing.StageCanary, Weight: 2_500,
		Errors: &errors, Slowness: &slow, SlowOver: time.Second,
	})
	if got := gate.Verdict(findings); got != sequential.Insufficient {
		t.Errorf("the verdict is %s", got)
	}
	want := "errors: needs 100 key-minutes on new; it serves nothing at present (2 more wait)"
	if got := gate.Summary(findings); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
