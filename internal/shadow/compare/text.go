package compare

import (
	"bytes"
	"hash/maphash"
	"strconv"

	"github.com/stranglerfig/strangler/internal/shadow/rule"
)

// stepsPerLine is what a line costs that is not the same at the beginning or
// the end of both texts: it is split off, hashed and sorted.
const stepsPerLine = 8

// lines are the lines of a text that are not at the beginning or the end of
// both, as the rules have them.
type lines struct {
	text   [][]byte
	hashes []uint64
}

// text compares two texts by line. What rules change, they change line by line.
func (r *report) text(legacy, fresh []byte, rules []*rule.Compiled) {
	if !r.spend((len(legacy) + len(fresh)) / bytesPerStep) {
		return
	}
	head, tail := commonLines(legacy, fresh)
	first := 1 + bytes.Count(legacy[:head], []byte{'\n'})
	seed := maphash.MakeSeed()
	l, ok := r.split(legacy[head:len(legacy)-tail], rules, seed)
	f, okToo := r.split(fresh[head:len(fresh)-tail], rules, seed)
	if !ok || !okToo {
		return
	}
	m := align(l.hashes, f.hashes)
	for i, text := range l.text {
		switch at := m.fresh[i]; {
		case at < 0:
			r.line(first+i, KindMissing, stringValue(string(text)), Value{})
		case bytes.Equal(text, f.text[at]) || len(rules) > 0 && r.reconciles(rules, string(text), string(f.text[at])):
		default:
			was, is := nearDifference(text, f.text[at])
			r.line(first+i, KindText, was, is)
		}
	}
	for i, text := range f.text {
		if m.legacy[i] < 0 {
			r.line(first+i, KindExtra, Value{}, stringValue(string(text)))
		}
	}
}

func (r *report) line(number int, kind Kind, legacy, fresh Value) {
	if r.spend(1) && r.room(likeness{"line", kind, legacy.Type, fresh.Type}) {
		where := "line " + strconv.Itoa(number)
		r.found = append(r.found, Difference{Where: where, Path: "line", Kind: kind, Legacy: legacy, New: fresh})
	}
}

// split makes lines of a text, and hashes them.
func (r *report) split(text []byte, rules []*rule.Compiled, seed maphash.Seed) (lines, bool) {
	count := 1 + bytes.Count(text, []byte{'\n'})
	if !r.spend(count*stepsPerLine + (len(rules)*len(text))>>5) {
		return lines{}, false
	}
	l := lines{text: make([][]byte, 0, count), hashes: make([]uint64, 0, count)}
	for line := range bytes.SplitSeq(text, []byte{'\n'}) {
		l.text = append(l.text, line)
		if len(rules) > 0 {
			l.hashes = append(l.hashes, maphash.String(seed, textOf(rules, string(line))))
		} else {
			l.hashes = append(l.hashes, maphash.Bytes(seed, line))
		}
	}
	return l, true
}

// commonLines returns how many bytes of whole lines the texts begin and end
// with alike.
func commonLines(legacy, fresh []byte) (head, tail int) {
	short := min(len(legacy), len(fresh))
	for head < short && legacy[head] == fresh[head] {
		head++
	}
	head = 1 + bytes.LastIndexByte(legacy[:head], '\n')
	for tail < short-head && legacy[len(legacy)-1-tail] == fresh[len(fresh)-1-tail] {
		tail++
	}
	if end := bytes.IndexByte(legacy[len(legacy)-tail:], '\n'); end >= 0 {
		return head, tail - end
	}
	return head, 0
}

// nearDifference shows two lines from shortly before the place where they
// differ, where they are too long to be shown whole.
func nearDifference(legacy, fresh []byte) (was, is Value) {
	const before = 64
	at := 0
	for at < min(len(legacy), len(fresh)) && legacy[at] == fresh[at] {
		at++
	}
	if max(len(legacy), len(fresh)) <= MaxText || at <= before {
		return stringValue(string(legacy)), stringValue(string(fresh))
	}
	at -= before
	return stringValue("…" + string(legacy[at:])), stringValue("…" + string(fresh[at:]))
}
