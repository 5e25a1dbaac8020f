package compare

import (
	"hash/maphash"
	"math/bits"
	"math/rand/v2"
	"slices"

	"github.com/stranglerfig/strangler/internal/shadow/rule"
)

// hasher tells equal JSON values by 64 bits. Its seeds are new for each
// comparison, so nobody can make up two values that collide.
type hasher struct {
	seed   maphash.Seed
	mixer  [2]uint64
	number []byte   // scratch
	names  []uint64 // scratch
}

// reseed makes all that was hashed before worthless.
func (h *hasher) reseed() {
	h.seed, h.mixer = maphash.MakeSeed(), [2]uint64{rand.Uint64(), rand.Uint64()}
}

func (h *hasher) mix(a, b uint64) uint64 {
	high, low := bits.Mul64(a^h.mixer[0], b^h.mixer[1])
	return high ^ low
}

// side is one side's body with the hashes that were reckoned of its values, by
// node; 0: not yet.
type side struct {
	tree

	plain []uint64 // of the values as they are
	ruled []uint64 // as the rules at their places have them
}

// known is where the hashes of a kind are kept.
func (s *side) known(ruled bool) []uint64 {
	memo := &s.plain
	if ruled {
		memo = &s.ruled
	}
	if len(*memo) == 0 {
		*memo = append(*memo, make([]uint64, len(s.nodes))...)
	}
	return *memo
}

// hash is the same for values that are equal as the rules have it. Of numbers
// with a tolerance it only says that they are numbers. Each node is hashed once.
func (w *walker) hash(s *side, i uint32, c rule.Cursors) uint64 {
	memo := s.known(!c.Empty())
	if memo[i] == 0 {
		if !w.spend(1 + s.nodes[i].size()/bytesPerStep) {
			return 1
		}
		memo[i] = w.reckon(s, i, c) | 1
	}
	return memo[i]
}

func (w *walker) reckon(s *side, i uint32, c rule.Cursors) uint64 {
	rules := c.Here()
	if isIgnored(rules) {
		return 1
	}
	kind := s.kind(i)
	switch kind {
	case kindArray:
		return w.mix(w.reckonArray(s, i, c), uint64(kind))
	case kindObject:
		return w.mix(w.reckonObject(s, i, c), uint64(kind))
	case kindNumber:
		if has(rules, rule.Tolerance) != nil {
			return w.mix(0, uint64(kind))
		}
		w.number = appendNumber(w.number[:0], s.raw(i))
		return w.mix(maphash.Bytes(w.seed, w.number), uint64(kind))
	case kindString:
		return w.mix(w.reckonText(s.text(i), rules), uint64(kind))
	default:
		return w.mix(maphash.Bytes(w.seed, s.raw(i)), uint64(kind))
	}
}

func (w *walker) reckonText(text []byte, rules []*rule.Compiled) uint64 {
	if len(rules) == 0 {
		return maphash.Bytes(w.seed, text)
	}
	if !w.spend(len(rules) * len(text) >> 5) {
		return 0
	}
	return maphash.String(w.seed, textOf(rules, string(text)))
}

func (w *walker) reckonArray(s *side, i uint32, c rule.Cursors) uint64 {
	unordered := has(c.Here(), rule.Unordered) != nil
	var sum uint64
	at := i + 1
	for index := 0; at < s.nodes[i].next; index++ {
		one := w.hash(s, at, c.Index(index))
		if unordered {
			sum += w.mix(one, 0)
		} else {
			sum = w.mix(sum+1, one)
		}
		at = s.nodes[at].next
	}
	return sum
}

func (w *walker) reckonObject(s *side, i uint32, c rule.Cursors) uint64 {
	var sum uint64
	repeats := w.repeats(s, i)
	for at := i + 1; at < s.nodes[i].next; at = s.nodes[at].next {
		key := s.key(at)
		place := below(c, key)
		if isIgnored(place.Here()) {
			continue
		}
		if repeats {
			sum = w.mix(sum, 1)
		}
		sum += w.mix(maphash.Bytes(w.seed, key), w.hash(s, at, place))
	}
	return sum
}

// repeats reports whether a key occurs twice; then the order of members means something.
func (w *walker) repeats(s *side, i uint32) bool {
	w.names = w.names[:0]
	for at := i + 1; at < s.nodes[i].next; at = s.nodes[at].next {
		w.names = append(w.names, maphash.Bytes(w.seed, s.key(at)))
	}
	slices.Sort(w.names)
	return len(slices.Compact(w.names)) < int(s.nodes[i].count)
}

// knownEqual reports whether two values have been hashed and found equal. False
// says nothing.
func (w *walker) knownEqual(l, f uint32) bool {
	return len(w.legacy.plain) > 0 && len(w.fresh.plain) > 0 && w.legacy.plain[l] != 0 && w.legacy.plain[l] == w.fresh.plain[f]
}

func isIgnored(rules []*rule.Compiled) bool {
	return len(rules) > 0 && rules[0].Kind() == rule.Ignore
}

// has returns the first rule of a kind; nil: there is none.
func has(rules []*rule.Compiled, kind rule.Kind) *rule.Compiled {
	for _, c := range rules {
		if c.Kind() == kind {
			return c
		}
	}
	return nil
}
