package compare

import (
	"strings"

	"github.com/stranglerfig/strangler/internal/shadow/rule"
)

// Lookup returns what an answer has at a place that Difference.Where names, as a
// difference would show it; the zero Value: nothing is there. Not ok is a place
// that means nothing by itself, such as a line or a body, or one in a body that
// is no JSON or cannot be decoded.
func Lookup(a Answer, where string) (value Value, ok bool) {
	if name, isHeader := strings.CutPrefix(where, "header "); isHeader && !strings.Contains(name, " ") {
		if text := headerText(name, a.Header[name]); text != "" {
			value = stringValue(text)
		}
		return value, true
	}
	path, isPath := strings.CutPrefix(where, "$")
	if !isPath || strings.HasSuffix(path, "…") {
		return Value{}, false
	}
	limits := Limits{}.orDefaults()
	body, reason := decode(a.Body, codingsOf(a.Header), limits)
	if reason != "" {
		return Value{}, false
	}
	var t tree
	if t.parse(body, mediaOf(a.Header) == mediaRecords, limits.Depth, limits.Nodes) != parsedAll {
		return Value{}, false
	}
	return t.lookup(path), true
}

// lookup goes along a path, as differences write it. Of a repeated key the last
// one counts.
func (t *tree) lookup(path string) Value {
	at := uint32(0)
	for path != "" {
		next, rest := uint32(0), ""
		index := 0
		for child := at + 1; child < t.nodes[at].next; child = t.nodes[child].next {
			if after, begins := strings.CutPrefix(path, t.stepTo(at, child, index)); begins && isStepEnd(after) {
				next, rest = child, after
			}
			index++
		}
		if next == 0 {
			return Value{}
		}
		at, path = next, rest
	}
	return t.value(at)
}

// stepTo is how a path leads from a value to one of its children.
func (t *tree) stepTo(parent, child uint32, index int) string {
	if t.kind(parent) == kindArray {
		return string(rule.AppendIndex(nil, index))
	}
	return string(appendName(nil, t.key(child)))
}

func isStepEnd(rest string) bool { return rest == "" || rest[0] == '.' || rest[0] == '[' }
