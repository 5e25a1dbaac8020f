package sequential_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stranglerfig/strangler/internal/rollout/sequential"
)

// docs/statistics.md has the figures of 4,000 runs:
//
//	go test ./internal/rollout/sequential -run Simulated -v -args -runs 4000
var runs = flag.Int("runs", 50, "how often each simulation is run")

// simulate returns what each run found, in order.
func simulate(run func(seed uint64) int) []int { return simulateSome(*runs, run) }

// simulateLong is for runs that take long: a tenth as many.
func simulateLong(run func(seed uint64) int) []int { return simulateSome(max(1, *runs/10), run) }

func simulateSome(runs int, run func(seed uint64) int) []int {
	found := make([]int, runs)
	for seed := range found {
		found[seed] = run(uint64(seed))
	}
	slices.Sort(found)
	return found
}

// quantile is the value that a share of those found does not exceed.
func quantile(sorted []int, share float64) int {
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}

// positive is the share of runs that found something.
func positive(found []int) float64 {
	none, _ := slices.BinarySearch(found, 1)
	return float64(len(found)-none) / float64(len(found))
}

func TestSimulatedHealthyRoutesStay(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*traffic)
	}{
		{"even", func(*traffic) {}},
		{"one legacy client makes 40 %", func(s *traffic) { s.heavy = .4 }},
		{"bursts of five", func(s *traffic) { s.burst = 5 }},
		{"one request a second", func(s *traffic) { s.perSecond = 1 }},
		{"in windows of 5 s", func(s *traffic) { s.every = 100 }},
	} {
		for _, weight := range []float64{.01, .05, .25, .5} {
			t.Run(fmt.Sprintf("%s at %g %%", c.name, 100*weight), func(t *testing.T) {
				s := shop(weight)
				c.change(&s)
				failed := positive(simulate(func(seed uint64) int {
					return newRoute(s, seed).until(rates{.01, .01}, 20_000)
				}))
				t.Logf("%.2f %% failed", 100*failed)
				if failed > .01 {
					t.Errorf("%.2f %% of the healthy routes failed, want at most 1 %%", 100*failed)
				}
			})
		}
	}
}

// With 2,000 requests a second for five minutes, looked at every 5 s.
func TestSimulatedBusyRoutesStay(t *testing.T) {
	for _, weight := range []float64{.01, .05, .25, .5} {
		busy := traffic{visitors: 50_000, perSecond: 2_000, weight: weight, burst: 1, every: 10_000}
		failed := positive(simulateLong(func(seed uint64) int {
			return newRoute(busy, seed).until(rates{.01, .01}, 600_000)
		}))
		t.Logf("%g %%: %.2f %% failed", 100*weight, 100*failed)
		if failed > .01 {
			t.Errorf("%.2f %% of the healthy routes failed at %g %%, want at most 1 %%", 100*failed, 100*weight)
		}
	}
}

// A route that goes through its plan while everything is well: what has been found
// at one weight is kept at the next. Regulars come every few seconds.
func TestSimulatedHealthyPlanIsWalked(t *testing.T) {
	for _, c := range []struct {
		rate     float64
		visitors int
		every    int     // requests between two windows
		mostBy   float64 // share of the requests that a twentieth makes
	}{
		{.001, 2_000, 1, 0},
		{.01, 2_000, 1, 0},
		{.01, 100, 1, 0},
		{.3, 2_000, 1, 0},
		{.3, 100, 1, 0},
		{.01, 2_000, 100, 0},
		{.01, 100, 100, 0},
		{.3, 100, 100, 0},
		{.01, 2_000, 100, .8},
		{.05, 2_000, 100, .8},
	} {
		failed := positive(simulateLong(func(seed uint64) int {
			start := shop(0)
			start.visitors, start.every, start.mostBy = c.visitors, c.every, c.mostBy
			return newRoute(start, seed).walk(c.rate)
		}))
		t.Logf("%g %% errors, %d visitors, a twentieth makes %g %%, windows of %d requests: %.2f %% failed",
			100*c.rate, c.visitors, 100*c.mostBy, c.every, 100*failed)
		if failed > .01 {
			t.Errorf("%.2f %% of the healthy routes failed, want at most 1 %%", 100*failed)
		}
	}
}

// walk goes from 0 to 100 %, and returns at which weight the route failed; 0: at none.
func (s *route) walk(rate float64) int {
	s.until(rates{rate, rate}, 20_000)
	s.ceilings.Baseline = sequential.Baseline(s.report().Total.Legacy)
	for _, weight := range []float64{.01, .05, .25, .5, .9, 1} {
		s.move(weight)
		if s.until(rates{rate, rate}, 10_000) > 0 {
			return int(100 * weight)
		}
	}
	return 0
}

func TestSimulatedFaultsAreFound(t *testing.T) {
	for _, c := range []struct {
		weight, legacy, fresh float64
		within                int // requests in total, at the median
	}{
		{.01, .01, .1, 8_000},
		{.05, .01, .05, 5_000},
		{.05, .01, .1, 2_000},
		{.25, .01, .02, 20_000},
		{.25, .01, .05, 2_000},
		{.25, .01, .3, 150},
		{.5, .01, .02, 20_000},
		{.5, .01, .05, 1_500},
		{.25, 0, .01, 4_000},
	} {
		found := simulate(func(seed uint64) int {
			return newRoute(shop(c.weight), seed).until(rates{c.legacy, c.fresh}, 200_000)
		})
		middle := quantile(found, .5)
		t.Logf("%g %% weight, errors %g %% and %g %%: %d requests at the median, %d in 95 %%, %.2f %% never",
			100*c.weight, 100*c.legacy, 100*c.fresh, middle, quantile(found, .95), 100-100*positive(found))
		if middle == 0 || middle > c.within {
			t.Errorf("%g %% weight, errors %g %% and %g %%: found after %d requests at the median, want at most %d",
				100*c.weight, 100*c.legacy, 100*c.fresh, middle, c.within)
		}
	}
}

