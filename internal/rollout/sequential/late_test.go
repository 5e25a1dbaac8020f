package sequential_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout/sequential"
)

// Two routers serve the same 1,000 visitors at 100 %, who come all the time, and fail as
// often as on legacy. One's clock is behind, or its windows take long: what it saw at a
// minute's end comes after the first of the next minute.
func TestSimulatedLateWindowsAreNoEvidence(t *testing.T) {
	const visitors, slots = 1_000, 12
	ceilings := sequential.Ceilings{Baseline: sequential.Baseline(sequential.Count{Exposures: 50_000, Events: 5_000})}
	failed := positive(simulate(func(seed uint64) int {
		r := rand.New(rand.NewPCG(seed, 14))
		watch, late, fails := new(sequential.Watch), uint64(0), false
		for minute := range 20 {
			begin := time.Unix(int64(minute)*60, 0)
			add := func(slot int, count sequential.Count) {
				from := begin.Add(time.Duration(slot) * 5 * time.Second)
				to := from.Add(5 * time.Second)
				if slot < 0 { // all of that minute was seen, but for this
					from, to = begin.Add(-time.Millisecond), begin
				}
				watch.Add(sequential.Window{From: from, To: to, Step: 1, Weight: 1, New: count, Ceilings: ceilings})
				fails = fails || judge(watch).Verdict == sequential.Fail
			}
			var events [slots]uint64 // one visitor in ten, at any time of the minute
			for range visitors {
				if r.Float64() < .1 {
					events[r.IntN(slots)]++
				}
			}
			// They come in the first seconds of the minute. The last two slots come after the
			// first one of the next minute.
			add(0, sequential.Count{Exposures: visitors, Events: events[0]})
			if minute > 0 {
				add(-1, sequential.Count{Events: late})
			}
			for slot := 1; slot < slots-2; slot++ {
				add(slot, sequential.Count{Events: events[slot]})
			}
			late = events[slots-2] + events[slots-1]
			if fails {
				return minute + 1
			}
		}
		return 0
	}))
	t.Logf("%.2f %% failed", 100*failed)
	if failed > .01 {
		t.Errorf("%.2f %% of the healthy routes failed, want at most 1 %%", 100*failed)
	}
}
