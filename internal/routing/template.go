package routing

import (
	"errors"
	"fmt"
	"strings"
)

// segmentKind orders what a template may say about one segment; the smaller wins.
type segmentKind uint8

const (
	segmentLiteral segmentKind = iota
	segmentPattern
	segmentPlain
)

// segment is one segment of a compiled template.
type segment struct {
	kind    segmentKind
	literal string   // normalised, of a literal
	pattern *pattern // of a pattern
}

func (s *segment) matches(text string) bool {
	switch s.kind {
	case segmentLiteral:
		return text == s.literal
	case segmentPattern:
		return s.pattern.matches(text)
	default:
		return text != ""
	}
}

// pathShape is a compiled Match.Path or Match.Prefix.
type pathShape struct {
	segments []segment
	prefix   bool // covers everything below as well
	either   bool // one slash more at the end does not matter
}

// accepts reports whether a path that matched every segment may go on with
// rest, which is empty or begins with a slash.
func (p *pathShape) accepts(rest string) bool {
	return rest == "" || p.prefix || p.either && rest == "/"
}

// matches reports whether path fits, and how many segments fitted from the left.
func (p *pathShape) matches(path string) (fitted int, ok bool) {
	rest := path
	for i := range p.segments {
		if rest == "" {
			return i, false
		}
		text, next := cutSegment(rest)
		if !p.segments[i].matches(text) {
			return i, false
		}
		rest = next
	}
	return len(p.segments), p.accepts(rest)
}

// cutSegment splits "/orders/42" into "orders" and "/42".
func cutSegment(path string) (segment, rest string) {
	path = path[1:]
	if end := strings.IndexByte(path, '/'); end >= 0 {
		return path[:end], path[end:]
	}
	return path, ""
}

// patternError tells the refusal of a parameter's pattern from that of the template around it.
type patternError struct{ err error }

func (e *patternError) Error() string { return e.err.Error() }

// piece is a stretch of a template's segment: literal text, or a parameter.
type piece struct {
	literal string
	name    string // of a parameter
	pattern string // of a parameter; empty: anything but a slash
}

// maxTemplate bounds a template in bytes. It is far above what people write, and
// keeps patterns far below what package regexp refuses to compile.
const maxTemplate = 2048

// parsePath reads what a Match says about paths.
func (c *compiler) parsePath(m *Match) (pathShape, error) {
	if (m.Path == "") == (m.Prefix == "") {
		return pathShape{}, errors.New("write either path or prefix: a route has exactly one of them")
	}
	shape := pathShape{prefix: m.Prefix != ""}
	template := m.Path + m.Prefix
	if len(template) > maxTemplate {
		return pathShape{}, fmt.Errorf("template %q… is %d bytes long: at most %d are allowed", template[:32], len(template), maxTemplate)
	}
	if template[0] != '/' {
		return pathShape{}, fmt.Errorf("template %q does not begin with a slash: write %q", template, "/"+template)
	}
	switch {
	case shape.prefix && template == "/":
		return shape, nil
	case shape.prefix && strings.HasSuffix(template, "/"):
		return pathShape{}, fmt.Errorf("prefix %q ends in a slash: write %q, which covers itself and everything below",
			template, strings.TrimSuffix(template, "/"))
	case m.TrailingSlash && !shape.prefix && template != "/":
		shape.either, template = true, strings.TrimSuffix(template, "/")
	}
	texts, err := splitTemplate(template)
	if err != nil {
		return pathShape{}, err
	}
	if last := len(texts) - 1; texts[last] == "*" || texts[last] == "**" {
		return pathShape{}, fmt.Errorf("template %q ends in a star, which would stand for itself: write prefix: %s for everything below, or a parameter like {name} for one segment",
			template, "/"+strings.Join(texts[:last], "/"))
	}
	names := map[string]bool{}
	for _, text := range texts {
		s, err := c.parseSegment(template, text, names)
		if err != nil {
			return pathShape{}, err
		}
		shape.segments = append(shape.segments, s)
	}
	return shape, nil
}

