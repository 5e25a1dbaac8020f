package spec

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/stranglerfig/strangler/internal/rollout"
)

// maxAliased is how many values aliases may repeat, so that a small text
// cannot grow into a huge one.
const maxAliased = 100_000

// reader turns a YAML tree into definitions, by the yaml tags of their types.
// It goes on after a problem, so that all of them are found at once; the
// decoder of the YAML library stops at the first.
type reader struct {
	file     string
	anchors  map[string]ast.Node
	aliased  int // values read through aliases so far
	through  int // aliases around the present value
	problems Problems
}

func (r *reader) report(node ast.Node, path, code, format string, args ...any) {
	position := first(node).GetToken().Position
	r.problems = append(r.problems, Problem{
		File: r.file, Line: position.Line, Column: position.Column,
		Path: path, Code: code, Message: fmt.Sprintf(format, args...),
	})
}

// value reads node into a value of any of the types that definitions consist of.
func (r *reader) value(node ast.Node, path string, into reflect.Value) {
	if r.through > 0 {
		if r.aliased++; r.aliased > maxAliased {
			return // alias has reported it
		}
	}
	switch n := node.(type) {
	case *ast.AnchorNode:
		r.value(n.Value, path, into)
		r.anchors[keyText(n.Name)] = n.Value // known only from here on: no anchor lies in itself
		return
	case *ast.AliasNode:
		r.alias(n, path, into)
		return
	case *ast.TagNode:
		r.report(node, path, CodeType, "%s has the tag %s: definitions need no tags, leave it out", label(path), n.Start.Value)
		return
	}
	part, isPart := reflect.TypeAssert[interface{ switches() (*bool, any) }](into.Addr())
	switch {
	case isPart:
		r.part(node, path, part.switches)
	case into.Type() == reflect.TypeFor[Key]():
		r.key(node, path, into)
	case into.Kind() == reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		r.value(node, path, into.Elem())
	case into.Kind() == reflect.Struct:
		r.fields(node, path, into)
	case into.Kind() == reflect.Slice:
		r.list(node, path, into)
	case into.Kind() == reflect.Map:
		r.texts(node, path, into)
	case into.Kind() == reflect.Int:
		r.integer(node, path, into)
	default:
		if text, ok := r.word(node, path); ok {
			into.SetString(text)
		}
	}
}

func (r *reader) alias(n *ast.AliasNode, path string, into reflect.Value) {
	target, ok := r.anchors[keyText(n.Value)]
	if !ok {
		r.report(n, path, CodeSyntax, "the alias *%s has no anchor before it", keyText(n.Value))
		return
	}
	r.through++
	before := r.aliased
	r.value(target, path, into)
	r.through--
	if before <= maxAliased && r.aliased > maxAliased && r.through == 0 {
		r.report(n, path, CodeSyntax, "aliases repeat more than %d values: write them out", maxAliased)
	}
}

// fields reads a map into a struct.
func (r *reader) fields(node ast.Node, path string, into reflect.Value) {
	if _, empty := node.(*ast.NullNode); empty {
		return
	}
	mapping, ok := node.(*ast.MappingNode)
	if !ok {
		r.report(node, path, CodeType, "%s is %s: want a map with the keys %s", label(path), shape(node), strings.Join(keysOf(into.Type()), ", "))
		return
	}
	lines := make(map[string]int, len(mapping.Values))
	for _, pair := range mapping.Values {
		name := keyText(pair.Key)
		if line, twice := lines[name]; twice {
			r.report(pair.Key, join(path, name), CodeDuplicate, "the key %q occurs twice in %s: first in line %d", name, label(path), line)
			continue
		}
		lines[name] = pair.Key.GetToken().Position.Line
		index := fieldOf(into.Type(), name)
		if index < 0 {
			known := keysOf(into.Type())
			hint := didYouMean(rollout.Near(name, known))
			if hint == "" {
				hint = "; the keys are " + strings.Join(known, ", ")
			}
			r.report(pair.Key, join(path, name), CodeUnknownKey, "unknown key %q in %s%s", name, label(path), hint)
			continue
		}
		r.value(pair.Value, join(path, name), into.Field(index))
	}
}

// part reads the settings of a part that may be off, or the word off.
func (r *reader) part(node ast.Node, path string, switches func() (*bool, any)) {
	off, settings := switches()
	into := reflect.ValueOf(settings).Elem()
	switch node.(type) {
	case *ast.MappingNode, *ast.SequenceNode, *ast.NullNode:
		r.fields(node, path, into)
		return
	}
	word, ok := r.word(node, path)
	if *off = word == wordOff; ok && !*off {
		r.report(node, path, CodeType, "%s is %q: want a map with the keys %s, or off", label(path), word, strings.Join(keysOf(into.Type()), ", "))
	}
}

