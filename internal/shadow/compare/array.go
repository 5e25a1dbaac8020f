package compare

import (
	"slices"
	"strconv"

	"github.com/stranglerfig/strangler/internal/shadow/rule"
)

// rows are the elements of an array on both sides, and what holds for the array.
type rows struct {
	legacy, fresh []uint32
	rules         rule.Cursors
	unordered     *rule.Compiled // nil: their order means something
}

func (w *walker) array(l, f uint32, c rule.Cursors) {
	if w.speltInStep(l, f) {
		return
	}
	r := rows{w.legacy.children(l), w.fresh.children(f), c, has(c.Here(), rule.Unordered)}
	if !w.spend(4 * (len(r.legacy) + len(r.fresh))) {
		return
	}
	m, ok := w.byIdentity(&r)
	switch {
	case ok:
		w.order(&r, &m)
		w.matched(&r, &m)
	case r.unordered != nil:
		w.asMultiset(&r)
	default:
		w.inTheirOrder(&r)
	}
}

// byIdentity pairs the elements by the member that a rule names, or else by one
// that tells them apart.
func (w *walker) byIdentity(r *rows) (matching, bool) {
	if r.unordered != nil && r.unordered.By() != "" {
		return w.byMember(r, r.unordered.By())
	}
	return w.inferred(r)
}

// speltInStep reports whether two arrays have the same elements, in the same
// order and spelling. For short ones that saves most of the work.
func (w *walker) speltInStep(l, f uint32) bool {
	if w.legacy.nodes[l].count != w.fresh.nodes[f].count {
		return false
	}
	j := f + 1
	for i := l + 1; i < w.legacy.nodes[l].next; i = w.legacy.nodes[i].next {
		if !w.spend(1) || !w.isSpeltAlike(i, j) {
			return false
		}
		j = w.fresh.nodes[j].next
	}
	return true
}

// inferred pairs the elements by the first member that tells them apart.
func (w *walker) inferred(r *rows) (matching, bool) {
	if len(r.legacy) == 0 || len(r.fresh) == 0 {
		return matching{}, false
	}
	for _, name := range [...]string{"id", "_id", "uuid", "key", "sku", "name"} {
		m, ok := w.byMember(r, name)
		if ok && 2*m.pairs() >= min(len(r.legacy), len(r.fresh)) {
			return m, true
		}
	}
	return matching{}, false
}

// byMember pairs the elements by a member. It cannot where an element has none,
// where it is no string or number or is ignored, or where two elements of one
// side have the same.
func (w *walker) byMember(r *rows, name string) (matching, bool) {
	legacy, ok := w.keysOf(&w.legacy, r.legacy, r.rules, name)
	if !ok {
		return matching{}, false
	}
	fresh, ok := w.keysOf(&w.fresh, r.fresh, r.rules, name)
	if !ok || !isUnique(legacy) || !isUnique(fresh) {
		return matching{}, false
	}
	m := newMatching(len(legacy), len(fresh))
	m.byHash(legacy, fresh)
	return m, true
}

func (w *walker) keysOf(s *side, elements []uint32, c rule.Cursors, name string) (keys []uint64, ok bool) {
	for i, element := range elements {
		if s.kind(element) != kindObject || !w.spend(1+int(s.nodes[element].count)/8) {
			return nil, false
		}
		at, found := s.member(element, name)
		if !found || s.kind(at) != kindNumber && s.kind(at) != kindString {
			return nil, false
		}
		place := c.Index(i).Key(name)
		if isIgnored(place.Here()) {
			return nil, false
		}
		if keys == nil {
			keys = make([]uint64, 0, len(elements))
		}
		keys = append(keys, w.reckon(s, at, place))
	}
	return keys, true
}

// asMultiset compares elements wherever they are: those that are equal go
// together, first as they are and then as the rules have them, and what is left
// in turn.
func (w *walker) asMultiset(r *rows) {
	m := newMatching(len(r.legacy), len(r.fresh))
	if !r.rules.Empty() {
		m.byHash(w.plain(&w.legacy, r.legacy), w.plain(&w.fresh, r.fresh))
	}
	m.byHash(w.hashes(&w.legacy, r.legacy, r.rules), w.hashes(&w.fresh, r.fresh, r.rules))
	w.order(r, &m)
	m.inTurn()
	w.matched(r, &m)
}

// inTheirOrder compares elements by their place.
func (w *walker) inTheirOrder(r *rows) {
	legacy, fresh := w.hashes(&w.legacy, r.legacy, r.rules), w.hashes(&w.fresh, r.fresh, r.rules)
	if w.steps < 0 {
		return
	}
	var m matching
	if !slices.Equal(legacy, fresh) && len(legacy) == len(fresh) && sameMembers(legacy, fresh) {
		m = newMatching(len(legacy), len(fresh))
		m.byHash(legacy, fresh)
		w.order(r, &m)
	} else {
		m = align(legacy, fresh)
	}
	w.matched(r, &m)
}

func (w *walker) hashes(s *side, elements []uint32, c rule.Cursors) []uint64 {
	hashes := make([]uint64, len(elements))
	for i, element := range elements {
		hashes[i] = w.hash(s, element, c.Index(i))
	}
	return hashes
}

func (w *walker) plain(s *side, elements []uint32) []uint64 {
	return w.hashes(s, elements, rule.Cursors{})
}

// order reports that the same elements come in another order, unless that means
// nothing.
func (w *walker) order(r *rows, m *matching) {
	switch {
	case m.inOrder():
	case r.unordered != nil:
		w.hit(r.unordered)
	default:
		w.differ(KindOrder, placesOf(m.legacy, true), placesOf(m.legacy, false))
	}
}

// placesOf shows where legacy has the elements that both sides have: in order
// of legacy, or of new.
func placesOf(partner []int32, inOrder bool) Value {
	places := slices.DeleteFunc(slices.Clone(partner), func(at int32) bool { return at < 0 })
	if inOrder {
		slices.Sort(places)
	}
	text := []byte{'['}
	for i, place := range places {
		if len(text) > MaxText {
			break
		}
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, int64(place), 10)
	}
	return Value{Type: kindArray.String(), Text: shown(string(append(text, ']')))}
}

// matched compares elements that go together, in legacy's order, and reports
// the others.
func (w *walker) matched(r *rows, m *matching) {
	for i, at := range r.legacy {
		if w.steps < 0 {
			return
		}
		place := step{index: i}
		if f := m.fresh[i]; f >= 0 {
			w.into(place, at, r.fresh[f], r.rules.Index(i))
		} else {
			w.missing(place, at, r.rules.Index(i))
		}
	}
	for i, at := range r.fresh {
		if m.legacy[i] < 0 {
			w.extra(step{index: i}, at, r.rules.Index(i))
		}
	}
}
