package compare

import (
	"cmp"
	"slices"
)

// matching says which elements of two lists belong together. Lists are given as
// the hashes of their elements.
type matching struct {
	fresh  []int32 // by element of legacy: where it is in new's; -1: nowhere
	legacy []int32 // by element of new: where it is in legacy's
}

func newMatching(legacy, fresh int) matching {
	m := matching{fresh: make([]int32, legacy), legacy: make([]int32, fresh)}
	for i := range m.fresh {
		m.fresh[i] = -1
	}
	for i := range m.legacy {
		m.legacy[i] = -1
	}
	return m
}

func (m *matching) pair(l, f int) { m.fresh[l], m.legacy[f] = int32(f), int32(l) }

// byHash pairs those that are equal and have no partner yet, wherever they
// are. Of several that are equal the first goes with the first.
func (m *matching) byHash(legacy, fresh []uint64) {
	for i := 0; i < min(len(legacy), len(fresh)) && legacy[i] == fresh[i]; i++ {
		if m.fresh[i] < 0 && m.legacy[i] < 0 {
			m.pair(i, i)
		}
	}
	ls, fs := sorted(legacy, m.fresh), sorted(fresh, m.legacy)
	for len(ls) > 0 && len(fs) > 0 {
		switch cmp.Compare(legacy[ls[0]], fresh[fs[0]]) {
		case -1:
			ls = ls[1:]
		case 1:
			fs = fs[1:]
		default:
			m.pair(int(ls[0]), int(fs[0]))
			ls, fs = ls[1:], fs[1:]
		}
	}
}

// inTurn pairs those that have no partner, in their order.
func (m *matching) inTurn() {
	f := 0
	for l := range m.fresh {
		if m.fresh[l] >= 0 {
			continue
		}
		for f < len(m.legacy) && m.legacy[f] >= 0 {
			f++
		}
		if f == len(m.legacy) {
			return
		}
		m.pair(l, f)
	}
}

// pairs counts those that have a partner.
func (m *matching) pairs() int {
	count := 0
	for _, f := range m.fresh {
		if f >= 0 {
			count++
		}
	}
	return count
}

// inOrder reports whether partners follow one another alike on both sides.
func (m *matching) inOrder() bool {
	last := int32(-1)
	for _, f := range m.fresh {
		if f >= 0 {
			if f < last {
				return false
			}
			last = f
		}
	}
	return true
}

// sorted returns the elements without a partner by hash, equal ones as they stand.
func sorted(hashes []uint64, partner []int32) []int32 {
	var order []int32
	for i := range hashes {
		if partner[i] < 0 {
			order = append(order, int32(i))
		}
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Or(cmp.Compare(hashes[a], hashes[b]), cmp.Compare(a, b)) })
	return order
}

// isUnique reports whether no two hashes are equal.
func isUnique(hashes []uint64) bool {
	order := slices.Clone(hashes)
	slices.Sort(order)
	return len(slices.Compact(order)) == len(hashes)
}

// sameMembers reports whether both lists have the same elements, each as often.
func sameMembers(legacy, fresh []uint64) bool {
	l, f := slices.Clone(legacy), slices.Clone(fresh)
	slices.Sort(l)
	slices.Sort(f)
	return slices.Equal(l, f)
}
