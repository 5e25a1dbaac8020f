package shadow

import (
	"bytes"
	"slices"
	"strings"

	"github.com/stranglerfig/strangler/internal/shadow/compare"
)

// What is kept of one comparison.
const (
	MaxExemplar = 256 << 10 // bytes in all; differences that do not fit are counted in More
	MaxKeptBody = 64 << 10  // bytes of the request's body; of a longer one only hash and length are kept
)

// redacted returns the comparison as it may be kept, and shows only signatures
// that are in known, which is sorted. It shares no memory with the comparison:
// a short text of a long answer would keep all of that answer.
func redacted(c *Comparison, known []string, r Redactor) Exemplar {
	e := Exemplar{
		Route: c.Route, Served: c.Served.String(), At: c.At, Legacy: c.Legacy, New: c.New,
		Request: redactedRequest(&c.Request, r),
	}
	e.Legacy.Build, e.New.Build = cut(c.Legacy.Build, maxBuild), cut(c.New.Build, maxBuild)
	room := MaxExemplar - sizeOf(&e)
	shown, left := fitting(c.Route, c.Result.Differences, room, r)
	e.Differences, e.More = shown.differences, c.Result.More+left
	slices.Sort(shown.signatures)
	e.Signatures = slices.DeleteFunc(slices.Compact(shown.signatures), func(id string) bool {
		_, found := slices.BinarySearch(known, id)
		return !found
	})
	return e
}

func redactedRequest(from *Request, r Redactor) Request {
	to := Request{
		Method: strings.Clone(from.Method), Scheme: from.Scheme, Host: strings.Clone(from.Host),
		Target: strings.Clone(r.Target(from.Target)),
		Header: make(map[string][]string, len(from.Header)),
	}
	for name, values := range from.Header {
		hidden := slices.Clone(r.Header(name, values))
		for i := range hidden {
			hidden[i] = strings.Clone(hidden[i])
		}
		to.Header[strings.Clone(name)] = hidden
	}
	if len(from.Body) == 0 {
		return to
	}
	media := ""
	if types := from.Header["Content-Type"]; len(types) > 0 && len(from.Body) <= MaxKeptBody {
		media = types[0]
	}
	to.Body = bytes.Clone(r.Body(media, from.Body))
	return to
}

// shown is what an exemplar shows.
type shown struct {
	differences []compare.Difference
	signatures  []string // ids, one for each difference
}

// fitting redacts the differences and returns those that fit into so many
// bytes, in their order, and how many do not. The first of each signature comes
// before the second of any.
func fitting(route string, all []compare.Difference, room int64, r Redactor) (kept shown, left int) {
	hidden := make([]compare.Difference, len(all))
	ids := make([]string, len(all))
	first := make(map[string]int, len(all))
	for i := range all {
		hidden[i] = cloned(r.Difference(all[i]))
		ids[i] = signatureID(route, &hidden[i])
		if _, known := first[ids[i]]; !known {
			first[ids[i]] = i
		}
	}
	fits := make([]bool, len(all))
	for _, early := range []bool{true, false} {
		for i := range all {
			if size := sizeOfDifference(&hidden[i]); (first[ids[i]] == i) == early && size <= room {
				fits[i], room = true, room-size
			}
		}
	}
	for i := range all {
		if fits[i] {
			kept.differences = append(kept.differences, hidden[i])
			kept.signatures = append(kept.signatures, ids[i])
		} else {
			left++
		}
	}
	return kept, left
}

func cloned(d compare.Difference) compare.Difference {
	for _, text := range []*string{&d.Where, &d.Path, &d.Legacy.Type, &d.Legacy.Text, &d.New.Type, &d.New.Text} {
		*text = strings.Clone(*text)
	}
	return d
}

// fixedSize is what an exemplar or a difference takes besides its texts,
// roughly, in bytes.
const fixedSize = 256

func sizeOf(e *Exemplar) int64 {
	r := &e.Request
	size := fixedSize + len(r.Host) + len(r.Target) + len(r.Body)
	for name, values := range r.Header {
		size += len(name)
		for _, value := range values {
			size += len(value)
		}
	}
	total := int64(size)
	for i := range e.Differences {
		total += sizeOfDifference(&e.Differences[i])
	}
	return total
}

func sizeOfDifference(d *compare.Difference) int64 {
	return int64(fixedSize + len(d.Where) + len(d.Path) + len(d.Legacy.Text) + len(d.New.Text))
}
