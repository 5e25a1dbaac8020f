package stats_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/stats"
)

// distinctOf returns what counted these hashes.
func distinctOf(hashes ...uint64) *stats.Distinct {
	var d stats.Distinct
	for _, h := range hashes {
		d.Add(h)
	}
	return &d
}

// union returns what counted all that these did.
func union(parts ...*stats.Distinct) *stats.Distinct {
	var d stats.Distinct
	for _, p := range parts {
		d.Merge(p)
	}
	return &d
}

var unexported = gocmp.AllowUnexported(stats.Distinct{}, stats.Histogram{})

func draw(r *rand.Rand, n int) []uint64 {
	hashes := make([]uint64, n)
	for i := range hashes {
		hashes[i] = r.Uint64()
	}
	return hashes
}

func TestFewHashesAreCountedExactly(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 0))
	for _, n := range []int{0, 1, 12, 500, 1023, 1024} {
		hashes := draw(random, n)
		twice := append(slices.Clone(hashes), hashes...)
		random.Shuffle(len(twice), func(i, j int) { twice[i], twice[j] = twice[j], twice[i] })
		got := distinctOf(twice...).Count()
		if n < stats.DistinctExact && got != uint64(n) {
			t.Errorf("%d hashes, each twice, are counted as %d", n, got)
		}
		if n == stats.DistinctExact && (got < 1024 || got > 1030) {
			t.Errorf("%d hashes are counted as %d", n, got)
		}
	}
}

func TestManyHashesAreCountedWithinTheStandardError(t *testing.T) {
	const runs = 200
	for _, n := range []int{2000, 20_000} {
		var total, squares float64
		for seed := range uint64(runs) {
			random := rand.New(rand.NewPCG(4, seed))
			var d stats.Distinct
			for range n {
				d.Add(random.Uint64())
			}
			off := float64(d.Count())/float64(n) - 1
			total, squares = total+off, squares+off*off
		}
		stated := math.Sqrt((1 - stats.DistinctExact/float64(n)) / (stats.DistinctExact - 2)) // less for few beyond the exact
		if bias := total / runs; math.Abs(bias) > 3*stated/math.Sqrt(runs) {
			t.Errorf("%d are counted with a bias of %.3f %%", n, 100*bias)
		}
		if deviation := math.Sqrt(squares / runs); deviation > 1.15*stated || deviation < 0.85*stated {
			t.Errorf("%d are counted with a standard error of %.2f %%, want %.2f %%", n, 100*deviation, 100*stated)
		}
	}
}

func TestMoreHashesNeverCountLess(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 0))
	var d stats.Distinct
	before := uint64(0)
	for i := range 10_000 {
		d.Add(random.Uint64())
		if now := d.Count(); now < before {
			t.Fatalf("%d hashes are counted as %d, one less as %d", i+1, now, before)
		}
		before = d.Count()
	}
}

func TestMergingIsCountingTogether(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(6, seed))
		all := draw(random, 1+random.IntN(5000))
		some := func() []uint64 {
			part := make([]uint64, random.IntN(3000))
			for i := range part {
				part[i] = all[random.IntN(len(all))]
			}
			return part
		}
		x, y, z := some(), some(), some()
		a, b, c := distinctOf(x...), distinctOf(y...), distinctOf(z...)
		want := distinctOf(slices.Concat(x, y, z)...)
		for name, got := range map[string]*stats.Distinct{
			"(a b) c": union(union(a, b), c), "a (b c)": union(a, union(b, c)), "c b a": union(c, b, a), "a a b b c": union(a, a, b, b, c),
		} {
			if diff := gocmp.Diff(want, got, unexported); diff != "" {
				t.Fatalf("seed %d, %s (-together +merged):\n%s", seed, name, diff)
			}
		}
		if diff := gocmp.Diff(distinctOf(y...), b, unexported); diff != "" {
			t.Fatalf("seed %d: what was merged into another has changed:\n%s", seed, diff)
		}
	}
}

func TestAMergedDistinctIsNotChangedThroughTheOther(t *testing.T) {
	a, b := distinctOf(), distinctOf(5, 7, 9) // which leaves room for a fourth
	a.Merge(b)
	a.Add(1)
	if diff := gocmp.Diff(distinctOf(5, 7, 9), b, unexported); diff != "" {
		t.Errorf("the other (-before +after):\n%s", diff)
	}
	if a.Count() != 4 {
		t.Errorf("%d hashes, want 4", a.Count())
	}
}

func TestSettledMinutesAddUp(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 0))
	var hour stats.Distinct
	want := uint64(0)
	for _, keys := range []int{3, 0, 700, 5000, 20_000} {
		minute := distinctOf(draw(random, keys)...)
		want += minute.Count()
		minute.Settle()
		hour.Merge(minute)
		hour.Settle()
	}
	if hour.Count() != want {
		t.Errorf("%d in all minutes, want %d", hour.Count(), want)
	}
	same := distinctOf(1, 2)
	hour.Merge(same)
	hour.Merge(same)
	if hour.Count() != want+2 {
		t.Errorf("%d after two more that have not settled, want %d", hour.Count(), want+2)
	}
}

func TestTheSmallestHashesOfAllAreCounted(t *testing.T) {
	var d stats.Distinct
	for h := range uint64(2000) {
		d.Add(h)
	}
	if got := d.Count(); got != 1<<48 {
		t.Errorf("%d, want the most that a window counts", got)
	}
}
