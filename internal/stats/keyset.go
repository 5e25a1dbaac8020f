package stats

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// The sizes of a keySet's table, in slots of 8 bytes. It is at most three
// quarters full, and keeps more than DistinctExact hashes for a while, so that it
// need not be sorted for each new one.
const (
	fewestSlots = 32
	mostSlots   = 2048
)

// keySet is a Distinct that many goroutines add to. What it has met already, and
// what is not among the smallest, it finds out without a lock: what remains are at
// most some DistinctExact × (1 + ln(n/DistinctExact)) of n different hashes. The
// zero value is empty and holds no table.
type keySet struct {
	limit atomic.Uint64                   // greater hashes are not among the smallest; 0: all may be
	table atomic.Pointer[[]atomic.Uint64] // by open addressing; 0: a free slot
	mu    sync.Mutex
	used  int // slots that are not free; guarded by mu
}

// add counts a hash, which is not 0.
func (s *keySet) add(hash uint64) {
	if limit := s.limit.Load(); limit != 0 && hash > limit {
		return
	}
	if table := s.table.Load(); table != nil && (*table)[slotOf(*table, hash)].Load() == hash {
		return
	}
	s.insert(hash)
}

// slotOf returns the slot of a hash, or the free one where it belongs. While the
// table is put in order, that may be a slot that somebody else has just filled: then
// the lock decides.
func slotOf(table []atomic.Uint64, hash uint64) int {
	slot := int(hash) & (len(table) - 1)
	for {
		if found := table[slot].Load(); found == hash || found == 0 {
			return slot
		}
		slot = (slot + 1) & (len(table) - 1)
	}
}

func (s *keySet) insert(hash uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	table := s.withRoom()
	if slot := slotOf(table, hash); table[slot].Load() == 0 {
		table[slot].Store(hash)
		s.used++
	}
}

// withRoom returns a table that has room for one more.
func (s *keySet) withRoom() []atomic.Uint64 {
	old := s.table.Load()
	switch {
	case old == nil:
		return s.replace(fewestSlots, nil)
	case 4*(s.used+1) <= 3*len(*old):
		return *old
	case len(*old) < mostSlots:
		return s.replace(2*len(*old), hashesOf(*old))
	}
	smallest := hashesOf(*old)
	slices.Sort(smallest)
	smallest = smallest[:DistinctExact]
	s.limit.Store(smallest[DistinctExact-1])
	empty(*old)
	fill(*old, smallest)
	s.used = DistinctExact
	return *old
}

// replace puts another table of so many slots in place.
func (s *keySet) replace(slots int, hashes []uint64) []atomic.Uint64 {
	table := make([]atomic.Uint64, slots)
	fill(table, hashes)
	s.table.Store(&table)
	return table
}

func fill(table []atomic.Uint64, hashes []uint64) {
	for _, hash := range hashes {
		table[slotOf(table, hash)].Store(hash)
	}
}

func empty(table []atomic.Uint64) {
	for slot := range table {
		table[slot].Store(0)
	}
}

func hashesOf(table []atomic.Uint64) []uint64 {
	hashes := make([]uint64, 0, 3*len(table)/4+1)
	for slot := range table {
		if hash := table[slot].Load(); hash != 0 {
			hashes = append(hashes, hash)
		}
	}
	return hashes
}

// take returns what was counted and forgets it, but keeps the table. Nobody may
// add meanwhile.
func (s *keySet) take() Distinct {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used == 0 {
		return Distinct{}
	}
	table := *s.table.Load()
	hashes := hashesOf(table)
	slices.Sort(hashes)
	empty(table)
	s.limit.Store(0)
	s.used = 0
	return Distinct{hashes: slices.Clip(hashes[:min(len(hashes), DistinctExact)])}
}

// keyMinute returns the hash by which a key counts once a minute: the output of
// SplitMix64 for it (Steele, Lea and Flood, Fast splittable pseudorandom number
// generators, OOPSLA 2014). All routers of a fleet must have the same; it is a
// part of the version of an encoded Window. It is never 0.
func keyMinute(key uint64, at time.Time) uint64 {
	const golden = 0x9e3779b97f4a7c15
	x := key + uint64(at.Unix()/60)*golden
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return max(x^x>>31, 1)
}
