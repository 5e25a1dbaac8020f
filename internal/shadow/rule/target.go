package rule

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrTarget is wrapped by everything that ParseTarget refuses.
var ErrTarget = errors.New("no place of an answer")

// Bounds of what a rule may say.
const (
	MaxTarget = 256 // bytes
	MaxSteps  = 32  // of a path
)

// The areas of an answer, as targets begin.
const (
	areaStatus = "status"
	areaHeader = "header"
	areaBody   = "body"
	areaJSON   = "$"
	areaLine   = "line" // of a text body: differences name it, rules say body
)

// Target is a place of an answer, or all places that a path with wildcards
// stands for. The zero value is none.
type Target struct {
	area  string
	name  string // of a header, canonical
	steps []step // of a path
}

// step leads from a place to some of those below it.
type step struct {
	kind stepKind
	deep bool // at any depth, and not only one level below
	name string
	at   int
}

type stepKind uint8

const (
	stepKey stepKind = iota
	stepIndex
	stepAny // every member and every element
)

// String returns the target as differences name it: ParseTarget reads it again.
func (t Target) String() string {
	switch t.area {
	case areaHeader:
		return areaHeader + " " + t.name
	case areaJSON:
		text := []byte(areaJSON)
		for _, s := range t.steps {
			text = s.append(text)
		}
		return string(text)
	default:
		return t.area
	}
}

// IsPath reports whether the target lies in a JSON body.
func (t Target) IsPath() bool { return t.area == areaJSON }

// IsAll reports whether the target takes in a whole body.
func (t Target) IsAll() bool {
	switch t.area {
	case areaBody:
		return true
	case areaJSON:
		return len(t.steps) == 0 || len(t.steps) == 1 && t.steps[0].kind == stepAny
	default:
		return false
	}
}

func (s step) append(text []byte) []byte {
	if s.deep {
		text = append(text, '.')
		if s.kind == stepKey && !isPlain(s.name) || s.kind != stepKey {
			text = append(text, '.')
		}
	}
	switch s.kind {
	case stepIndex:
		return AppendIndex(text, s.at)
	case stepAny:
		return append(text, "[*]"...)
	default:
		return AppendKey(text, s.name)
	}
}

// AppendKey appends the step to an object's member: .price, or ['unit price']
// where the name needs quotes.
func AppendKey(path []byte, name string) []byte {
	if isPlain(name) {
		return append(append(path, '.'), name...)
	}
	path = append(path, "['"...)
	for _, r := range name {
		switch {
		case r == '\'' || r == '\\':
			path = append(path, '\\', byte(r))
		case r < 0x20 || r == 0x7f:
			path = fmt.Appendf(path, `\u%04x`, r)
		default:
			path = append(path, string(r)...)
		}
	}
	return append(path, "']"...)
}

// AppendIndex appends the step to an array's element: [3].
func AppendIndex(path []byte, at int) []byte {
	return append(strconv.AppendInt(append(path, '['), int64(at), 10), ']')
}

// isPlain reports whether a name can stand behind a dot, as RFC 9535 has it.
func isPlain(name string) bool {
	for i := range len(name) {
		c := name[i]
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// below returns the target of a place as a path of steps from the top of an
// answer, its area being the first.
func (t Target) below() []step {
	steps := []step{{name: t.area}}
	if t.area == areaHeader {
		return append(steps, step{name: t.name})
	}
	return append(steps, t.steps...)
}

// HidesAll reports whether the rule keeps every difference of a body away.
func (r Rule) HidesAll() bool {
	target, err := ParseTarget(r.Target)
	return err == nil && r.Kind == Ignore && target.IsAll()
}

// canonical returns the rule's target in one spelling, or as it is written
// where it is none.
func (r Rule) canonical() string {
	target, err := ParseTarget(r.Target)
	if err != nil {
		return strings.TrimSpace(r.Target)
	}
	return target.String()
}
