package compare

// equal reports whether two values are the same, whatever rules say and without
// finding out where they differ. That is so for most answers, and much cheaper.
func (w *walker) equal(l, f uint32) bool {
	if w.isSpeltAlike(l, f) {
		return true
	}
	kind := w.legacy.kind(l)
	if kind != w.fresh.kind(f) || w.legacy.nodes[l].count != w.fresh.nodes[f].count || !w.spend(1) {
		return false
	}
	switch kind {
	case kindArray:
		return w.equalInStep(l, f)
	case kindObject:
		if w.inStep(l, f) {
			return w.equalInStep(l, f)
		}
		return w.equalShuffled(l, f)
	default:
		return w.alike(l, f, nil)
	}
}

// equalInStep compares children as they stand.
func (w *walker) equalInStep(l, f uint32) bool {
	j := f + 1
	for i := l + 1; i < w.legacy.nodes[l].next; i = w.legacy.nodes[i].next {
		if !w.equal(i, j) {
			return false
		}
		j = w.fresh.nodes[j].next
	}
	return true
}

func (w *walker) equalShuffled(l, f uint32) bool {
	if w.legacy.nodes[l].count > maxShuffled {
		return w.equalSorted(l, f)
	}
	pairs, ok := w.shuffled(l, f)
	if !ok {
		return false
	}
	n := 0
	for i := l + 1; i < w.legacy.nodes[l].next; i = w.legacy.nodes[i].next {
		if !w.equal(i, pairs[n]) {
			return false
		}
		n++
	}
	return true
}

func (w *walker) equalSorted(l, f uint32) bool {
	legacy, fresh := w.legacy.children(l), w.fresh.children(f)
	if !w.spend(4 * (len(legacy) + len(fresh))) {
		return false
	}
	for i, p := range w.byName(legacy, fresh)[:len(legacy)] {
		if p.is != memberPaired || !w.equal(legacy[i], p.fresh) {
			return false
		}
	}
	return true
}
