package stats_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/stats"
)

// spreads are ways in which durations lie. All stay within a histogram's range.
var spreads = map[string]func(*rand.Rand) time.Duration{
	"evenly in a second": func(r *rand.Rand) time.Duration { return time.Duration(1e3 + r.Int64N(1e9)) },
	"over all magnitudes": func(r *rand.Rand) time.Duration {
		return time.Duration(math.Exp(math.Log(1e3) + r.Float64()*math.Log(3.6e9)))
	},
	"like answers of a backend": func(r *rand.Rand) time.Duration {
		return time.Millisecond + time.Duration(2e7*math.Exp(r.NormFloat64()))
	},
	"two of them": func(r *rand.Rand) time.Duration {
		return []time.Duration{1003 * time.Microsecond, 40 * time.Second}[r.IntN(2)]
	},
	"only one": func(*rand.Rand) time.Duration { return 31 * time.Millisecond },
}

func TestQuantilesAreWithinTheirBounds(t *testing.T) {
	for name, draw := range spreads {
		t.Run(name, func(t *testing.T) {
			for _, n := range []int{1, 2, 7, 100, 20_000} {
				random := rand.New(rand.NewPCG(1, uint64(n)))
				var h stats.Histogram
				exact := make([]time.Duration, n)
				for i := range exact {
					exact[i] = draw(random)
					h.Record(exact[i])
				}
				slices.Sort(exact)
				for _, percent := range []int{0, 1, 7, 50, 90, 95, 99, 100} {
					want := exact[max((percent*n+99)/100, 1)-1]
					got := h.Quantile(float64(percent) / 100)
					if got.Low > want || want >= got.High {
						t.Errorf("percentile %d of %d lies in [%v, %v), and is %v", percent, n, got.Low, got.High, want)
					}
					if off := math.Abs(float64(got.Value-want)) / float64(want); off > 0.016 {
						t.Errorf("percentile %d of %d is %v instead of %v: off by %.2f %%", percent, n, got.Value, want, 100*off)
					}
				}
			}
		})
	}
}

func TestAQuantileOutsideZeroAndOneIsTheNearest(t *testing.T) {
	var h stats.Histogram
	h.Record(time.Millisecond)
	h.Record(time.Second)
	for q, want := range map[float64]float64{-1: 0, math.Inf(-1): 0, 2: 1, math.Inf(1): 1} {
		if got := h.Quantile(q); got != h.Quantile(want) {
			t.Errorf("quantile %v is %v, want that of %v", q, got, want)
		}
	}
	if got := h.Quantile(math.NaN()); got != h.Quantile(0) {
		t.Errorf("the quantile of no number is %v, want the least", got)
	}
}

func TestWhatIsTooShortOrTooLongCountsAtTheEnds(t *testing.T) {
	for _, c := range []struct{ recorded, as time.Duration }{
		{-time.Second, time.Microsecond},
		{0, time.Microsecond},
		{999, time.Microsecond},
		{time.Hour + 1, time.Hour},
		{math.MaxInt64, time.Hour},
	} {
		var got, want stats.Histogram
		got.Record(c.recorded)
		want.Record(c.as)
		if got.Quantile(1) != want.Quantile(1) || got.Count() != 1 {
			t.Errorf("%v counts as %v, want as %v", c.recorded, got.Quantile(1), want.Quantile(1))
		}
	}
}

func TestAnEmptyHistogramSaysNothing(t *testing.T) {
	var h, other stats.Histogram
	h.Merge(&other)
	if got := h.Quantile(0.5); got != (stats.Quantile{}) || h.Count() != 0 || h.Over(0) != 0 {
		t.Errorf("quantile %v, count %d, over %d: want nothing", got, h.Count(), h.Over(0))
	}
}

func TestOverCountsWhatIsLongerForCertain(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 0))
	var h stats.Histogram
	exact := make([]time.Duration, 10_000)
	for i := range exact {
		exact[i] = spreads["over all magnitudes"](random)
		h.Record(exact[i])
	}
	longer := func(d time.Duration) (n uint64) {
		for _, e := range exact {
			if e >= d {
				n++
			}
		}
		return n
	}
	for i := range 1000 {
		d := exact[i]
		if got, most, least := h.Over(d), longer(d), longer(d+d/32+1); got > most || got < least {
			t.Errorf("%d are over %v, want %d to %d", got, d, least, most)
		}
	}
	for _, bound := range []time.Duration{h.Quantile(0.95).Low, h.Quantile(0.95).High} {
		if got, want := h.Over(bound), longer(bound); got != want {
			t.Errorf("%d are over the bound %v, want %d", got, bound, want)
		}
	}
	if got := h.Over(500); got != 10_000 {
		t.Errorf("%d of 10000 are over half a microsecond, want all", got)
	}
	if got := h.Over(2 * time.Hour); got != 0 {
		t.Errorf("%d are over two hours, want none", got)
	}
}
