package compare

import (
	"bytes"

	"github.com/stranglerfig/strangler/internal/shadow/rule"
)

// walker goes through two JSON bodies at once.
type walker struct {
	*report
	hasher

	legacy, fresh side
	path          []step
}

func newWalker(r *report, legacy, fresh tree) *walker {
	return &walker{
		report: r, hasher: newHasher(), path: make([]step, 0, 16),
		legacy: side{tree: legacy}, fresh: side{tree: fresh},
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
	ln, fn := &w.legacy.nodes[l], &w.fresh.nodes[f]
	if length := ln.raw.end - ln.raw.begin; length == fn.raw.end-fn.raw.begin && w.spend(int(length)/bytesPerStep) &&
		bytes.Equal(w.legacy.raw(l), w.fresh.raw(f)) {
		return
	}
	rules := c.Here()
	switch {
	case isIgnored(rules):
		if w.hash(&w.legacy, l, rule.Cursors{}) != w.hash(&w.fresh, f, rule.Cursors{}) {
			w.hit(rules[0])
		}
	case ln.kind != fn.kind:
		w.unequal(KindType, l, f)
	case ln.kind == kindObject:
		w.object(l, f, c)
	case ln.kind == kindArray:
		w.array(l, f, c)
	case !w.alike(l, f, rules):
		w.unequal(KindValue, l, f)
	}
}

// alike compares two values of one type with no others in them.
func (w *walker) alike(l, f uint32, rules []*rule.Compiled) bool {
	legacy, fresh := w.legacy.raw(l), w.fresh.raw(f)
	switch w.legacy.nodes[l].kind {
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
	if w.room() {
		w.differ(kind, w.legacy.value(l), w.fresh.value(f))
	}
}

// differ reports a difference at the present place.
func (w *walker) differ(kind Kind, legacy, fresh Value) {
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
	if !w.spend(1) || w.ignores(c.Here()) || !w.room() {
		return
	}
	w.path = append(w.path, at)
	if kind == KindMissing {
		w.differ(kind, s.value(i), Value{})
	} else {
		w.differ(kind, Value{}, s.value(i))
	}
	w.path = w.path[:len(w.path)-1]
}

// into compares two values one step below the present place.
func (w *walker) into(at step, l, f uint32, c rule.Cursors) {
	w.path = append(w.path, at)
	w.walk(l, f, c)
	w.path = w.path[:len(w.path)-1]
}
