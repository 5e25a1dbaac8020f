package spec

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// lineWidth is how long a line may become before a map or list is written
// over several.
const lineWidth = 100

// FormatYAML writes definitions for people and for version control: in the
// given order, small parts on one line, the same bytes for the same
// definitions. ParseYAML reads the same definitions back, whatever is in them;
// the encoder of the YAML library does not quote well enough for that.
//
// It fails only for what no file can hold: text that is not UTF-8, and keys of
// a kind that does not exist.
func FormatYAML(defs Definitions) ([]byte, error) {
	var f formatter
	for _, section := range f.pairs(reflect.ValueOf(defs)) {
		f.text.WriteString(section.key + ":\n")
		for i := range section.value.Len() {
			lead := "  - "
			for _, field := range f.pairs(section.value.Index(i)) {
				f.block(lead, field)
				lead = "    "
			}
		}
	}
	if f.text.Len() == 0 {
		f.text.WriteString("{}\n")
	}
	if f.err != nil {
		return nil, fmt.Errorf("definitions as YAML: %w", f.err)
	}
	return []byte(f.text.String()), nil
}

// formatter collects lines, and the first thing that cannot be written.
type formatter struct {
	text strings.Builder
	err  error
}

// pair is one written field of a struct, or one entry of a map.
type pair struct {
	key   string
	value reflect.Value
}

// pairs lists the fields of a struct that are to be written, or a map by key.
func (f *formatter) pairs(v reflect.Value) []pair {
	var list []pair
	if v.Kind() == reflect.Map {
		for key, value := range v.Seq2() {
			list = append(list, pair{f.name(key.String()), value})
		}
		slices.SortFunc(list, func(a, b pair) int { return cmp.Compare(a.key, b.key) })
		return list
	}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if v.Field(i).IsZero() && strings.HasSuffix(field.Tag.Get("yaml"), ",omitempty") {
			continue
		}
		list = append(list, pair{keyOf(field), v.Field(i)})
	}
	return list
}

// block writes one field: on one line where it fits, else its parts on lines
// of their own.
func (f *formatter) block(lead string, field pair) {
	line := lead + field.key + ": " + f.flow(field.value)
	value := bare(field.value)
	if len(line) <= lineWidth || value.Kind() == reflect.String {
		f.text.WriteString(line + "\n")
		return
	}
	f.text.WriteString(lead + field.key + ":\n")
	indent := strings.Repeat(" ", len(lead)+2)
	if value.Kind() == reflect.Slice {
		for i := range value.Len() {
			f.text.WriteString(indent + "- " + f.flow(value.Index(i)) + "\n")
		}
		return
	}
	for _, part := range f.pairs(value) {
		f.block(indent, part)
	}
}

// flow writes a value on one line.
func (f *formatter) flow(v reflect.Value) string {
	if key, ok := reflect.TypeAssert[Key](v); ok {
		return f.key(key)
	}
	var parts []string
	v = bare(v)
	switch v.Kind() {
	case reflect.Struct, reflect.Map:
		for _, p := range f.pairs(v) {
			parts = append(parts, p.key+": "+f.flow(p.value))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case reflect.Slice:
		for i := range v.Len() {
			parts = append(parts, f.flow(v.Index(i)))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case reflect.String:
		return f.scalar(v.String())
	default:
		return fmt.Sprint(v.Interface())
	}
}

// bare is a value without the pointer to it, and without the choice between a
// part of a guard and the word off.
func bare(v reflect.Value) reflect.Value {
	v = reflect.Indirect(v)
	if part, ok := reflect.TypeAssert[interface{ plain() any }](v); ok && v.Kind() == reflect.Struct {
		return reflect.ValueOf(part.plain())
	}
	return v
}

func (f *formatter) key(key Key) string {
	switch word := key.word(); {
	case word == "":
		f.err = fmt.Errorf("unknown kind of key %d", key.Kind)
		return ""
	case key.named():
		return "{" + word + ": " + f.scalar(key.Name) + "}"
	default:
		return word
	}
}

// name quotes the key of a map unless every reader sees where it ends.
func (f *formatter) name(s string) string {
	if strings.Contains(s, ":") {
		return quoted(s)
	}
	return f.scalar(s)
}

// scalar quotes a string unless every reader of YAML takes it for a string.
func (f *formatter) scalar(s string) string {
	if !utf8.ValidString(s) {
		f.err = fmt.Errorf("%q is not UTF-8", s)
	}
	if plain(s) {
		return s
	}
	return quoted(s)
}

// plain reports whether a string needs no quotes: names, paths, addresses, and
// numbers with a unit.
func plain(s string) bool {
	if s == "" || strings.HasSuffix(s, ":") {
		return false
	}
	if s[0] >= '0' && s[0] <= '9' {
		unit := strings.TrimLeft(s, "0123456789.")
		return slices.Contains([]string{"%", "ms", "s", "m", "h", "KiB", "MiB"}, unit)
	}
	switch strings.ToLower(s) {
	case "true", "false", "yes", "no", "on", "off", "y", "n", "null":
		return false
	}
	return (s[0] == '/' || alphanumeric(rune(s[0]))) && !strings.ContainsFunc(s, func(r rune) bool {
		return !alphanumeric(r) && !strings.ContainsRune("_/.:-", r)
	})
}

// quoted writes a double-quoted YAML string.
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
