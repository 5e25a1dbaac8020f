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

// node is one JSON value. Nodes stand in the order of the body: the first child
// is the next one. It is kept small, for there are many: its kind is told by
// its first byte.
type node struct {
	begin, end   uint32 // in the body, quotes and brackets included
	next         uint32 // the first node behind it and its children
	count        uint32 // of elements or members
	key, keyEnds uint32 // without quotes; keyEnds has inDecoded if it lies in tree.decoded
}

// inDecoded marks a key that had escapes. No body is so large that it reached it.
const inDecoded = 1 << 31

func (n *node) size() int { return int(n.end - n.begin) }

// tree is a JSON body; node 0 is all of it.
type tree struct {
	src     []byte
	decoded []byte // keys that had escapes, as what they stand for
	nodes   []node
	records bool // node 0 is an array that has no brackets
	at      int  // how far it was read
}

func (t *tree) kind(i uint32) nodeKind {
	if i == 0 && t.records {
		return kindArray
	}
	switch t.src[t.nodes[i].begin] {
	case '{':
		return kindObject
	case '[':
		return kindArray
	case '"':
		return kindString
	case 't', 'f':
		return kindBoolean
	case 'n':
		return kindNull
	default:
		return kindNumber
	}
}

func (t *tree) raw(i uint32) []byte {
	n := &t.nodes[i]
	return t.src[n.begin:n.end]
}

func (t *tree) key(i uint32) []byte {
	n := &t.nodes[i]
	if n.keyEnds >= inDecoded {
		return t.decoded[n.key : n.keyEnds-inDecoded]
	}
	return t.src[n.key:n.keyEnds]
}

// text is what a string stands for.
func (t *tree) text(i uint32) []byte {
	raw := t.raw(i)
	raw = raw[1 : len(raw)-1]
	if bytes.IndexByte(raw, '\\') >= 0 {
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
	return Value{Type: t.kind(i).String(), Text: shown(string(compact(nil, t.raw(i))))}
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
