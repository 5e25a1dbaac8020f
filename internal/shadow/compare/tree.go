package compare

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

type nodeKind uint8

const (
	kindNull nodeKind = iota
	kindBoolean
	kindNumber
	kindString
	kindArray
	kindObject
)

func (k nodeKind) String() string {
	return [...]string{"null", "boolean", "number", "string", "array", "object"}[k]
}

// span is a piece of a body.
type span struct {
	begin, end uint32
	escaped    bool // there are escapes in it; of a key: it lies in decoded
}

// node is one JSON value. What is in it follows in the order of the body, so
// that its first child is the next node, and next is the first one behind it.
type node struct {
	raw   span // as it is written, quotes and brackets included
	key   span // without quotes
	next  uint32
	count uint32 // of elements or members
	kind  nodeKind
}

// tree is a JSON body; node 0 is all of it.
type tree struct {
	src     []byte
	decoded []byte // keys that had escapes, as what they stand for
	nodes   []node
	at      int // how far it was read
}

func (t *tree) raw(i uint32) []byte {
	n := &t.nodes[i]
	return t.src[n.raw.begin:n.raw.end]
}

func (t *tree) key(i uint32) []byte {
	key := t.nodes[i].key
	if key.escaped {
		return t.decoded[key.begin:key.end]
	}
	return t.src[key.begin:key.end]
}

// text is what a string stands for.
func (t *tree) text(i uint32) []byte {
	raw := t.raw(i)
	raw = raw[1 : len(raw)-1]
	if t.nodes[i].raw.escaped {
		return unescape(nil, raw)
	}
	return raw
}

func (t *tree) children(i uint32) []uint32 {
	children := make([]uint32, 0, t.nodes[i].count)
	for at := i + 1; at < t.nodes[i].next; at = t.nodes[at].next {
		children = append(children, at)
	}
	return children
}

// member returns the first member of an object with a key.
func (t *tree) member(i uint32, key string) (uint32, bool) {
	for at := i + 1; at < t.nodes[i].next; at = t.nodes[at].next {
		if string(t.key(at)) == key {
			return at, true
		}
	}
	return 0, false
}

// value is a node as people see it.
func (t *tree) value(i uint32) Value {
	return Value{Type: t.nodes[i].kind.String(), Text: shown(string(compact(nil, t.raw(i))))}
}

// compact appends JSON without white space. It stops soon after MaxText, for
// nobody sees the rest.
func compact(dst, src []byte) []byte {
	quoted := false
	for i := 0; i < len(src) && len(dst) <= MaxText; i++ {
		c := src[i]
		switch {
		case quoted && c == '\\' && i+1 < len(src):
			dst = append(dst, c)
			i++
			c = src[i]
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ' ' || c == '\n' || c == '\t' || c == '\r'):
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

// unescape appends what a string of JSON stands for. Half a surrogate pair
// becomes three bytes that no text has, so that it equals itself alone.
func unescape(dst, src []byte) []byte {
	for {
		at := bytes.IndexByte(src, '\\')
		if at < 0 {
			return append(dst, src...)
		}
		dst = append(dst, src[:at]...)
		src = src[at:]
		if src[1] != 'u' {
			dst = append(dst, unescaped(src[1]))
			src = src[2:]
			continue
		}
		r := hexRune(src[2:6])
		src = src[6:]
		if utf16.IsSurrogate(r) {
			if len(src) >= 6 && src[0] == '\\' && src[1] == 'u' {
				if pair := utf16.DecodeRune(r, hexRune(src[2:6])); pair != utf8.RuneError {
					dst = utf8.AppendRune(dst, pair)
					src = src[6:]
					continue
				}
			}
			dst = append(dst, 0xE0|byte(r>>12), 0x80|byte(r>>6)&0x3F, 0x80|byte(r)&0x3F)
			continue
		}
		dst = utf8.AppendRune(dst, r)
	}
}

func unescaped(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	default:
		return c
	}
}

func hexRune(digits []byte) rune {
	r, _ := strconv.ParseUint(string(digits), 16, 16) // the parser has seen that they are
	return rune(r)
}
