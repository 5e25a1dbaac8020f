package shadow

import "github.com/stranglerfig/strangler/internal/shadow/compare"

// Shows returns the first of the exemplar's differences that has this signature.
func (e Exemplar) Shows(signature string) (compare.Difference, bool) {
	for i := range e.Differences {
		if signatureOf(e.Route, &e.Differences[i]).ID == signature {
			return e.Differences[i], true
		}
	}
	return compare.Difference{}, false
}
