package compare_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf16"

	"pgregory.net/rapid"

	"github.com/stranglerfig/strangler/internal/shadow/rule"
)

// A document is a JSON value for tests: nil, bool, number, string, []any or
// map[string]any.
type number string

// documents draws values, whose members never have a name that tells elements apart.
func documents() *rapid.Generator[any] { return documentsOf(4) }

func documentsOf(depth int) *rapid.Generator[any] {
	leaves := []*rapid.Generator[any]{
		rapid.Just[any](nil),
		rapid.Bool().AsAny(),
		rapid.Custom(func(t *rapid.T) any { return number(fmt.Sprint(rapid.IntRange(-20, 20).Draw(t, "number"))) }),
		rapid.SampledFrom([]string{"", "a", "b", "é", "\"\\\n", "😀"}).AsAny(),
	}
	if depth > 0 {
		leaves = append(leaves,
			rapid.SliceOfN(rapid.Deferred(func() *rapid.Generator[any] { return documentsOf(depth - 1) }), 0, 5).AsAny(),
			rapid.MapOfN(
				rapid.SampledFrom([]string{"a", "b", "c d", "é", "x1", "it's"}),
				rapid.Deferred(func() *rapid.Generator[any] { return documentsOf(depth - 1) }), 0, 4).AsAny())
	}
	return rapid.OneOf(leaves...)
}

// printed writes a document in one of its spellings.
func printed(t *rapid.T, document any) string {
	var b strings.Builder
	printTo(t, &b, document)
	return b.String()
}

func printTo(t *rapid.T, b *strings.Builder, document any) {
	space := func() { b.WriteString(rapid.SampledFrom([]string{"", "", " ", "\n\t"}).Draw(t, "space")) }
	space()
	defer space()
	switch v := document.(type) {
	case nil:
		b.WriteString("null")
	case bool:
		fmt.Fprint(b, v)
	case number:
		b.WriteString(respelt(t, string(v)))
	case string:
		b.WriteString(quoted(t, v))
	case []any:
		b.WriteByte('[')
		for i, element := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			printTo(t, b, element)
		}
		b.WriteByte(']')
	case map[string]any:
		b.WriteByte('{')
		keys := rapid.Permutation(slices.Sorted(maps.Keys(v))).Draw(t, "order")
		for i, key := range keys {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(quoted(t, key))
			b.WriteByte(':')
			printTo(t, b, v[key])
		}
		b.WriteByte('}')
	}
}

// quoted writes a string with or without escapes.
func quoted(t *rapid.T, text string) string {
	var b strings.Builder
	b.WriteByte('"')
	escape := rapid.IntRange(0, 3).Draw(t, "escape") == 0
	for _, r := range text {
		switch {
		case r > 0xFFFF && escape:
			first, second := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04X\u%04x`, first, second)
		case r < 0x20 || r == '"' || r == '\\' || escape:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String() + `"`
}

// respelt writes an integer in another way.
func respelt(t *rapid.T, integer string) string {
	switch rapid.IntRange(0, 4).Draw(t, "spelling") {
	case 0:
		return integer + ".000"
	case 1:
		return integer + ".0e-0"
	case 2:
		return integer + "E+00"
	default:
		return integer
	}
}

// mutation is one change of a document.
type mutation struct {
	document any // a copy of all of it, with the change
	kind     string
	where    string
	path     string // with [*] for elements
}

// mutated changes a document at one place, which it draws.
func mutated(t *rapid.T, document any, where, path string) mutation {
	switch v := document.(type) {
	case []any:
		if len(v) > 0 && rapid.Bool().Draw(t, "deeper") {
			at := rapid.IntRange(0, len(v)-1).Draw(t, "element")
			m := mutated(t, v[at], string(rule.AppendIndex([]byte(where), at)), path+"[*]")
			copied := slices.Clone(v)
			copied[at] = m.document
			m.document = copied
			return m
		}
		at := rapid.IntRange(0, len(v)).Draw(t, "place")
		return mutation{slices.Insert(slices.Clone(v), at, any("new")), "extra", string(rule.AppendIndex([]byte(where), at)), path + "[*]"}
	case map[string]any:
		copied := maps.Clone(v)
		keys := slices.Sorted(maps.Keys(v))
		if len(keys) == 0 || rapid.IntRange(0, 3).Draw(t, "add") == 0 {
			copied["new"] = number("1")
			return mutation{copied, "extra", where + ".new", path + ".new"}
		}
		key := rapid.SampledFrom(keys).Draw(t, "key")
		whereKey, pathKey := string(rule.AppendKey([]byte(where), key)), string(rule.AppendKey([]byte(path), key))
		if rapid.IntRange(0, 3).Draw(t, "remove") == 0 {
			delete(copied, key)
			return mutation{copied, "missing", whereKey, pathKey}
		}
		m := mutated(t, v[key], whereKey, pathKey)
		copied[key] = m.document
		m.document = copied
		return m
	default:
		changed, kind := changedLeaf(t, document)
		return mutation{changed, kind, where, path}
	}
}

func changedLeaf(t *rapid.T, leaf any) (changed any, kind string) {
	if rapid.Bool().Draw(t, "type") {
		if _, isString := leaf.(string); isString {
			return number("7"), "type"
		}
		return "7", "type"
	}
	switch v := leaf.(type) {
	case bool:
		return !v, "value"
	case number:
		return number("77"), "value"
	case string:
		return v + "new", "value"
	default:
		return []any{}, "type"
	}
}
