package shadow

import "github.com/stranglerfig/strangler/internal/shadow/compare"

// Shows returns the first of the exemplar's differences that has this signature.
func (e Exemplar) Shows(signature string) (compare.Difference, bool) {
	for i := range e.Differences {
		if signatureID(e.Route, &e.Differences[i]) == signature {
			return e.Differences[i], true
		}
	}
	return compare.Difference{}, false
}

// SignatureID returns the id of the signature of one of the exemplar's
// differences, or of one that was redacted as they were.
func (e Exemplar) SignatureID(d compare.Difference) string { return signatureID(e.Route, &d) }
