package compare

import (
	"bytes"
	"encoding/json"
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
	body, reason := decode(a.Body, codingsOf(a.Header), Limits{}.orDefaults())
	if reason != "" || !json.Valid(body) {
		return Value{}, false
	}
	found := lookup(bytes.TrimSpace(body), path)
	if len(found) == 0 {
		return Value{}, true
	}
	return Value{Type: typeOf(found[0]), Text: shown(string(compact(nil, found)))}, true
}

// lookup goes along a path, as differences write it; nil: nothing is there.
func lookup(at json.RawMessage, path string) json.RawMessage {
	for path != "" {
		var elements []json.RawMessage
		var members map[string]json.RawMessage
		if json.Unmarshal(at, &elements) != nil && json.Unmarshal(at, &members) != nil {
			return nil
		}
		at = nil
		for i, element := range elements {
			if rest, begins := strings.CutPrefix(path, string(rule.AppendIndex(nil, i))); begins {
				at, path = element, rest
				break
			}
		}
		for name, member := range members {
			step := string(rule.AppendKey(nil, readable(name[:min(len(name), maxPath)])))
			if rest, begins := strings.CutPrefix(path, step); begins && (rest == "" || rest[0] == '.' || rest[0] == '[') {
				at, path = member, rest
				break
			}
		}
		if at == nil {
			return nil
		}
	}
	return at
}

// typeOf is the type of the JSON value that begins with a byte.
func typeOf(first byte) string {
	switch first {
	case '{':
		return kindObject.String()
	case '[':
		return kindArray.String()
	case '"':
		return kindString.String()
	case 't', 'f':
		return kindBoolean.String()
	case 'n':
		return kindNull.String()
	default:
		return kindNumber.String()
	}
}
