package sequential_test

import (
	"errors"
	"math"
	"testing"

	"github.com/stranglerfig/strangler/internal/rollout/sequential"
)

func TestParityWithoutMismatches(t *testing.T) {
	for limit, want := range map[float64]uint64{.05: 66, .01: 335, .001: 3_363} {
		parity := sequential.Parity{Limit: limit}
		least := uint64(0)
		for parity.Judge(least, 0).Verdict != sequential.Pass {
			least++
		}
		if least != want {
			t.Errorf("limit %g passes after %d comparisons, want %d", limit, least, want)
		}
		for n := range least {
			if f := parity.Judge(n, 0).Forecast; f.Verdict != sequential.Pass || f.More != least-n {
				t.Fatalf("limit %g: after %d comparisons it foresees %+v, want a pass after %d more", limit, n, f, least-n)
			}
		}
	}
}

func TestParityAtItsBounds(t *testing.T) {
	for _, c := range []struct {
		compared, mismatched uint64
		want                 sequential.Verdict
		forecast             sequential.Verdict
	}{
		{0, 0, sequential.Insufficient, sequential.Pass},
		{334, 0, sequential.Insufficient, sequential.Pass},
		{335, 0, sequential.Pass, sequential.Pass},
		{335, 1, sequential.Insufficient, sequential.Pass},
		{1_000, 10, sequential.Insufficient, sequential.Insufficient}, // at the limit for ever
		{100_000_000, 1_000_000, sequential.Insufficient, sequential.Insufficient},
		{100_000_000, 990_000, sequential.Pass, sequential.Pass},
		{100_000_000, 1_010_000, sequential.Fail, sequential.Fail},
		{100, 1, sequential.Insufficient, sequential.Insufficient},
		{100, 3, sequential.Insufficient, sequential.Fail},
		{100, 10, sequential.Fail, sequential.Fail},
		{10, 10, sequential.Fail, sequential.Fail},
		{3, 10, sequential.Fail, sequential.Fail}, // as 10 of 10
	} {
		got := sequential.Parity{Limit: .01}.Judge(c.compared, c.mismatched)
		if got.Verdict != c.want || got.Forecast.Verdict != c.forecast {
			t.Errorf("%d of %d: %s, then %s, want %s, then %s",
				c.mismatched, c.compared, got.Verdict, got.Forecast.Verdict, c.want, c.forecast)
		}
	}
}

// The forecast is where the verdict comes when mismatches go on evenly.
func TestParityForecastComesTrue(t *testing.T) {
	parity := sequential.Parity{Limit: .01}
	for _, c := range []struct{ compared, mismatched uint64 }{{200, 1}, {1_000, 8}, {500, 8}, {50_000, 490}} {
		f := parity.Judge(c.compared, c.mismatched).Forecast
		at := func(n uint64) sequential.Verdict {
			return parity.Judge(n, uint64(math.Round(float64(n)*float64(c.mismatched)/float64(c.compared)))).Verdict
		}
		near := 2*c.compared/c.mismatched + f.More/50 // counts are whole
		if f.More == 0 || at(c.compared+f.More+near) != f.Verdict || at(c.compared+f.More-near) != sequential.Insufficient {
			t.Errorf("%d of %d: it foresees %+v, and it comes to %s, and before to %s", c.mismatched, c.compared, f,
				at(c.compared+f.More+near), at(c.compared+f.More-near))
		}
	}
}

// evidence is what excludes a share q, by numbers: the integral over u = p^¼, in
// which nothing goes to infinity, relative to the likelihood of q.
func evidence(limit, n, x, q float64) float64 {
	a, b := .25, 1/limit
	density := func(u float64) float64 {
		p := u * u * u * u
		likelihood := x*math.Log(p/q) + (n-x)*(math.Log1p(-p)-math.Log1p(-q))
		if x == 0 {
			likelihood = n * (math.Log1p(-p) - math.Log1p(-q))
		}
		return math.Exp((b-1)*math.Log1p(-p)+likelihood) * 4 // p^(a−1) dp = 4 du
	}
	const steps = 200_000
	sum := 0.0
	for i := range steps {
		sum += density((float64(i) + .5) / steps)
	}
	ga, _ := math.Lgamma(a)
	gb, _ := math.Lgamma(b)
	gab, _ := math.Lgamma(a + b)
	return sum / steps / math.Exp(ga+gb-gab)
}

func TestParityIntervalIsWhereEvidenceReachesItsBound(t *testing.T) {
	for _, c := range []struct{ limit, n, x float64 }{{.01, 335, 0}, {.01, 1_000, 3}, {.05, 100, 7}, {.001, 20_000, 30}} {
		got := sequential.Parity{Limit: c.limit}.Judge(uint64(c.n), uint64(c.x))
		if c.x == 0 && got.Low != 0 {
			t.Errorf("%g of %g: from %g, want 0", c.x, c.n, got.Low)
		}
		for _, end := range []float64{got.Low, got.High} {
			if e := evidence(c.limit, c.n, c.x, end); end > 0 && math.Abs(e-20) > .02 {
				t.Errorf("%g of %g: the evidence against %g is %g, want 20", c.x, c.n, end, e)
			}
		}
	}
	if all := (sequential.Parity{Limit: .01}).Judge(0, 0); all.Low != 0 || all.High != 1 {
		t.Errorf("of nothing: %g to %g, want 0 to 1", all.Low, all.High)
	}
	if most := (sequential.Parity{Limit: .01}).Judge(20, 20); most.High != 1 || most.Low < .05 {
		t.Errorf("of 20 mismatches in 20: %g to %g", most.Low, most.High)
	}
}

func TestParityThatCannotBeJudged(t *testing.T) {
	for _, p := range []sequential.Parity{
		{}, {Limit: 1}, {Limit: -1}, {Limit: math.NaN()}, {Limit: .01, Alpha: 1}, {Limit: .01, Alpha: -1}, {Limit: .01, Alpha: math.NaN()},
	} {
		if err := p.Validate(); !errors.Is(err, sequential.ErrParity) {
			t.Errorf("%+v: %v", p, err)
		}
		if got := p.Judge(1_000_000, 0); got.Verdict != sequential.Insufficient || got.High != 1 {
			t.Errorf("%+v: %+v", p, got)
		}
	}
	if err := (sequential.Parity{Limit: .01, Alpha: .01}).Validate(); err != nil {
		t.Error(err)
	}
}

func TestBaseline(t *testing.T) {
	for _, c := range []struct {
		legacy sequential.Count
		want   float64
	}{
		{sequential.Count{}, 1},
		{sequential.Count{Exposures: 1}, .99},
		{sequential.Count{Exposures: 100}, 1 - math.Pow(.01, .01)},
		{sequential.Count{Exposures: 1_000, Events: 1_000}, 1},
		{sequential.Count{Exposures: 100_000_000, Events: 1_000_000}, .0100302},
	} {
		if got := sequential.Baseline(c.legacy); math.Abs(got-c.want) > 1e-7 {
			t.Errorf("%+v: %.7f, want %.7f", c.legacy, got, c.want)
		}
	}
}
