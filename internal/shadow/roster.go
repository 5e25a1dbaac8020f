package shadow

import "time"

// forgetAfter is how long a roster keeps the place of a name that is not heard
// of any more.
const forgetAfter = time.Hour

// roster admits so many names and no more, so that what grows with them stays
// bounded. It owns no lock.
type roster struct {
	limit  int
	heard  map[string]time.Time
	settle time.Time // nobody's place can be free before
}

func newRoster(limit int) roster {
	return roster{limit: limit, heard: make(map[string]time.Time)}
}

// admit reports whether there is a place for the name.
func (r *roster) admit(name string, at time.Time) bool {
	if _, known := r.heard[name]; !known && len(r.heard) >= r.limit && !r.forget(at) {
		return false
	}
	r.heard[name] = at
	return true
}

// forget frees the places of those not heard of for long, and reports whether
// there were any.
func (r *roster) forget(at time.Time) bool {
	if at.Before(r.settle) {
		return false
	}
	r.settle = at.Add(forgetAfter)
	for name, heard := range r.heard {
		if leaves := heard.Add(forgetAfter); !leaves.After(at) {
			delete(r.heard, name)
		} else if leaves.Before(r.settle) {
			r.settle = leaves
		}
	}
	return len(r.heard) < r.limit
}
