package noise_test

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stranglerfig/strangler/internal/shadow/noise"
)

func TestVerdictsAtTheirBounds(t *testing.T) {
	for _, c := range []struct {
		both, fresh, legacy uint64
		want                noise.Verdict
	}{
		{0, 0, 0, noise.Undecided},
		{0, 19, 0, noise.Undecided},
		{19, 0, 0, noise.Undecided},
		{6, 7, 6, noise.Undecided},
		{0, 20, 0, noise.Real}, // legacy never differed from itself
		{20, 0, 0, noise.Noise},
		{0, 0, 20, noise.Noise},
		{0, 10, 10, noise.Noise},
		{100, 8, 0, noise.Noise}, // 2⁹/9 = 57
		{100, 9, 0, noise.Real},  // 2¹⁰/10 = 102
		{100, 0, 9, noise.Noise},
		{1_000_000, 5_000, 5_000, noise.Noise},
		{0, 5_000_000, 5_000_000, noise.Noise},
		{0, 5_010_000, 4_990_000, noise.Real},        // 6.3 standard deviations
		{0, 5_004_000, 4_996_000, noise.Noise},       // 2.5
		{0, 1 << 39, 1<<39 - 10_000_000, noise.Real}, // 9.5, of 10¹² pairs
	} {
		if got := noise.Judge(c.both, c.fresh, c.legacy); got != c.want {
			t.Errorf("both %d, fresh %d, legacy %d: %s, want %s", c.both, c.fresh, c.legacy, got, c.want)
		}
	}
}

// exact is the evidence by integers alone: 2·∫pᵇ(1−p)ᶜ over ½ to 1, times 2ⁿ, is
// 2·b!·c!/(n+1)! times the sum of the binomial coefficients of n+1 up to b.
func exact(b, c int64) *big.Rat {
	sum := new(big.Int)
	for k := range b + 1 {
		sum.Add(sum, new(big.Int).Binomial(b+c+1, k))
	}
	factorial := func(n int64) *big.Int { return new(big.Int).MulRange(1, n) }
	above := new(big.Int).Mul(factorial(b), factorial(c))
	return new(big.Rat).SetFrac(above.Mul(above, sum), factorial(b+c+1))
}

func TestEvidenceIsExact(t *testing.T) {
	hundred := big.NewRat(100, 1)
	reals := 0
	for b := range int64(61) {
		for c := range int64(61) {
			want := noise.Noise
			if exact(b, c).Cmp(hundred) >= 0 {
				want = noise.Real
				reals++
			}
			if got := noise.Judge(noise.MinPairs, uint64(b), uint64(c)); got != want {
				e, _ := exact(b, c).Float64()
				t.Errorf("%d against %d: %s, want %s at evidence %g", b, c, got, want, e)
			}
		}
	}
	if reals < 500 {
		t.Errorf("only %d of the cases are real", reals)
	}
}

// On which side of the bound a case is found is exact as well for more pairs than
// can be tried one by one.
func TestBoundOfManyPairsIsExact(t *testing.T) {
	hundred := big.NewRat(100, 1)
	for _, c := range []int64{300, 1_000} {
		least := c
		for noise.Judge(noise.MinPairs, uint64(least), uint64(c)) != noise.Real {
			least++
		}
		if exact(least, c).Cmp(hundred) < 0 || exact(least-1, c).Cmp(hundred) >= 0 {
			t.Errorf("%d against %d is the first that is called real, and it is not", least, c)
		}
	}
}

// field is one field of a service, as both sides answer it; the numbers are the
// chances that an answer has another value than it should.
type field struct {
	perAnswer  float64 // by chance, each time anew
	perRequest float64 // by chance, in all answers to one request
	wrong      float64 // on new alone
}

type tally struct{ both, fresh, legacy uint64 }

// ask asks legacy twice and new once.
func (f field) ask(r *rand.Rand, seen *tally) {
	everywhere := r.Float64() < f.perRequest
	random := func() bool { return everywhere || r.Float64() < f.perAnswer }
	first, second, fresh := random(), random(), random() || r.Float64() < f.wrong
	switch fromItself, fromNew := first || second, first || fresh; {
	case fromItself && fromNew:
		seen.both++
	case fromNew:
		seen.fresh++
	case fromItself:
		seen.legacy++
	}
}

// firstReal is after how many requests a field is called real, looking after
// each; 0: never.
func (f field) firstReal(seed uint64, requests int) int {
	r := rand.New(rand.NewPCG(seed, 5))
	var seen tally
	for i := 1; i <= requests; i++ {
		f.ask(r, &seen)
		if noise.Judge(seen.both, seen.fresh, seen.legacy) == noise.Real {
			return i
		}
	}
	return 0
}

// Of 200 runs half reported a field that is random in half of the answers within
// 4,800 requests, and all within 13,200; random on half of the requests, within 180
// and 380.
func TestFaultUnderNoiseIsReported(t *testing.T) {
	for name, c := range map[string]struct {
		field  field
		within int
	}{
		"random in half of the answers":      {field{perAnswer: .5, wrong: .1}, 15_000},
		"random on half of the requests":     {field{perRequest: .5, wrong: .1}, 400},
		"random in a tenth of the answers":   {field{perAnswer: .1, wrong: .1}, 2_000},
		"never random":                       {field{wrong: .1}, 400},
		"another type beside a random value": {field{wrong: 1}, noise.MinPairs},
	} {
		for seed := range uint64(50) {
			if c.field.firstReal(seed, c.within) == 0 {
				t.Errorf("%s: not reported within %d requests (seed %d)", name, c.within, seed)
			}
		}
	}
}

func TestPureNoiseIsHardlyEverReported(t *testing.T) {
	for name, f := range map[string]field{
		"in half of the answers":    {perAnswer: .5},
		"in a tenth of the answers": {perAnswer: .1},
		"in most of the answers":    {perAnswer: .9},
	} {
		reported := 0
		for seed := range uint64(1000) {
			if f.firstReal(seed, 500) > 0 {
				reported++
			}
		}
		if reported > 10 {
			t.Errorf("random %s: reported in %d of 1000 runs, want at most 10", name, reported)
		}
	}
}

func TestAlwaysRandomIsNoise(t *testing.T) {
	var seen tally
	r := rand.New(rand.NewPCG(1, 5))
	for i := range 10_000 {
		field{perAnswer: 1, wrong: .1}.ask(r, &seen)
		want := noise.Noise
		if i+1 < noise.MinPairs {
			want = noise.Undecided
		}
		if got := noise.Judge(seen.both, seen.fresh, seen.legacy); got != want {
			t.Fatalf("after %d: %s, want %s", i+1, got, want)
		}
	}
}

func BenchmarkJudge(b *testing.B) {
	for name, n := range map[string]float64{"a hundred": 100, "ten million": 1e7} {
		b.Run(name, func(b *testing.B) {
			fresh := uint64(n/2 + 2.5*math.Sqrt(n)) // near the bound, where it takes longest
			for b.Loop() {
				noise.Judge(0, fresh, uint64(n)-fresh)
			}
		})
	}
}
