package compare

import "bytes"

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
	tree
	levels  int // that may still be opened
	most    int // nodes
	tooMuch bool
}

// parse reads one value, or with records any number of them, as if they stood
// in an array.
func parse(src []byte, records bool, depth, nodes int) (tree, parsed) {
	p := parser{tree: tree{src: src}, levels: depth, most: nodes}
	p.nodes = make([]node, 0, min(nodes, estimate(src)))
	ok := p.whole(records)
	switch {
	case p.tooMuch:
		return p.tree, parsedTooMuch
	case !ok:
		return p.tree, parsedNot
	default:
		return p.tree, parsedAll
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

func (p *parser) whole(records bool) bool {
	if !records {
		ok := p.value(span{})
		p.space()
		return ok && p.at == len(p.src)
	}
	if p.most == 0 {
		p.tooMuch = true
		return false
	}
	p.nodes = append(p.nodes, node{kind: kindArray})
	for p.space(); p.at < len(p.src); p.space() {
		if !p.value(span{}) {
			return false
		}
		p.nodes[0].count++
	}
	p.nodes[0].raw.end, p.nodes[0].next = uint32(p.at), uint32(len(p.nodes))
	return true
}

func (p *parser) value(key span) bool {
	p.space()
	if p.at == len(p.src) {
		return false
	}
	if len(p.nodes) >= p.most {
		p.tooMuch = true
		return false
	}
	i := len(p.nodes)
	p.nodes = append(p.nodes, node{key: key, raw: span{begin: uint32(p.at)}})
	kind, escaped, ok := p.content(i)
	n := &p.nodes[i]
	n.kind, n.raw.escaped, n.raw.end, n.next = kind, escaped, uint32(p.at), uint32(len(p.nodes))
	return ok
}

func (p *parser) content(i int) (kind nodeKind, escaped, ok bool) {
	switch p.src[p.at] {
	case '{':
		return kindObject, false, p.container(i, '}')
	case '[':
		return kindArray, false, p.container(i, ']')
	case '"':
		escaped, ok = p.text()
		return kindString, escaped, ok
	case 't':
		return kindBoolean, false, p.word("true")
	case 'f':
		return kindBoolean, false, p.word("false")
	case 'n':
		return kindNull, false, p.word("null")
	default:
		return kindNumber, false, p.number()
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
	return p.value(span{})
}

func (p *parser) member() bool {
	p.space()
	if p.at == len(p.src) || p.src[p.at] != '"' {
		return false
	}
	key := span{begin: uint32(p.at + 1)}
	escaped, ok := p.text()
	if !ok {
		return false
	}
	key.end = uint32(p.at - 1)
	if escaped {
		key = p.unescapedKey(key)
	}
	p.space()
	return p.take(':') && p.value(key)
}

// unescapedKey keeps a key as what it stands for.
func (p *parser) unescapedKey(key span) span {
	begin := len(p.decoded)
	p.decoded = unescape(p.decoded, p.src[key.begin:key.end])
	return span{begin: uint32(begin), end: uint32(len(p.decoded)), escaped: true}
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
		if bytes.IndexByte([]byte(`"\/bfnrt`), src[1]) < 0 {
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
