package redact

import (
	"bytes"
	"encoding/json"
	"strings"
)

// json writes one JSON text anew with its secrets hidden. Everything else stays
// as it is written: space, the order of members, keys that are there twice, and
// every digit of a number. What is not JSON is not ok.
func (r *Redactor) json(text []byte, at place) (hidden []byte, ok bool) {
	if !json.Valid(text) { // it also bounds the depth
		return nil, false
	}
	w := writer{Redactor: r, text: text, out: make([]byte, 0, len(text))}
	w.space()
	w.value(at)
	w.space()
	return w.out, true
}

// writer goes through a text that is known to be JSON; at is its next byte.
type writer struct {
	*Redactor

	text []byte
	at   int
	out  []byte
}

func (w *writer) value(at place) {
	switch w.text[w.at] {
	case '{':
		w.object(at)
	case '[':
		w.array(at)
	case '"':
		w.string(at)
	case 'n':
		w.out = append(w.out, w.literal()...) // that a value is null is said by its type
	default:
		w.plain(at)
	}
}

// space copies what stands between two values.
func (w *writer) space() {
	for w.at < len(w.text) && strings.IndexByte(" \t\r\n,:", w.text[w.at]) >= 0 {
		w.out = append(w.out, w.text[w.at])
		w.at++
	}
}

// bracket copies one byte, and the space behind it.
func (w *writer) bracket() {
	w.out = append(w.out, w.text[w.at])
	w.at++
	w.space()
}

func (w *writer) object(at place) {
	w.bracket()
	for w.text[w.at] != '}' {
		raw := w.quoted()
		name := decoded(raw)
		if shown := w.scrub(name); shown != name {
			raw = quote(shown)
		}
		w.out = append(w.out, raw...)
		w.space()
		w.value(at.key(name, w.names))
		w.space()
	}
	w.out = append(w.out, '}')
	w.at++
}

func (w *writer) array(at place) {
	w.bracket()
	for i := 0; w.text[w.at] != ']'; i++ {
		w.value(at.index(i))
		w.space()
	}
	w.out = append(w.out, ']')
	w.at++
}

func (w *writer) string(at place) {
	raw := w.quoted()
	if !at.revealed {
		text := decoded(raw)
		shown := w.scrub(text)
		if at.hidden {
			shown = w.hide("string", text)
		}
		if shown != text {
			raw = quote(shown)
		}
	}
	w.out = append(w.out, raw...)
}

// plain is a number or a boolean.
func (w *writer) plain(at place) {
	raw := w.literal()
	kind := "number"
	if raw[0] == 't' || raw[0] == 'f' {
		kind = "boolean"
	}
	if at.hidden || kind == "number" && !at.revealed && len(cards(nil, string(raw))) > 0 {
		raw = quote(w.hide(kind, string(raw)))
	}
	w.out = append(w.out, raw...)
}

// quoted takes a string, quotes included.
func (w *writer) quoted() []byte {
	begin := w.at
	for w.at++; w.text[w.at] != '"'; w.at++ {
		if w.text[w.at] == '\\' {
			w.at++
		}
	}
	w.at++
	return w.text[begin:w.at]
}

// literal takes a number, true, false or null.
func (w *writer) literal() []byte {
	begin := w.at
	for w.at < len(w.text) && strings.IndexByte(" \t\r\n,:]}", w.text[w.at]) < 0 {
		w.at++
	}
	return w.text[begin:w.at]
}

func decoded(raw []byte) string {
	inside := raw[1 : len(raw)-1]
	if bytes.IndexByte(inside, '\\') < 0 {
		return string(inside)
	}
	var text string
	_ = json.Unmarshal(raw, &text) // it is JSON, and a string
	return text
}

func quote(text string) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // a string can always be encoded
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}
