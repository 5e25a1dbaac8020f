package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// toYAML writes a JSON document as YAML in block style, keys in the order in
// which they came. Whatever a terminal might obey is escaped, without loss:
// the libraries at hand write such characters as they are.
func toYAML(raw json.RawMessage) ([]byte, error) {
	w := &yamlWriter{json: json.NewDecoder(bytes.NewReader(raw))}
	w.json.UseNumber()
	if err := w.value("", "\n"); err != nil {
		return nil, err
	}
	return bytes.TrimLeft(w.out.Bytes(), " \n"), nil
}

// yamlWriter turns the tokens of a JSON document into lines of YAML.
type yamlWriter struct {
	json *json.Decoder
	out  bytes.Buffer
}

// value writes the next value. A scalar follows on the same line; the first
// entry of an object or array comes after opening, the others after a line
// break and indent.
func (w *yamlWriter) value(indent, opening string) error {
	token, err := w.json.Token()
	if err != nil {
		return err
	}
	switch t := token.(type) {
	case json.Delim:
		return w.entries(t, indent, opening)
	case string:
		fmt.Fprintf(&w.out, " %s\n", yamlString(t))
	case nil:
		w.out.WriteString(" null\n")
	default:
		fmt.Fprintf(&w.out, " %v\n", t)
	}
	return nil
}

func (w *yamlWriter) entries(open json.Delim, indent, opening string) error {
	if !w.json.More() {
		closing, err := w.json.Token()
		fmt.Fprintf(&w.out, " %s%s\n", open, closing)
		return err
	}
	w.out.WriteString(opening)
	for first := true; w.json.More(); first = false {
		if !first || opening == "\n" {
			w.out.WriteString(indent)
		}
		if err := w.entry(open, indent); err != nil {
			return err
		}
	}
	_, err := w.json.Token()
	return err
}

// entry writes one element of an array, or one key and its value.
func (w *yamlWriter) entry(of json.Delim, indent string) error {
	if of == '[' {
		w.out.WriteString("-")
		return w.value(indent+"  ", " ") // an object begins beside its dash
	}
	token, err := w.json.Token()
	if err != nil {
		return err
	}
	key, _ := token.(string) // the decoder sees to it that keys are strings
	fmt.Fprintf(&w.out, "%s:", yamlString(key))
	return w.value(indent+"  ", "\n")
}

// plainYAML is text that no YAML reader takes for anything else than itself,
// but for a few words.
var plainYAML = regexp.MustCompile(`^[A-Za-z_/][A-Za-z0-9_./%@-]*( [A-Za-z0-9_./%@-]+)*$`)

// yamlString writes text plainly where every reader takes it for the same
// text, and else in double quotes, as in JSON.
func yamlString(text string) string {
	words := []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
	if plainYAML.MatchString(text) && !slices.Contains(words, strings.ToLower(text)) {
		return text
	}
	quoted, err := json.Marshal(text)
	if err != nil {
		return `""` // a string always has a JSON form
	}
	return string(escapeJSON(quoted))
}

// escapeJSON writes what a terminal might obey inside the strings of a JSON
// text as \u escapes. Line feeds, which are between its values only, stay.
func escapeJSON(text []byte) []byte {
	var b bytes.Buffer
	for _, r := range string(text) {
		switch {
		case r == '\n' || unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := (r-0x10000)>>10+0xd800, (r-0x10000)&0x3ff+0xdc00
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.Bytes()
}
