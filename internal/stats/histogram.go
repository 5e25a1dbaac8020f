package stats

import (
	"math"
	"math/bits"
	"slices"
	"time"
)

// The shape of every histogram: each power of two from 2⁹ to 2⁴² ns is cut into
// 32 buckets of one width, so that a bucket is at most 1/32 as wide as what is in
// it is long (log-linear, as HdrHistogram: Tene, hdrhistogram.org).
const (
	cut         = 5 // log2 of the buckets of an octave
	perOctave   = 1 << cut
	firstOctave = 9 // of a microsecond
	octaves     = 33
	buckets     = octaves * perOctave

	shortest = time.Microsecond
	longest  = time.Hour
)

// Histogram counts durations from 1 µs to 1 h; what is shorter or longer counts
// as one of these. The zero value is empty. One that holds anything takes 8,448
// bytes, however much that is. It is not safe for concurrent use.
type Histogram struct {
	counts []uint64 // by bucket; nil: nothing was counted
}

// bucketOf returns the bucket that d belongs to.
func bucketOf(d time.Duration) int {
	ns := uint64(min(max(d, shortest), longest))
	octave := bits.Len64(ns) - 1
	return (octave-firstOctave)*perOctave + int(ns>>(octave-cut))%perOctave
}

// floor returns the shortest duration of a bucket. That of the one after the last
// ends the last.
func floor(bucket int) time.Duration {
	octave := bucket/perOctave + firstOctave
	return time.Duration(perOctave+bucket%perOctave) << (octave - cut)
}

// Record counts one duration.
func (h *Histogram) Record(d time.Duration) {
	h.add(bucketOf(d), 1)
}

func (h *Histogram) add(bucket int, n uint64) {
	if h.counts == nil {
		h.counts = make([]uint64, buckets)
	}
	h.counts[bucket] += n
}

// Merge counts what other has counted as well. Other stays as it is.
func (h *Histogram) Merge(other *Histogram) {
	if h.counts == nil {
		h.counts = slices.Clone(other.counts)
		return
	}
	for bucket, n := range other.counts {
		h.counts[bucket] += n
	}
}

// Count returns how many durations were counted.
func (h *Histogram) Count() uint64 {
	return sum(h.counts)
}

// Over returns how many durations were d or longer for certain. Where d is a bound
// of a Quantile, that is all of them; elsewhere those are left out that share d's
// bucket, and are longer than d by less than 1/32.
func (h *Histogram) Over(d time.Duration) uint64 {
	if h.counts == nil {
		return 0
	}
	first := bucketOf(d)
	if d > floor(first) {
		first++
	}
	return sum(h.counts[first:])
}

func sum(counts []uint64) (total uint64) {
	for _, n := range counts {
		total += n
	}
	return total
}

// Quantile is where a share of the durations ends.
type Quantile struct {
	Value     time.Duration // within 1.6 % of the exact one
	Low, High time.Duration // the exact one is Low at least, and shorter than High
}

// Quantile returns the shortest of the counted durations that at least the share
// q of them does not exceed (the nearest rank), as exactly as the buckets tell.
// Below 0, q is taken for 0, and above 1 for 1. Where nothing was counted, all is
// 0.
func (h *Histogram) Quantile(q float64) Quantile {
	total := h.Count()
	if total == 0 {
		return Quantile{}
	}
	rank := rankOf(q, total)
	bucket := 0
	for seen := h.counts[0]; seen < rank; seen += h.counts[bucket] {
		bucket++
	}
	low, high := floor(bucket), floor(bucket+1)
	return Quantile{Value: low + (high-low)/2, Low: low, High: high}
}

// rankOf returns how many of total the share q is, at least one. 0.07 of 100 is
// 7, although their product is a little more in floating point.
func rankOf(q float64, total uint64) uint64 {
	const epsilon = 1e-15
	if !(q > 0) { // NaN is not either
		return 1
	}
	rank := math.Ceil(min(q, 1) * float64(total) * (1 - epsilon))
	return min(max(uint64(rank), 1), total)
}