// splitTemplate cuts a template at the slashes outside of braces.
func splitTemplate(template string) ([]string, error) {
	var texts []string
	depth, start := 0, 1
	for i := 1; i < len(template); i++ {
		switch template[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth < 0 {
				return nil, fmt.Errorf("template %q closes a brace at byte %d that was never opened", template, i)
			}
		case '/':
			if depth == 0 {
				texts, start = append(texts, template[start:i]), i+1
			}
		}
	}
	if depth > 0 {
		return nil, fmt.Errorf("template %q opens a brace that is never closed", template)
	}
	return append(texts, template[start:]), nil
}

// parseSegment compiles one segment. names are the parameters seen so far.
func (c *compiler) parseSegment(template, text string, names map[string]bool) (segment, error) {
	pieces, err := splitSegment(template, text)
	if err != nil {
		return segment{}, err
	}
	for _, p := range pieces {
		if p.name == "" {
			continue
		}
		if names[p.name] {
			return segment{}, fmt.Errorf("template %q has two parameters named %q: give one another name", template, p.name)
		}
		names[p.name] = true
		if err := checkPattern(template, p); err != nil {
			return segment{}, &patternError{err}
		}
	}
	switch {
	case len(pieces) == 0:
		return segment{kind: segmentLiteral}, nil
	case len(pieces) == 1 && pieces[0].name == "":
		return c.literalSegment(template, pieces[0].literal)
	case len(pieces) == 1 && pieces[0].pattern == "":
		return segment{kind: segmentPlain}, nil
	default:
		return segment{kind: segmentPattern, pattern: c.pattern(pieces)}, nil
	}
}

// literalSegment keeps one copy of a literal for all the templates that have it.
func (c *compiler) literalSegment(template, literal string) (segment, error) {
	if dots(literal) > 0 {
		return segment{}, fmt.Errorf("template %q has the dot segment %q: requests are matched after dot segments are resolved, so it would never match; write the path it leads to",
			template, literal)
	}
	known, ok := c.literals[literal]
	if !ok {
		known = strings.Clone(literal)
		c.literals[known] = known
	}
	return segment{kind: segmentLiteral, literal: known}, nil
}

// splitSegment cuts a segment into its literals, normalised, and parameters.
func splitSegment(template, text string) ([]piece, error) {
	var pieces []piece
	for text != "" {
		if text[0] != '{' {
			end := strings.IndexByte(text, '{')
			if end < 0 {
				end = len(text)
			}
			literal, err := normalizeText(text[:end])
			if err != nil {
				return nil, fmt.Errorf("template %q: in %q: %w; a template holds a path alone, conditions on the query go to match.query",
					template, text[:end], err)
			}
			pieces, text = append(pieces, piece{literal: literal}), text[end:]
			continue
		}
		end := closingBrace(text)
		p, err := parseParameter(template, text[1:end])
		if err != nil {
			return nil, err
		}
		pieces, text = append(pieces, p), text[end+1:]
	}
	return pieces, nil
}

// closingBrace returns where the brace at the start of text closes; splitTemplate made sure that it does.
func closingBrace(text string) int {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(text)
}

// parseParameter reads what stands between braces: name or name:pattern.
func parseParameter(template, inner string) (piece, error) {
	name, expr, hasExpr := strings.Cut(inner, ":")
	if name == "" {
		return piece{}, fmt.Errorf("template %q has a parameter without a name: write {id} or {id:[0-9]+}", template)
	}
	for _, c := range []byte(name) {
		if !isUnreserved(c) || c == '.' || c == '~' {
			return piece{}, fmt.Errorf("template %q: parameter name %q may hold letters, digits, hyphen and underscore only", template, name)
		}
	}
	if hasExpr && expr == "" {
		return piece{}, fmt.Errorf("template %q: parameter %q has an empty pattern: write {%s} to match any segment", template, name, name)
	}
	return piece{name: name, pattern: expr}, nil
}
