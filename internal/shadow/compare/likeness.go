package compare

// likeness is what differences have in common that are of one sort.
type likeness struct {
	path          string
	kind          Kind
	legacy, fresh string // types
}

// room reports whether one more difference is kept, and counts it otherwise.
// Once the report is full a sort that it does not show yet takes the place of the
// last one that has another like it: a list of a thousand times does not keep
// what comes behind it from being seen.
func (r *report) room(l likeness) bool {
	if len(r.found) < r.limits.Differences {
		return true
	}
	if r.crowd == nil {
		r.crowd = make(map[likeness]int)
		for i := range r.found {
			r.crowd[likenessOf(&r.found[i])]++
		}
	}
	r.more++
	if r.crowd[l] > 0 || r.lost { // once there is nothing to give way, there never is again
		return false
	}
	for i := len(r.found) - 1; i >= 0; i-- {
		if other := likenessOf(&r.found[i]); r.crowd[other] > 1 {
			r.crowd[other]--
			r.crowd[l]++
			r.found = append(r.found[:i], r.found[i+1:]...)
			return true
		}
	}
	r.lost = true
	return false
}

func likenessOf(d *Difference) likeness {
	return likeness{d.Path, d.Kind, d.Legacy.Type, d.New.Type}
}
