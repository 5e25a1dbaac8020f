package compare

import (
	"bytes"
	"strings"
)

// parsed says how reading ended.
type parsed uint8

const (
	parsedAll parsed = iota
	parsedNot        // it is no JSON
	parsedTooMuch
)

// parser reads JSON as RFC 8259 has it, but for bytes in strings that are no
// UTF-8: they stay as they are.
type parser struct {
	*tree

	levels  int // that may still be opened
	most    int // nodes
	tooMuch bool
}

// parse reads one value, or with records any number of them, as if they stood
// in an array.
func (t *tree) parse(src []byte, records bool, depth, nodes int) parsed {
	t.src, t.records, t.at = src, records, 0
	t.nodes, t.decoded = t.nodes[:0], t.decoded[:0]
	if most := min(nodes, estimate(src)); cap(t.nodes) < most {
		t.nodes = make([]node, 0, most)
	}
	p := parser{tree: t, levels: depth, most: nodes}
	ok := p.whole()
	switch {
	case p.tooMuch:
		return parsedTooMuch
	case !ok:
		return parsedNot
	default:
		return parsedAll
	}
}

// estimate is at least the number of values: one stands behind every comma and
// bracket, and one by itself.
func estimate(src []byte) int {
	count := 2
	for _, mark := range [...]string{",", "[", "{"} {
		count += bytes.Count(src, []byte(mark))
	}
	return min(count, len(src)+1)
}

func (p *parser) whole() bool {
	if !p.records {
		ok := p.value(0, 0)
		p.space()
		return ok && p.at == len(p.src)
	}
	if p.most == 0 {
		p.tooMuch = true
		return false
	}
	p.nodes = append(p.nodes, node{})
	for p.space(); p.at < len(p.src); p.space() {
		if !p.value(0, 0) {
			return false
		}
		p.nodes[0].count++
	}
	p.nodes[0].end, p.nodes[0].next = uint32(p.at), uint32(len(p.nodes))
	return true
}

func (p *parser) value(key, keyEnds uint32) bool {
	p.space()
	if p.at == len(p.src) {
		return false
	}
	if len(p.nodes) >= p.most {
		p.tooMuch = true
		return false
	}
	i := len(p.nodes)
	p.nodes = append(p.nodes, node{key: key, keyEnds: keyEnds, begin: uint32(p.at)})
	ok := p.content(i)
	n := &p.nodes[i]
	n.end, n.next = uint32(p.at), uint32(len(p.nodes))
	return ok
}

func (p *parser) content(i int) bool {
	switch p.src[p.at] {
	case '{':
		return p.container(i, '}')
	case '[':
		return p.container(i, ']')
	case '"':
		_, ok := p.text()
		return ok
	case 't':
		return p.word("true")
	case 'f':
		return p.word("false")
	case 'n':
		return p.word("null")
	default:
		return p.number()
	}
}

// container reads what stands between brackets; node i counts it.
func (p *parser) container(i int, closing byte) bool {
	if p.levels == 0 {
		p.tooMuch = true
		return false
	}
	p.levels--
	p.at++
	p.space()
	if p.take(closing) {
		p.levels++
		return true
	}
	for p.part(closing) {
		p.nodes[i].count++
		p.space()
		if p.take(closing) {
			p.levels++
			return true
		}
		if !p.take(',') {
			return false
		}
	}
	return false
}

// part reads an element, or a member where a brace will close.
func (p *parser) part(closing byte) bool {
	if closing == '}' {
		return p.member()
	}
	return p.value(0, 0)
}

func (p *parser) member() bool {
	p.space()
	if p.at == len(p.src) || p.src[p.at] != '"' {
		return false
	}
	key := uint32(p.at + 1)
	escaped, ok := p.text()
	if !ok {
		return false
	}
	keyEnds := uint32(p.at - 1)
	if escaped {
		key, keyEnds = p.unescapedKey(key, keyEnds)
	}
	p.space()
	return p.take(':') && p.value(key, keyEnds)
}

// unescapedKey keeps a key as what it stands for.
func (p *parser) unescapedKey(key, keyEnds uint32) (decoded, decodedEnds uint32) {
	decoded = uint32(len(p.decoded))
	p.decoded = unescape(p.decoded, p.src[key:keyEnds])
	return decoded, uint32(len(p.decoded)) | inDecoded
}

func (p *parser) space() {
	for p.at < len(p.src) {
		switch p.src[p.at] {
		case ' ', '\n', '\t', '\r':
			p.at++
		default:
			return
		}
	}
}

func (p *parser) take(c byte) bool {
	if p.at < len(p.src) && p.src[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *parser) word(word string) bool {
	if !bytes.HasPrefix(p.src[p.at:], []byte(word)) {
		return false
	}
	p.at += len(word)
	return true
}

// text reads a string with its quotes.
func (p *parser) text() (escaped, ok bool) {
	src := p.src
	for i := p.at + 1; i < len(src); i++ {
		c := src[i]
		switch {
		case c == '"':
			p.at = i + 1
			return escaped, true
		case c == '\\':
			length := escapeLength(src[i:])
			if length == 0 {
				p.at = i
				return escaped, false
			}
			escaped = true
			i += length - 1
		case c < 0x20:
			p.at = i
			return escaped, false
		}
	}
	p.at = len(src)
	return escaped, false
}

// escapeLength is the length of the escape at the beginning; 0: it is none.
func escapeLength(src []byte) int {
	if len(src) < 2 {
		return 0
	}
	if src[1] != 'u' {
		if strings.IndexByte(`"\/bfnrt`, src[1]) < 0 {
			return 0
		}
		return 2
	}
	if len(src) < 6 {
		return 0
	}
	for _, c := range src[2:6] {
		if !isHex(c) {
			return 0
		}
	}
	return 6
}

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// number reads -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
func (p *parser) number() bool {
	p.take('-')
	if !p.take('0') && !p.digits() {
		return false
	}
	if p.take('.') && !p.digits() {
		return false
	}
	if p.take('e') || p.take('E') {
		if !p.take('+') {
			p.take('-')
		}
		return p.digits()
	}
	return true
}

func (p *parser) digits() bool {
	begin := p.at
	for p.at < len(p.src) && isDigit(p.src[p.at]) {
		p.at++
	}
	return p.at > begin
}
