package shadow

import (
	"encoding/hex"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"

	"github.com/stranglerfig/strangler/internal/shadow/compare"
)

// signatureOf returns what the difference has in common with others like it.
func signatureOf(route string, d *compare.Difference) Signature {
	legacy, fresh := told(d)
	return Signature{
		ID: signatureID(route, d), Where: strings.Clone(d.Path), Kind: d.Kind,
		Legacy: strings.Clone(legacy), New: strings.Clone(fresh),
	}
}

func signatureID(route string, d *compare.Difference) string {
	legacy, fresh := told(d)
	return digest(route, d.Path, string(d.Kind), legacy, fresh)
}

// told returns by what the two sides of a difference are told from those of
// others. A status is told by its number, everything else by its type: 200
// instead of 404 is not 500 instead of 404, while any price instead of any other
// is one thing.
func told(d *compare.Difference) (legacy, fresh string) {
	if d.Kind == compare.KindStatus || d.Kind == compare.KindAnswer {
		return d.Legacy.Text, d.New.Text
	}
	return d.Legacy.Type, d.New.Type
}

// setOf returns the set of signatures with these ids, which are sorted.
func setOf(route, epoch string, members []string) Set {
	return Set{Route: route, Epoch: epoch, ID: digest(members...), Members: members}
}

// digest returns the first 12 hex digits of xxhash64 over the parts, each
// followed by a zero byte. It tells apart, and keeps nothing secret.
func digest(parts ...string) string {
	var hash xxhash.Digest
	hash.Reset()
	for _, part := range parts {
		_, _ = hash.WriteString(part) // it cannot fail
		_, _ = hash.Write([]byte{0})
	}
	var sum [8]byte
	return hex.EncodeToString(hash.Sum(sum[:0])[:6])
}

// cut returns a copy of text with at most limit bytes. A longer one ends in "…".
func cut(text string, limit int) string {
	if len(text) <= limit {
		return strings.Clone(text)
	}
	end := limit - len("…")
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// look is what one comparison shows, one signature a thing.
type look struct {
	found map[string]Signature // by id
	rough []string             // ids of those that keep the rest from being compared, sorted
	whole bool                 // every difference is like one of them
}

// lookAt reads a result. The names on the way to a place are answers' content
// too, and so the redactor sees them before anything is made of them.
func lookAt(route string, r *compare.Result, redactor Redactor) look {
	seen := look{found: make(map[string]Signature, min(len(r.Differences), 16)), whole: !r.Lost}
	known := make(map[string]bool, min(len(r.Differences), 16))
	for i := range r.Differences {
		d := &r.Differences[i]
		raw := signatureID(route, d)
		if known[raw] {
			continue
		}
		known[raw] = true
		s := signatureOf(route, &compare.Difference{Path: pathOf(d, redactor), Kind: d.Kind, Legacy: d.Legacy, New: d.New})
		if _, twice := seen.found[s.ID]; !twice && isRough(s.Kind) {
			seen.rough = append(seen.rough, s.ID)
		}
		seen.found[s.ID] = s
	}
	slices.Sort(seen.rough)
	return seen
}

// pathOf returns a difference's path as it may be kept.
func pathOf(d *compare.Difference, redactor Redactor) string {
	return redactor.Difference(compare.Difference{Where: d.Path, Path: d.Path, Kind: d.Kind}).Path
}

// isRough reports whether two answers that differ in this way are not compared
// any further, or say little about each other when they are.
func isRough(kind compare.Kind) bool {
	return kind == compare.KindAnswer || kind == compare.KindStatus || kind == compare.KindMedia
}

// lacks reports whether the signature, which another look at the same request
// shows, is certainly not to be seen here.
func (l *look) lacks(s *Signature, other *look) bool {
	if _, found := l.found[s.ID]; found || !l.whole {
		return false
	}
	return isRough(s.Kind) || slices.Equal(l.rough, other.rough)
}
