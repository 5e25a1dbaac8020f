package compare

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
)

// bodies compares what both sides have sent. The reason is why it cannot;
// empty: it could.
func (r *report) bodies(legacy, fresh Answer, o Options) (reason string) {
	if !o.Bodies || bodiless(legacy.Status) || bodiless(fresh.Status) {
		return ""
	}
	codings, freshCodings := codingsOf(legacy.Header), codingsOf(fresh.Header)
	if slices.Equal(codings, freshCodings) && bytes.Equal(legacy.Body, fresh.Body) {
		return ""
	}
	if r.ignores(o.Rules.Body().Here()) {
		return ""
	}
	l, reason := decode(legacy.Body, codings, r.limits)
	if reason != "" {
		return reason
	}
	f, reason := decode(fresh.Body, freshCodings, r.limits)
	if reason != "" || bytes.Equal(l, f) {
		return reason
	}
	r.contents(body{mediaOf(legacy.Header), l}, body{mediaOf(fresh.Header), f}, o)
	return ""
}

// bodiless reports whether answers of a status never have a body, whatever
// their fields say (RFC 9110, 6.4.1).
func bodiless(status int) bool {
	return status < 200 || status == 204 || status == 205 || status == 304
}

// contents compares two bodies that differ in their bytes.
func (r *report) contents(l, f body, o Options) {
	as := agreed(l.media, f.media, l.data, f.data)
	if l.media == mediaUnknown {
		l.media = sniffed(l.data)
	}
	if f.media == mediaUnknown {
		f.media = sniffed(f.data)
	}
	switch {
	case len(f.data) == 0:
		r.add("body", KindMissing, l.describe(""), Value{})
	case len(l.data) == 0:
		r.add("body", KindExtra, Value{}, f.describe(""))
	case as == mediaJSON || as == mediaRecords:
		r.json(l, f, as, o)
	case as == mediaText && (l.media == mediaBytes || f.media == mediaBytes):
		r.add("body", KindMedia, l.describe(""), f.describe(""))
	case as == mediaText:
		r.text(l.data, f.data, o.Rules.Body().Here())
	default:
		r.add("body", KindBytes, hashed(l.data), hashed(f.data))
	}
}

func hashed(data []byte) Value {
	sum := sha256.Sum256(data)
	return Value{Type: "bytes", Text: fmt.Sprintf("sha256:%s, %d bytes", hex.EncodeToString(sum[:]), len(data))}
}

// json compares bodies of which at least one says that it is JSON. One that
// does not parse is not JSON, and two of them are text.
func (r *report) json(l, f body, as media, o Options) {
	l.data, f.data = withoutMark(l.data, f.data)
	w := newWalker(r)
	defer w.release()
	legacyEnd := w.legacy.parse(l.data, as == mediaRecords, r.limits.Depth, r.limits.Nodes)
	freshEnd := w.fresh.parse(f.data, as == mediaRecords, r.limits.Depth, r.limits.Nodes-len(w.legacy.nodes))
	switch {
	case legacyEnd == parsedTooMuch || freshEnd == parsedTooMuch:
		r.steps = -1
	case legacyEnd == parsedAll && freshEnd == parsedAll:
		if !w.equal(0, 0) {
			w.walk(0, 0, o.Rules.JSON())
		}
	case legacyEnd == parsedAll:
		r.add("body", KindMedia, body{as, l.data}.describe(""), f.malformed(&w.fresh.tree))
	case freshEnd == parsedAll:
		r.add("body", KindMedia, l.malformed(&w.legacy.tree), body{as, f.data}.describe(""))
	default:
		r.text(l.data, f.data, o.Rules.Body().Here())
	}
}

// malformed describes a body that is no JSON.
func (b body) malformed(t *tree) Value {
	note := ""
	if b.media == mediaJSON || b.media == mediaRecords {
		note = fmt.Sprintf(" that is no JSON from byte %d on", t.at+1)
	}
	b.media = min(b.media, mediaText)
	return b.describe(note)
}

// withoutMark takes a byte order mark away that both sides begin with.
func withoutMark(l, f []byte) (legacy, fresh []byte) {
	const mark = "\uFEFF"
	if bytes.HasPrefix(l, []byte(mark)) && bytes.HasPrefix(f, []byte(mark)) {
		return l[len(mark):], f[len(mark):]
	}
	return l, f
}
