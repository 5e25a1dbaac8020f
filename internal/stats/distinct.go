package stats

import (
	"math"
	"slices"
)

// DistinctExact is below how many hashes a Distinct counts exactly. It keeps as
// many of them.
const DistinctExact = 1024

// mostCounted bounds a number of one Window, so that thousands can be merged before
// a sum overflows. A million requests a second take nine years to get there.
const mostCounted = 1 << 48

// Distinct counts different hashes, each of them once, however often and on
// however many routers it is met. It keeps the 1,024 smallest (k minimum values:
// Bar-Yossef, Jayram, Kumar, Sivakumar and Trevisan, RANDOM 2002): at most 8 KiB.
// Below 1,024 it counts exactly; above, with a standard error of 1/√1022 = 3.1 %
// of what it counted and without bias. The zero value is empty. It is not safe
// for concurrent use.
//
// Hashes must be as good as random, and nobody outside may choose them: whoever
// can make small ones makes the count as large as he likes.
type Distinct struct {
	settled uint64   // what was counted before the hashes were forgotten
	hashes  []uint64 // the smallest, in order
}

// Add counts a hash.
func (d *Distinct) Add(hash uint64) {
	at, known := slices.BinarySearch(d.hashes, hash)
	if known || at == DistinctExact {
		return
	}
	d.hashes = slices.Insert(d.hashes, at, hash)
	d.hashes = d.hashes[:min(len(d.hashes), DistinctExact)]
}

// Merge counts what other has counted as well: a hash of both still once, unless
// one of them has settled it. Other stays as it is.
func (d *Distinct) Merge(other *Distinct) {
	d.settled += other.settled
	switch {
	case len(other.hashes) == 0:
	case len(d.hashes) == 0:
		d.hashes = slices.Clone(other.hashes)
	default:
		d.hashes = union(d.hashes, other.hashes)
	}
}

// union returns the smallest hashes of both, in order, each of them once.
func union(a, b []uint64) []uint64 {
	both := make([]uint64, min(len(a)+len(b), DistinctExact))
	n, i, j := 0, 0, 0
	for n < len(both) && i < len(a) && j < len(b) {
		x, y := a[i], b[j]
		both[n] = min(x, y)
		n++
		if x <= y {
			i++
		}
		if y <= x {
			j++
		}
	}
	n += copy(both[n:], a[i:])
	n += copy(both[n:], b[j:])
	return both[:n]
}

// Count returns how many different hashes were counted. More hashes never make it
// less.
func (d *Distinct) Count() uint64 {
	return d.settled + estimate(d.hashes)
}

// estimate returns how many hashes there were, of which these are the smallest:
// of n that lie evenly between 0 and 1 the k-th smallest has its mean of the
// inverse at n/(k−1).
func estimate(smallest []uint64) uint64 {
	if len(smallest) < DistinctExact {
		return uint64(len(smallest))
	}
	const whole = 1 << 64
	last := float64(smallest[DistinctExact-1])
	n := math.Round((DistinctExact - 1) * (whole / last))
	return uint64(min(max(n, DistinctExact), mostCounted))
}

// Settle keeps the number and forgets the hashes, which leaves 8 bytes. It is for
// hashes that will not be met any more: key-minutes of a minute that is over on
// every router and has been merged. What several minutes have settled adds up,
// and its relative error falls with their number.
func (d *Distinct) Settle() {
	d.settled, d.hashes = d.Count(), nil
}
