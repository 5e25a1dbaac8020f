package shadow

import (
	"cmp"
	"slices"
	"time"
)

// MaxPending bounds what all exemplars of a router take that wait to be
// written, in bytes. From half of it on one is kept only for a signature that
// has none yet, so that a route that differs always does not use it up.
const MaxPending = 4 << 20

// shelf keeps exemplars: of each signature the newest and those with the
// smallest draws. It is owned by the collector's lock.
type shelf struct {
	pending *int64 // bytes on all shelves
	kept    map[string]*choice
}

// choice is what is kept for one signature.
type choice struct {
	newest []*held // oldest first
	drawn  []*held // smallest draw first
}

// held is an exemplar for as long as a choice has it.
type held struct {
	Exemplar

	size    int64
	choices int // lists that have it
}

// apart is the least time between the newest exemplars of a signature that are
// made. Redacting one takes as long as a comparison, and a route that always
// differs would have every one of them redacted, only to be replaced at once.
const apart = 100 * time.Millisecond

// wants reports whether an exemplar of this moment is to be made.
func (s *shelf) wants(signatures []string, at time.Time, draw uint32) bool {
	if *s.pending >= MaxPending {
		return false
	}
	full := *s.pending >= MaxPending/2
	return slices.ContainsFunc(signatures, func(id string) bool {
		c := s.kept[id]
		return c == nil || !full && c.wants(at, draw)
	})
}

func (c *choice) wants(at time.Time, draw uint32) bool {
	return len(c.newest) < Newest || len(c.drawn) < Random ||
		at.Sub(c.newest[len(c.newest)-1].At) >= apart || draw < c.drawn[len(c.drawn)-1].Draw
}

// put keeps an exemplar for those of its signatures of which it is among the
// newest, or among those with the smallest draws.
func (s *shelf) put(e Exemplar) {
	h := &held{Exemplar: e, size: sizeOf(&e)}
	if *s.pending+h.size > MaxPending {
		return
	}
	if s.kept == nil {
		s.kept = make(map[string]*choice)
	}
	*s.pending += h.size
	h.choices++ // for as long as it is being put
	for _, id := range e.Signatures {
		c := s.kept[id]
		if c == nil {
			c = &choice{}
			s.kept[id] = c
		}
		if c.newest = s.insert(c.newest, h, older); len(c.newest) > Newest {
			s.release(c.newest[0])
			c.newest = slices.Delete(c.newest, 0, 1)
		}
		if c.drawn = s.insert(c.drawn, h, smaller); len(c.drawn) > Random {
			s.release(c.drawn[Random])
			c.drawn = slices.Delete(c.drawn, Random, Random+1)
		}
	}
	s.release(h)
}

// older and smaller are the orders of the two lists.
func older(a, b *held) int   { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) }
func smaller(a, b *held) int { return cmp.Or(cmp.Compare(a.Draw, b.Draw), cmp.Compare(a.ID, b.ID)) }

// insert puts an exemplar in its place.
func (s *shelf) insert(list []*held, h *held, order func(a, b *held) int) []*held {
	at, _ := slices.BinarySearchFunc(list, h, order)
	h.choices++
	return slices.Insert(list, at, h)
}

func (s *shelf) release(h *held) {
	h.choices--
	if h.choices == 0 {
		*s.pending -= h.size
	}
}

// drain hands over what is kept, each exemplar once.
func (s *shelf) drain(to []Exemplar) []Exemplar {
	taken := make(map[*held]bool)
	for _, c := range s.kept {
		for _, h := range slices.Concat(c.newest, c.drawn) {
			if !taken[h] {
				taken[h] = true
				*s.pending -= h.size
				to = append(to, h.Exemplar)
			}
		}
	}
	s.kept = nil
	return to
}
