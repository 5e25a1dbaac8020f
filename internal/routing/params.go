package routing

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Parameters are the values of a template's parameters in one path, by name,
// in normal form: an encoded slash stays %2F.
type Parameters map[string]string

// Template is a path template taken apart. It reads parameters out of paths and
// writes paths with them. The zero Template has no segments: it reads nothing
// of any path, and writes nothing.
type Template struct {
	text     string // as it was written, for messages
	segments []templateSegment
}

// templateSegment is one segment of a Template.
type templateSegment struct {
	pieces []piece
	// The expression reads a segment that is neither a literal nor one plain
	// parameter; each parameter is one of its groups, in order.
	expression *regexp.Regexp
}

// Template takes the path or the prefix of m apart. What Compile refuses of it
// is refused here as well.
func (m Match) Template() (Template, error) {
	c := &compiler{patterns: map[string]*pattern{}, literals: map[string]string{}}
	if _, err := c.parsePath(&m); err != nil {
		return Template{}, err
	}
	text := m.Path + m.Prefix
	t := Template{text: text}
	switch {
	case m.Prefix == "/":
		return t, nil
	case m.TrailingSlash && m.Prefix == "" && text != "/":
		text = strings.TrimSuffix(text, "/")
	}
	texts, err := splitTemplate(text)
	if err != nil {
		return Template{}, err
	}
	for _, text := range texts {
		pieces, err := splitSegment(t.text, text)
		if err != nil {
			return Template{}, err
		}
		t.segments = append(t.segments, newTemplateSegment(pieces))
	}
	return t, nil
}

func newTemplateSegment(pieces []piece) templateSegment {
	s := templateSegment{pieces: pieces}
	if len(pieces) == 0 || len(pieces) == 1 && pieces[0].pattern == "" {
		return s
	}
	var source strings.Builder
	for _, p := range pieces {
		switch {
		case p.name == "":
			source.WriteString(regexp.QuoteMeta(p.literal))
		case p.pattern == "":
			source.WriteString("([^/]+)")
		default:
			source.WriteString("(" + p.pattern + ")")
		}
	}
	s.expression = regexp.MustCompile("^(?:" + source.String() + ")$") // checkPattern let every pattern pass
	return s
}

// String returns the template as it was written.
func (t Template) String() string { return t.text }

// Depth is the number of segments.
func (t Template) Depth() int { return len(t.segments) }

// Names lists the parameters from left to right.
func (t Template) Names() []string {
	var names []string
	for _, s := range t.segments {
		for _, p := range s.pieces {
			if p.name != "" {
				names = append(names, p.name)
			}
		}
	}
	return names
}

// Fixed is the path of the leading segments that hold no parameter; empty without one.
func (t Template) Fixed() string {
	end := slices.IndexFunc(t.segments, func(s templateSegment) bool {
		return slices.ContainsFunc(s.pieces, func(p piece) bool { return p.name != "" })
	})
	if end < 0 {
		end = len(t.segments)
	}
	return Template{segments: t.segments[:end]}.Write(nil)
}

// Within returns t with the patterns that its parameters have in outer. It
// refuses parameters that outer does not have, and patterns of t's own: they
// would say twice what a request looks like.
func (t Template) Within(outer Template) (Template, error) {
	patterns := map[string]string{}
	for _, s := range outer.segments {
		for _, p := range s.pieces {
			patterns[p.name] = p.pattern
		}
	}
	bound := Template{text: t.text}
	for _, s := range t.segments {
		pieces := slices.Clone(s.pieces)
		for i, p := range pieces {
			pattern, known := patterns[p.name]
			switch {
			case p.name == "":
				continue
			case !known:
				return Template{}, fmt.Errorf("template %q has the parameter %q, which %q does not have: %s",
					t.text, p.name, outer.text, choices(outer.Names()))
			case p.pattern != "":
				return Template{}, fmt.Errorf("template %q has a pattern for the parameter %q: the one in match counts, write {%s}",
					t.text, p.name, p.name)
			}
			pieces[i].pattern = pattern
		}
		bound.segments = append(bound.segments, newTemplateSegment(pieces))
	}
	return bound, nil
}

func choices(names []string) string {
	if len(names) == 0 {
		return "it has none at all"
	}
	return "it has " + strings.Join(names, ", ")
}

// Head returns the leading segments of t that head stands for; false: t does
// not begin with them. Patterns are not compared.
func (t Template) Head(head Template) (Template, bool) {
	if len(head.segments) > len(t.segments) {
		return Template{}, false
	}
	for i, s := range head.segments {
		if !s.alike(t.segments[i]) {
			return Template{}, false
		}
	}
	return Template{text: head.text, segments: t.segments[:len(head.segments)]}, true
}

// WithoutCommonTail returns both templates without the segments at their ends
// that are alike: what is left is what turns paths of one into paths of the other.
func WithoutCommonTail(a, b Template) (Template, Template) {
	for len(a.segments) > 0 && len(b.segments) > 0 && a.last().alike(b.last()) {
		a.segments = a.segments[:len(a.segments)-1]
		b.segments = b.segments[:len(b.segments)-1]
	}
	return a, b
}

func (t Template) last() templateSegment { return t.segments[len(t.segments)-1] }

// alike compares literals and names.
func (s templateSegment) alike(other templateSegment) bool {
	return slices.EqualFunc(s.pieces, other.pieces, func(a, b piece) bool {
		return a.name == b.name && a.literal == b.literal
	})
}

// Read reads the leading segments of path, which is in normal form, into
// values, and returns what follows them: nothing, or what begins with a slash.
// Path does not begin with the template: false, and values may hold some already.
func (t Template) Read(path string, values Parameters) (rest string, ok bool) {
	rest = path
	for _, s := range t.segments {
		if rest == "" {
			return "", false
		}
		text, next := cutSegment(rest)
		if !s.read(text, values) {
			return "", false
		}
		rest = next
	}
	return rest, true
}

func (s templateSegment) read(text string, values Parameters) bool {
	switch {
	case s.expression != nil:
		return s.readGroups(text, values)
	case len(s.pieces) == 0:
		return text == ""
	case s.pieces[0].name == "":
		return text == s.pieces[0].literal
	case text == "":
		return false
	default:
		values[s.pieces[0].name] = text
		return true
	}
}

func (s templateSegment) readGroups(text string, values Parameters) bool {
	groups := s.expression.FindStringSubmatch(text)
	if groups == nil {
		return false
	}
	group := 0
	for _, p := range s.pieces {
		if p.name != "" {
			group++
			values[p.name] = groups[group]
		}
	}
	return true
}

// Write writes the path that the template stands for; the values are in normal form.
func (t Template) Write(values Parameters) string {
	var path strings.Builder
	for _, s := range t.segments {
		path.WriteByte('/')
		for _, p := range s.pieces {
			if p.name == "" {
				path.WriteString(p.literal)
			} else {
				path.WriteString(values[p.name])
			}
		}
	}
	return path.String()
}