// dies returns how many events of new it takes to find that all of it fails, after
// so many requests when all was well; the route fails already then: 0.
func (s *route) dies(healthy int) int {
	if s.until(rates{.01, .01}, healthy) > 0 {
		return 0
	}
	before := s.report().Total.New.Events
	s.until(rates{.01, 1}, 100_000)
	return int(s.report().Total.New.Events - before)
}

func TestSimulatedDeadSideIsFound(t *testing.T) {
	for _, c := range []struct {
		weight  float64
		healthy int
		within  int // events on new, in each run
	}{
		{.01, 0, 12},
		{.05, 0, 12},
		{.25, 0, 12},
		{.5, 0, 30},
		{.75, 0, 60},
		{.01, 200_000, 30},
		{.05, 200_000, 30},
		{.25, 200_000, 30},
		{.5, 200_000, 60},
		{.75, 200_000, 120},
	} {
		times := simulate
		if c.healthy > 0 {
			times = simulateLong
		}
		found := times(func(seed uint64) int { return newRoute(shop(c.weight), seed).dies(c.healthy) })
		most := found[len(found)-1]
		t.Logf("%g %% weight after %d healthy requests: %d events at the median, %d at most; %.2f %% failed before",
			100*c.weight, c.healthy, quantile(found, .5), most, 100-100*positive(found))
		if most > c.within || positive(found) < .99 {
			t.Errorf("%g %% weight after %d healthy requests: found after %v events, want at most %d",
				100*c.weight, c.healthy, found, c.within)
		}
	}
}

// atFull is a route that new serves alone, after legacy has.
func atFull(seed uint64, weight float64) *route {
	s := newRoute(shop(0), seed)
	s.until(rates{.01, .01}, 50_000)
	s.ceilings.Baseline = sequential.Baseline(s.report().Total.Legacy)
	s.move(weight)
	return s
}

func TestSimulatedBaseline(t *testing.T) {
	for _, c := range []struct {
		weight          float64
		healthy, within int // requests; events on new, in each run
	}{{.95, 20_000, 30}, {1, 0, 12}, {1, 200_000, 30}} {
		found := simulateLong(func(seed uint64) int { return atFull(seed, c.weight).dies(c.healthy) })
		most := found[len(found)-1]
		t.Logf("%g %% weight after %d healthy requests: %d events at the median, %d at most; %.2f %% failed before",
			100*c.weight, c.healthy, quantile(found, .5), most, 100-100*positive(found))
		if most > c.within || positive(found) < .99 {
			t.Errorf("%g %% weight after %d healthy requests: found after %v events, want at most %d",
				100*c.weight, c.healthy, found, c.within)
		}
	}
	found := simulateLong(func(seed uint64) int { return atFull(seed, 1).until(rates{.01, .05}, 20_000) })
	t.Logf("100 %% weight, errors 5 %% instead of 1 %%: %d requests at the median, %d in 95 %%", quantile(found, .5), quantile(found, .95))
	if middle := quantile(found, .5); middle == 0 || middle > 1_000 {
		t.Errorf("five times the baseline was found after %d requests at the median, want at most 1,000", middle)
	}
}

func TestSimulatedParity(t *testing.T) {
	parity := sequential.Parity{Limit: .01}
	const most = 20_000
	for _, c := range []struct{ rate, atLeast, atMost float64 }{{.001, .99, 1}, {.005, .95, 1}, {.012, 0, .05}} {
		found := simulate(func(seed uint64) int {
			r := rand.New(rand.NewPCG(seed, 12))
			mismatched := uint64(0)
			for n := range uint64(most) {
				if r.Float64() < c.rate {
					mismatched++
				} else if n%50 != 0 {
					continue // looking is dear
				}
				if parity.Judge(n+1, mismatched).Verdict == sequential.Pass {
					return int(n + 1)
				}
			}
			return 0
		})
		passed := positive(found)
		t.Logf("%g %% mismatches, limit 1 %%: %.2f %% passed, at the median after %d", 100*c.rate, 100*passed, quantile(found, .5))
		if passed < c.atLeast || passed > c.atMost {
			t.Errorf("%g %% mismatches passed in %.2f %% of the runs, want %g to %g %%", 100*c.rate, 100*passed, 100*c.atLeast, 100*c.atMost)
		}
	}
}

// What docs/statistics.md says that a watch cannot see: a client who makes much of
// the traffic has an error in nearly every minute, and counts as one exposure. On
// legacy that does no harm; on new it looks like new's fault.
func TestSimulatedHeavyClientOnNew(t *testing.T) {
	heavy := shop(.05)
	heavy.heavy = .4
	failed := positive(simulate(func(seed uint64) int {
		s := newRoute(heavy, seed)
		s.onNew[0] = true
		return s.until(rates{.01, .01}, 20_000)
	}))
	t.Logf("%.2f %% failed", 100*failed)
	if failed < .5 {
		t.Errorf("only %.2f %% failed: docs/statistics.md warns of something that is not so", 100*failed)
	}
}