// texts reads a map of texts whose keys are people's own.
func (r *reader) texts(node ast.Node, path string, into reflect.Value) {
	if _, empty := node.(*ast.NullNode); empty {
		return
	}
	mapping, ok := node.(*ast.MappingNode)
	if !ok {
		r.report(node, path, CodeType, "%s is %s: want a map, like {X-Name: value}", label(path), shape(node))
		return
	}
	texts := make(map[string]string, len(mapping.Values))
	for _, pair := range mapping.Values {
		name := keyText(pair.Key)
		if _, twice := texts[name]; twice {
			r.report(pair.Key, join(path, name), CodeDuplicate, "the key %q occurs twice in %s", name, label(path))
			continue
		}
		var text string
		r.value(pair.Value, join(path, name), reflect.ValueOf(&text).Elem())
		texts[name] = text
	}
	if len(texts) > 0 {
		into.Set(reflect.ValueOf(texts))
	}
}

func (r *reader) list(node ast.Node, path string, into reflect.Value) {
	if _, empty := node.(*ast.NullNode); empty {
		return
	}
	sequence, ok := node.(*ast.SequenceNode)
	if !ok {
		r.report(node, path, CodeType, "%s is %s: want a list, like [a, b]", label(path), shape(node))
		return
	}
	if len(sequence.Values) == 0 && into.Type().Elem().Kind() != reflect.String {
		return // of words none at all may be meant, and is then to be refused
	}
	into.Set(reflect.MakeSlice(into.Type(), len(sequence.Values), len(sequence.Values)))
	for i, item := range sequence.Values {
		r.value(item, fmt.Sprintf("%s[%d]", path, i), into.Index(i))
	}
}

func (r *reader) integer(node ast.Node, path string, into reflect.Value) {
	text, ok := r.word(node, path)
	if !ok {
		return
	}
	number, err := strconv.Atoi(text)
	if err != nil {
		r.report(node, path, CodeType, "%s is %q: want a whole number", label(path), text)
		return
	}
	into.SetInt(int64(number))
}

// key reads mint, client_address or {header: X-User-Id}.
func (r *reader) key(node ast.Node, path string, into reflect.Value) {
	var key Key
	var err error
	if mapping, ok := node.(*ast.MappingNode); ok {
		if len(mapping.Values) != 1 {
			r.report(node, path, CodeKey, "%s has %d parts, a key has one: %s", label(path), len(mapping.Values), keyHint)
			return
		}
		pair := mapping.Values[0]
		name, ok := r.word(pair.Value, join(path, keyText(pair.Key)))
		if !ok {
			return
		}
		key, err = namedKey(keyText(pair.Key), name)
	} else {
		word, ok := r.word(node, path)
		if !ok {
			return
		}
		key, err = bareKey(word)
	}
	if err != nil {
		r.report(node, path, CodeKey, "%v", err)
		return
	}
	into.Set(reflect.ValueOf(key))
}

// word reads a scalar as it is written: 1.50 stays "1.50", and yes stays "yes".
func (r *reader) word(node ast.Node, path string) (string, bool) {
	var text string
	switch n := node.(type) {
	case *ast.StringNode:
		text = n.Value
	case *ast.LiteralNode:
		text = n.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		text = node.GetToken().Value
	case *ast.NullNode:
		r.report(node, path, CodeType, "%s has no value: write one, or leave the key out", label(path))
		return "", false
	default:
		torn, ok := rejoin(node)
		if !ok {
			r.report(node, path, CodeType, "%s is %s: want a single value", label(path), shape(node))
			return "", false
		}
		text = torn
	}
	if strings.ContainsRune(text, 0) {
		r.report(node, path, CodeType, "%s contains a NUL byte, which no store keeps", label(path))
		return "", false
	}
	return text, true
}

// rejoin puts together what the parser tears apart: in a list within braces it
// takes the port of an unquoted http://127.0.0.1:80 for a map's value, though
// YAML wants a space after a map's colon.
func rejoin(node ast.Node) (string, bool) {
	mapping, ok := node.(*ast.MappingNode)
	if !ok || mapping.IsFlowStyle || len(mapping.Values) != 1 {
		return "", false
	}
	pair := mapping.Values[0]
	key, colon, value := pair.Key.GetToken(), pair.GetToken(), pair.Value.GetToken()
	if key.Type != token.StringType || value.Position.Line != colon.Position.Line || value.Position.Column != colon.Position.Column+1 {
		return "", false
	}
	return key.Value + ":" + value.Value, true
}

// shape names what a node is, for people.
func shape(node ast.Node) string {
	switch node.(type) {
	case *ast.MappingNode:
		return "a map"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode:
		return "empty"
	default:
		return fmt.Sprintf("the value %q", keyText(node))
	}
}

func label(path string) string {
	if path == "" {
		return "the file"
	}
	return path
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// keysOf lists the keys that a struct takes.
func keysOf(t reflect.Type) []string {
	keys := make([]string, t.NumField())
	for i := range keys {
		keys[i] = keyOf(t.Field(i))
	}
	return keys
}

func fieldOf(t reflect.Type, key string) int {
	for i := range t.NumField() {
		if keyOf(t.Field(i)) == key {
			return i
		}
	}
	return -1
}

func keyOf(field reflect.StructField) string {
	key, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
	return key
}
