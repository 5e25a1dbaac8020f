package redact

import (
	"cmp"
	"slices"
	"strings"
)

// span is a part of a text that is to be hidden: bytes from begin up to end.
type span struct{ begin, end int }

// scrub hides the parts of a text that look like secrets, or stand behind a
// sensitive name.
func (r *Redactor) scrub(text string) string {
	if isShortWord(text) {
		return text
	}
	return r.masked(text, r.spans(text))
}

// isShortWord reports whether a text is too short for a secret, and has nothing
// in it that would make it a name and a value. Most names and many values are such.
func isShortWord(text string) bool {
	if len(text) > minSecret {
		return false
	}
	for i := range len(text) {
		if !isAlnum(text[i]) && text[i] != '_' {
			return false
		}
	}
	return true
}

// masked puts a hash in the place of each span.
func (r *Redactor) masked(text string, spans []span) string {
	if len(spans) == 0 {
		return text
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.begin, b.begin) })
	var shown strings.Builder
	at := 0
	for i := 0; i < len(spans); {
		whole := spans[i]
		for i++; i < len(spans) && spans[i].begin <= whole.end; i++ {
			whole.end = max(whole.end, spans[i].end)
		}
		shown.WriteString(text[at:whole.begin])
		shown.WriteString(r.hide("string", text[whole.begin:whole.end]))
		at = whole.end
	}
	shown.WriteString(text[at:])
	return shown.String()
}

// spans finds what is to be hidden, in any order, and one part perhaps twice.
func (r *Redactor) spans(text string) []span {
	var found []span
	found = r.named(found, text)
	found = tokens(found, text)
	found = schemes(found, text)
	found = cards(found, text)
	found = blocks(found, text)
	return users(found, text)
}

// named finds what stands behind a sensitive name: password=…, "token": "…",
// <secret>…, name="csrf" value="…". How such a value ends nobody can say, so all
// of its line is taken.
func (r *Redactor) named(found []span, text string) []span {
	before := 0 // where the name before this one begins, when one space lies between
	for at := 0; at < len(text); {
		begin, end := nextName(text, at)
		if begin == len(text) {
			break
		}
		if begin == 0 || begin != at+1 || text[at] != ' ' {
			before = begin
		}
		value := valueOf(text, begin, end)
		if value < 0 || !r.namesAt(text, begin).sensitive(text[before:end]) {
			before, at = begin, end
			continue
		}
		at = lineEnd(text, value)
		before = at
		if value < at {
			found = append(found, span{value, at})
		}
	}
	return found
}

// namesAt are the names that count at a place of a text: those of queries where
// it looks like one.
func (r *Redactor) namesAt(text string, begin int) names {
	if begin > 0 && (text[begin-1] == '?' || text[begin-1] == '&') {
		return r.queries
	}
	return r.names
}

// nextName finds the next run of what names are made of; begin is the text's
// end where there is none.
func nextName(text string, at int) (begin, end int) {
	for begin = at; begin < len(text) && !isName(text[begin]); begin++ {
	}
	for end = begin; end < len(text) && isName(text[end]); end++ {
	}
	return begin, end
}

// isName takes every byte beyond ASCII for one of a letter.
func isName(c byte) bool { return isAlnum(c) || c == '_' || c == '-' || c == '.' || c >= 0x80 }

func isAlnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// valueOf returns where the value begins that a name is the name of; negative:
// it names none.
func valueOf(text string, begin, end int) int {
	at := skip(text, end, `\"'])} `+"\t")
	switch {
	case at < len(text) && (text[at] == '=' || text[at] == ':'):
		return skip(text, at, `=:>\"' `+"\t\r\n")
	case at+3 <= len(text) && (strings.EqualFold(text[at:at+3], "%3D") || strings.EqualFold(text[at:at+3], "%3A")):
		return at + 3
	case begin > 0 && text[begin-1] == '<':
		return skip(text, end, "> \t\r\n")
	case at < len(text) && text[at] == ',' && at > end, isLabel(text, begin):
		return skip(text, end, `\"', `+"\t")
	default:
		return -1
	}
}

// labelNames are the attributes of markup that have a name as their value, the
// value that belongs to it being in another attribute.
var labelNames = [...]string{"name", "id", "type", "property", "itemprop", "key", "autocomplete"}

// isLabel reports whether the name at begin is the value of such an attribute.
func isLabel(text string, begin int) bool {
	before, quoted := strings.CutSuffix(strings.TrimRight(text[:begin], `\"'`), "=")
	return quoted && slices.ContainsFunc(labelNames[:], func(label string) bool {
		return len(before) >= len(label) && strings.EqualFold(before[len(before)-len(label):], label)
	})
}

func skip(text string, at int, chars string) int {
	for at < len(text) && strings.IndexByte(chars, text[at]) >= 0 {
		at++
	}
	return at
}

func lineEnd(text string, at int) int {
	if n := strings.IndexAny(text[at:], "\r\n"); n >= 0 {
		return at + n
	}
	return len(text)
}
