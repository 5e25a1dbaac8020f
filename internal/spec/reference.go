package spec

import "github.com/stranglerfig/strangler/internal/rollout"

// maxSuggested is for how many unknown names the nearest ones are looked for:
// that compares each with every name there is.
const maxSuggested = 20

// references checks that what routes name of one kind is defined.
type references struct {
	kind      string
	names     []string
	defined   map[string]bool
	suggested int
}

func newReferences(kind string, names []string) *references {
	r := &references{kind: kind, names: names, defined: make(map[string]bool, len(names))}
	for _, name := range names {
		r.defined[name] = true
	}
	return r
}

func (r *references) check(field, name string, found *findings) {
	if name == "" || r.defined[name] {
		return
	}
	hint := ""
	if r.suggested < maxSuggested {
		r.suggested++
		hint = didYouMean(rollout.Near(name, r.names))
	}
	found.add(field, CodeReference, "the %s %q is not defined%s", r.kind, name, hint)
}
