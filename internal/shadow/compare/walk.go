package compare

import (
	"bytes"
	"sync"

	"github.com/stranglerfig/strangler/internal/shadow/rule"
)

// walker goes through two JSON bodies at once.
type walker struct {
	*report
	hasher

	legacy, fresh side
	path          []step
}

// buffers are walkers that have done their work, for the room that they have
// taken. No two share any.
var buffers = sync.Pool{New: func() any { return &walker{} }}

// mostKept is up to how many elements each slice of a walker is kept.
const mostKept = 1 << 14

func newWalker(r *report) *walker {
	w, _ := buffers.Get().(*walker)
	w.report = r
	w.reseed()
	return w
}

// release gives the room back. Nothing of the bodies is kept.
func (w *walker) release() {
	w.report, w.legacy.src, w.fresh.src = nil, nil, nil
	clear(w.path[:cap(w.path)])
	w.path = w.path[:0]
	for _, s := range []*side{&w.legacy, &w.fresh} {
		s.plain, s.ruled = s.plain[:0], s.ruled[:0]
	}
	room := max(cap(w.legacy.nodes), cap(w.fresh.nodes), cap(w.legacy.decoded), cap(w.fresh.decoded), cap(w.names), cap(w.number))
	if room <= mostKept {
		buffers.Put(w)
	}
}

// bytesPerStep is how many bytes cost a step where they are only compared.
const bytesPerStep = 256

// walk compares two values, whose place is w.path.
func (w *walker) walk(l, f uint32, c rule.Cursors) {
	if !w.spend(1) {
		return
	}
	if c.Empty() && w.knownEqual(l, f) {
		return
	}
	if w.isSpeltAlike(l, f) {
		return
	}
	rules, kind := c.Here(), w.legacy.kind(l)
	switch {
	case isIgnored(rules):
		if w.hash(&w.legacy, l, rule.Cursors{}) != w.hash(&w.fresh, f, rule.Cursors{}) {
			w.hit(rules[0])
		}
	case kind != w.fresh.kind(f):
		w.unequal(KindType, l, f)
	case kind == kindObject:
		w.object(l, f, c)
	case kind == kindArray:
		w.array(l, f, c)
	case !w.alike(l, f, rules):
		w.unequal(KindValue, l, f)
	}
}

// isSpeltAlike reports whether two values have the same bytes. That is so for most.
func (w *walker) isSpeltAlike(l, f uint32) bool {
	size := w.legacy.nodes[l].size()
	return size == w.fresh.nodes[f].size() && w.spend(size/bytesPerStep) && bytes.Equal(w.legacy.raw(l), w.fresh.raw(f))
}

// alike compares two values of one type with no others in them.
func (w *walker) alike(l, f uint32, rules []*rule.Compiled) bool {
	legacy, fresh := w.legacy.raw(l), w.fresh.raw(f)
	switch w.legacy.kind(l) {
	case kindNumber:
		w.number = appendNumber(w.number[:0], legacy)
		at := len(w.number)
		w.number = appendNumber(w.number, fresh)
		return bytes.Equal(w.number[:at], w.number[at:]) || w.tolerates(rules, legacy, fresh)
	case kindString:
		legacy, fresh = w.legacy.text(l), w.fresh.text(f)
		return bytes.Equal(legacy, fresh) || len(rules) > 0 && w.reconciles(rules, string(legacy), string(fresh))
	default:
		return bytes.Equal(legacy, fresh)
	}
}

func (w *walker) tolerates(rules []*rule.Compiled, legacy, fresh []byte) bool {
	for _, c := range rules {
		if c.Kind() == rule.Tolerance && w.spend(32) && c.Within(string(legacy), string(fresh)) {
			w.hit(c)
			return true
		}
	}
	return false
}

// unequal reports two values that are there and differ.
func (w *walker) unequal(kind Kind, l, f uint32) {
	if w.hasRoom(kind, w.legacy.kind(l).String(), w.fresh.kind(f).String()) {
		w.keep(kind, w.legacy.value(l), w.fresh.value(f))
	}
}

// hasRoom reports whether a difference at the present place is kept. Whoever
// asks first need not describe what nobody will see.
func (w *walker) hasRoom(kind Kind, legacy, fresh string) bool {
	return len(w.found) < w.limits.Differences || w.spend(stepsPerPath) && w.room(likeness{w.wildcard(), kind, legacy, fresh})
}

// stepsPerPath is what it takes to say where a place is.
const stepsPerPath = 4

// differ reports a difference at the present place.
func (w *walker) differ(kind Kind, legacy, fresh Value) {
	if w.hasRoom(kind, legacy.Type, fresh.Type) {
		w.keep(kind, legacy, fresh)
	}
}

func (w *walker) keep(kind Kind, legacy, fresh Value) {
	w.found = append(w.found, Difference{Where: w.where(), Path: w.wildcard(), Kind: kind, Legacy: legacy, New: fresh})
}

// missing reports what only legacy has at a place, unless a rule ignores it.
func (w *walker) missing(at step, l uint32, c rule.Cursors) {
	w.alone(KindMissing, at, &w.legacy, l, c)
}

// extra reports what only new has.
func (w *walker) extra(at step, f uint32, c rule.Cursors) {
	w.alone(KindExtra, at, &w.fresh, f, c)
}

func (w *walker) alone(kind Kind, at step, s *side, i uint32, c rule.Cursors) {
	if !w.spend(1) || w.ignores(c.Here()) {
		return
	}
	w.path = append(w.path, at)
	switch is := s.kind(i).String(); {
	case kind == KindMissing && w.hasRoom(kind, is, ""):
		w.keep(kind, s.value(i), Value{})
	case kind == KindExtra && w.hasRoom(kind, "", is):
		w.keep(kind, Value{}, s.value(i))
	}
	w.path = w.path[:len(w.path)-1]
}

// into compares two values one step below the present place.
func (w *walker) into(at step, l, f uint32, c rule.Cursors) {
	w.path = append(w.path, at)
	w.walk(l, f, c)
	w.path = w.path[:len(w.path)-1]
}
