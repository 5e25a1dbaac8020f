package compare

import (
	"cmp"
	"slices"
)

// align pairs the elements of two lists without changing their order, in time
// that grows with n log n: those at both ends that are equal, then those in
// between that are equal and there only once (as patience diff does, for the
// longest rising run of them), and between two of these what is equal at both
// ends and the rest in turn. Lists of one length are paired by place, unless
// more than half of what differs is equal at another.
func align(legacy, fresh []uint64) matching {
	m := newMatching(len(legacy), len(fresh))
	whole := stretch{0, len(legacy), 0, len(fresh)}
	middle := m.trim(legacy, fresh, whole)
	if middle.isOneSided() {
		return m
	}
	anchors := risingAnchors(legacy, fresh, middle)
	if len(legacy) == len(fresh) && 2*len(anchors) <= middle.legacyEnd-middle.legacy {
		m.abreast(middle)
		return m
	}
	for _, a := range append(anchors, anchor{middle.legacyEnd, middle.freshEnd}) {
		gap := m.trim(legacy, fresh, stretch{middle.legacy, a.legacy, middle.fresh, a.fresh})
		m.abreast(gap)
		if a.legacy < middle.legacyEnd {
			m.pair(a.legacy, a.fresh)
		}
		middle.legacy, middle.fresh = a.legacy+1, a.fresh+1
	}
	return m
}

// stretch is a part of both lists; each end is the first behind it.
type stretch struct{ legacy, legacyEnd, fresh, freshEnd int }

func (s stretch) isOneSided() bool { return s.legacy == s.legacyEnd || s.fresh == s.freshEnd }

// trim pairs what is equal at both ends and returns what lies between.
func (m *matching) trim(legacy, fresh []uint64, s stretch) stretch {
	for !s.isOneSided() && legacy[s.legacy] == fresh[s.fresh] {
		m.pair(s.legacy, s.fresh)
		s.legacy++
		s.fresh++
	}
	for !s.isOneSided() && legacy[s.legacyEnd-1] == fresh[s.freshEnd-1] {
		s.legacyEnd--
		s.freshEnd--
		m.pair(s.legacyEnd, s.freshEnd)
	}
	return s
}

// abreast pairs a stretch by place, as far as both sides go.
func (m *matching) abreast(s stretch) {
	for !s.isOneSided() {
		m.pair(s.legacy, s.fresh)
		s.legacy++
		s.fresh++
	}
}

type anchor struct{ legacy, fresh int }

// risingAnchors returns the longest run of elements that are in the stretch
// once on both sides and in the same order.
func risingAnchors(legacy, fresh []uint64, s stretch) []anchor {
	ls, fs := lonely(legacy, s.legacy, s.legacyEnd), lonely(fresh, s.fresh, s.freshEnd)
	var common []anchor
	for len(ls) > 0 && len(fs) > 0 {
		switch cmp.Compare(legacy[ls[0]], fresh[fs[0]]) {
		case -1:
			ls = ls[1:]
		case 1:
			fs = fs[1:]
		default:
			common = append(common, anchor{int(ls[0]), int(fs[0])})
			ls, fs = ls[1:], fs[1:]
		}
	}
	slices.SortFunc(common, func(a, b anchor) int { return cmp.Compare(a.legacy, b.legacy) })
	return longestRising(common)
}

// lonely returns the places of those elements that occur once, by hash.
func lonely(hashes []uint64, begin, end int) []int32 {
	order := make([]int32, 0, end-begin)
	for i := begin; i < end; i++ {
		order = append(order, int32(i))
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(hashes[a], hashes[b]) })
	kept := order[:0]
	for i := 0; i < len(order); {
		next := i + 1
		for next < len(order) && hashes[order[next]] == hashes[order[i]] {
			next++
		}
		if next == i+1 {
			kept = append(kept, order[i])
		}
		i = next
	}
	return kept
}

// longestRising returns the longest run of anchors whose places in new rise, by
// patience sorting. They come sorted by their places in legacy.
func longestRising(common []anchor) []anchor {
	var piles []int32 // the anchor on top of each
	before := make([]int32, len(common))
	for i, a := range common {
		at, _ := slices.BinarySearchFunc(piles, a.fresh, func(top int32, fresh int) int { return cmp.Compare(common[top].fresh, fresh) })
		before[i] = -1
		if at > 0 {
			before[i] = piles[at-1]
		}
		if at == len(piles) {
			piles = append(piles, 0)
		}
		piles[at] = int32(i)
	}
	run := make([]anchor, len(piles), len(piles)+1)
	for i, at := len(piles)-1, int32(-1); i >= 0; i-- {
		if at < 0 {
			at = piles[i]
		}
		run[i] = common[at]
		at = before[at]
	}
	return run
}
