package compare

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/stranglerfig/strangler/internal/shadow/rule"
)

// object compares two objects, in legacy's order of members.
func (w *walker) object(l, f uint32, c rule.Cursors) {
	if w.inStep(l, f) {
		w.members(l, f, c)
		return
	}
	legacy, fresh := w.legacy.children(l), w.fresh.children(f)
	if !w.spend(4 * (len(legacy) + len(fresh))) {
		return
	}
	pairs := w.byName(legacy, fresh)
	for i, at := range legacy {
		if w.steps < 0 {
			return
		}
		w.member(pairs[i], at, c)
	}
	for _, p := range pairs[len(legacy):] {
		if p.is == memberExtra {
			key := w.fresh.key(p.fresh)
			w.extra(memberStep(key), p.fresh, below(c, key))
		}
	}
}

// inStep reports whether both objects have the same keys in the same order.
func (w *walker) inStep(l, f uint32) bool {
	if w.legacy.nodes[l].count != w.fresh.nodes[f].count {
		return false
	}
	i, j := l+1, f+1
	for i < w.legacy.nodes[l].next {
		if !bytes.Equal(w.legacy.key(i), w.fresh.key(j)) {
			return false
		}
		i, j = w.legacy.nodes[i].next, w.fresh.nodes[j].next
	}
	return true
}

// members compares the members of objects that are in step.
func (w *walker) members(l, f uint32, c rule.Cursors) {
	j := f + 1
	for i := l + 1; i < w.legacy.nodes[l].next && w.steps >= 0; i = w.legacy.nodes[i].next {
		key := w.legacy.key(i)
		w.into(memberStep(key), i, j, below(c, key))
		j = w.fresh.nodes[j].next
	}
}

// maxShuffled is up to how many members finding each by looking at all is quicker
// than sorting.
const maxShuffled = 24

// shuffled finds for each member of legacy the one of new, where two small
// objects have the same keys, each as often; false: they have not.
func (w *walker) shuffled(l, f uint32) (pairs [maxShuffled]uint32, ok bool) {
	count := w.legacy.nodes[l].count
	if count > maxShuffled || count != w.fresh.nodes[f].count {
		return pairs, false
	}
	var taken [maxShuffled]bool
	n := 0
	for i := l + 1; i < w.legacy.nodes[l].next; i = w.legacy.nodes[i].next {
		key, at := w.legacy.key(i), 0
		for j := f + 1; j < w.fresh.nodes[f].next; j = w.fresh.nodes[j].next {
			if !taken[at] && bytes.Equal(key, w.fresh.key(j)) {
				taken[at], pairs[n] = true, j
				break
			}
			at++
		}
		if pairs[n] == 0 {
			return pairs, false
		}
		n++
	}
	return pairs, true
}

// memberIs says what becomes of a member.
type memberIs uint8

const (
	memberDone     memberIs = iota // it is reported together with another of its key
	memberPaired                   // with the same occurrence of its key
	memberRepeated                 // it is the last of its key, which the sides have a different number of times
	memberMissing
	memberExtra
)

// memberPair is what becomes of one member; fresh is the one on the other side,
// or the one that only new has.
type memberPair struct {
	is    memberIs
	fresh uint32
	runs  *memberRuns // of a repeated one
}

// memberRuns are all members with one key.
type memberRuns struct{ legacy, fresh []uint32 }

// byName pairs the members of two objects: first there is a result for each
// member of legacy, then one for each of new.
func (w *walker) byName(legacy, fresh []uint32) []memberPair {
	pairs := make([]memberPair, len(legacy)+len(fresh))
	ls, fs := w.legacy.sortedByKey(legacy), w.fresh.sortedByKey(fresh)
	for len(ls) > 0 || len(fs) > 0 {
		var order int
		switch {
		case len(ls) == 0:
			order = 1
		case len(fs) == 0:
			order = -1
		default:
			order = bytes.Compare(w.legacy.key(legacy[ls[0]]), w.fresh.key(fresh[fs[0]]))
		}
		var lrun, frun []int32
		if order <= 0 {
			lrun, ls = w.legacy.cutRun(legacy, ls)
		}
		if order >= 0 {
			frun, fs = w.fresh.cutRun(fresh, fs)
		}
		settle(pairs, legacy, fresh, lrun, frun)
	}
	return pairs
}

// settle says what becomes of all members with one key. Where the sides have it
// a different number of times their last ones are compared, which is what most
// readers take.
func settle(pairs []memberPair, legacy, fresh []uint32, lrun, frun []int32) {
	switch {
	case len(frun) == 0:
		pairs[lrun[len(lrun)-1]].is = memberMissing
	case len(lrun) == 0:
		last := frun[len(frun)-1]
		pairs[len(legacy)+int(last)] = memberPair{is: memberExtra, fresh: fresh[last]}
	case len(lrun) == len(frun):
		for i, at := range lrun {
			pairs[at] = memberPair{is: memberPaired, fresh: fresh[frun[i]]}
		}
	default:
		runs := &memberRuns{make([]uint32, len(lrun)), make([]uint32, len(frun))}
		for i, at := range lrun {
			runs.legacy[i] = legacy[at]
		}
		for i, at := range frun {
			runs.fresh[i] = fresh[at]
		}
		pairs[lrun[len(lrun)-1]] = memberPair{is: memberRepeated, fresh: runs.fresh[len(runs.fresh)-1], runs: runs}
	}
}

// member compares one member of legacy.
func (w *walker) member(p memberPair, l uint32, c rule.Cursors) {
	key := w.legacy.key(l)
	switch p.is {
	case memberMissing:
		w.missing(memberStep(key), l, below(c, key))
	case memberPaired:
		w.into(memberStep(key), l, p.fresh, below(c, key))
	case memberRepeated:
		c = below(c, key)
		if w.ignores(c.Here()) {
			return
		}
		w.path = append(w.path, memberStep(key))
		w.differ(KindRepeat, w.legacy.values(p.runs.legacy), w.fresh.values(p.runs.fresh))
		w.walk(l, p.fresh, c)
		w.path = w.path[:len(w.path)-1]
	}
}

// values shows all values of a key that an object has more than once.
func (t *tree) values(run []uint32) Value {
	text := []byte{'['}
	for i, at := range run {
		if len(text) > MaxText {
			break
		}
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, compact(nil, t.raw(at))...)
	}
	return Value{Type: t.kind(run[len(run)-1]).String(), Text: shown(string(append(text, ']')))}
}

// sortedByKey returns the places of the members in the order of their keys, and
// those with one key as they stand.
func (t *tree) sortedByKey(members []uint32) []int32 {
	order := make([]int32, len(members))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(bytes.Compare(t.key(members[a]), t.key(members[b])), cmp.Compare(a, b))
	})
	return order
}

// cutRun takes those with the same key off the front.
func (t *tree) cutRun(members []uint32, order []int32) (run, rest []int32) {
	key := t.key(members[order[0]])
	end := 1
	for end < len(order) && bytes.Equal(t.key(members[order[end]]), key) {
		end++
	}
	return order[:end], order[end:]
}

func memberStep(key []byte) step { return step{key: key, index: -1} }

// below steps to a member. It makes a string of the key only where there are rules.
func below(c rule.Cursors, key []byte) rule.Cursors {
	if c.Empty() {
		return c
	}
	return c.Key(string(key))
}
