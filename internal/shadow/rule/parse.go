package rule

import (
	"fmt"
	"net/textproto"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ParseTarget reads "$.items[*].price", "header Vary", "status" or "body". Of
// JSONPath (RFC 9535) it knows .name, ['a name'], [3], [*], .* and .. before
// each of them. The error names the character at which it gave up.
func ParseTarget(text string) (Target, error) {
	switch {
	case len(text) > MaxTarget:
		return Target{}, fmt.Errorf("%w: it has %d bytes, and at most %d are allowed", ErrTarget, len(text), MaxTarget)
	case !utf8.ValidString(text):
		return Target{}, fmt.Errorf("%w: %q is no UTF-8", ErrTarget, text)
	case text == areaStatus || text == areaBody:
		return Target{area: text}, nil
	case strings.HasPrefix(text, areaHeader+" "):
		return parseHeader(text)
	case strings.HasPrefix(text, areaJSON):
		return parsePath(text)
	default:
		return Target{}, fmt.Errorf("%w: %q is neither a path like $.items[*].price nor \"header Vary\", \"status\" or \"body\"", ErrTarget, text)
	}
}

func parseHeader(text string) (Target, error) {
	name := strings.TrimSpace(strings.TrimPrefix(text, areaHeader))
	for i := range len(name) {
		if !isToken(name[i]) {
			return Target{}, fmt.Errorf("%w: %q is no name of a header field", ErrTarget, name)
		}
	}
	if name == "" {
		return Target{}, fmt.Errorf("%w: %q names no header field; write it like \"header Vary\"", ErrTarget, text)
	}
	return Target{area: areaHeader, name: textproto.CanonicalMIMEHeaderKey(name)}, nil
}

// isToken reports whether a byte may stand in a field's name (RFC 9110, 5.6.2).
func isToken(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// path is a JSONPath being read; at is the next byte.
type path struct {
	text string
	at   int
}

func parsePath(text string) (Target, error) {
	p := path{text: text, at: len(areaJSON)}
	target := Target{area: areaJSON}
	for p.at < len(text) {
		next, err := p.step()
		if err != nil {
			return Target{}, err
		}
		if target.steps = append(target.steps, next); len(target.steps) > MaxSteps {
			return Target{}, fmt.Errorf("%w: %q has more than %d steps", ErrTarget, text, MaxSteps)
		}
	}
	return target, nil
}

func (p *path) step() (step, error) {
	deep := p.take("..")
	dotted := deep || p.take(".")
	switch {
	case p.peek() == '[' && (deep || !dotted):
		found, err := p.bracket()
		found.deep = deep
		return found, err
	case dotted && p.take("*"):
		return step{kind: stepAny, deep: deep}, nil
	case dotted:
		name, err := p.name()
		return step{name: name, deep: deep}, err
	default:
		return step{}, p.fault("a step begins with a dot or a bracket")
	}
}

// name reads what stands behind a dot, and is kinder than RFC 9535: it takes hyphens.
func (p *path) name() (string, error) {
	begin := p.at
	if c := p.peek(); '0' <= c && c <= '9' || c == '-' {
		return "", p.fault("no name begins so behind a dot; write [3] for an element and ['3'] for a member")
	}
	for p.at < len(p.text) {
		c := p.text[p.at]
		if c < utf8.RuneSelf && c != '_' && c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			break
		}
		p.at++
	}
	if p.at == begin {
		return "", p.fault("a name or * is missing; a name with other characters is written ['like this']")
	}
	return p.text[begin:p.at], nil
}

func (p *path) bracket() (step, error) {
	p.take("[")
	var found step
	var err error
	switch c := p.peek(); {
	case p.take("*"):
		found.kind = stepAny
	case c == '\'' || c == '"':
		found.name, err = p.quoted(c)
	case '0' <= c && c <= '9':
		found.kind = stepIndex
		found.at, err = p.index()
	default:
		return step{}, p.fault("a bracket takes [3], [*] or ['a name']; filters, slices and places counted from the end are not known")
	}
	if err == nil && !p.take("]") {
		err = p.fault("] is missing")
	}
	return found, err
}

func (p *path) index() (int, error) {
	begin := p.at
	for c := p.peek(); '0' <= c && c <= '9'; c = p.peek() {
		p.at++
	}
	digits := p.text[begin:p.at]
	at, err := strconv.ParseInt(digits, 10, 32)
	if err != nil || len(digits) > 1 && digits[0] == '0' {
		p.at = begin
		return 0, p.fault(digits + " is no index of an array")
	}
	return int(at), nil
}

// quoted reads a name between quotes, with the escapes of JSON and \'.
func (p *path) quoted(quote byte) (string, error) {
	p.at++
	var name strings.Builder
	for p.at < len(p.text) {
		c := p.text[p.at]
		switch c {
		case quote:
			p.at++
			return name.String(), nil
		case '\\':
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			name.WriteRune(r)
		default:
			name.WriteByte(c)
			p.at++
		}
	}
	return "", p.fault("the quote is not closed")
}

func (p *path) escape() (rune, error) {
	r, _, rest, err := strconv.UnquoteChar(p.text[p.at:], 0)
	switch {
	case p.at+1 < len(p.text) && strings.IndexByte(`'"/`, p.text[p.at+1]) >= 0:
		r, rest, err = rune(p.text[p.at+1]), p.text[p.at+2:], nil
	case p.at+1 < len(p.text) && strings.IndexByte(`\bfnrtu`, p.text[p.at+1]) < 0:
		err = ErrTarget
	}
	if err != nil {
		return 0, p.fault("no such escape; write \\', \\\\, \\n or \\u00e9")
	}
	p.at = len(p.text) - len(rest)
	return r, nil
}

func (p *path) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *path) take(token string) bool {
	if !strings.HasPrefix(p.text[p.at:], token) {
		return false
	}
	p.at += len(token)
	return true
}

// fault says what is wrong at the next byte; characters are counted from 1.
func (p *path) fault(what string) error {
	return fmt.Errorf("%w: %q, character %d: %s", ErrTarget, p.text, utf8.RuneCountInString(p.text[:p.at])+1, what)
}
