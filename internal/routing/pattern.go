package routing

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
)

// pattern matches one whole segment that is neither a literal nor a plain
// parameter. Equal patterns are one pointer within a table.
type pattern struct {
	source   string // the regular expression for the segment, without anchors
	prefix   string // literal text that every match begins with
	suffix   string // and ends with
	literals int    // bytes of literal text in it; more of them win

	// The usual pattern, [0-9]+ and its like, is a run of one class; a look at
	// each byte is ten times faster than a regular expression.
	run     *run
	general *regexp.Regexp // when run is nil
}

// run is min to max bytes of one class.
type run struct {
	class    [128]bool
	min, max int // max −1: any number
}

func (p *pattern) matches(text string) bool {
	if p.run == nil {
		return p.general.MatchString(text)
	}
	if len(text) < len(p.prefix)+len(p.suffix) || !strings.HasPrefix(text, p.prefix) || !strings.HasSuffix(text, p.suffix) {
		return false
	}
	return p.run.matches(text[len(p.prefix) : len(text)-len(p.suffix)])
}

func (r *run) matches(text string) bool {
	if len(text) < r.min || r.max >= 0 && len(text) > r.max {
		return false
	}
	for i := range len(text) {
		if c := text[i]; c >= 128 || !r.class[c] {
			return false
		}
	}
	return true
}

// disjoint reports whether the literals around two patterns already keep them
// from matching the same segment. The patterns themselves are not compared.
func (p *pattern) disjoint(q *pattern) bool {
	return !strings.HasPrefix(p.prefix, q.prefix) && !strings.HasPrefix(q.prefix, p.prefix) ||
		!strings.HasSuffix(p.suffix, q.suffix) && !strings.HasSuffix(q.suffix, p.suffix)
}

// pattern returns the compiled form of pieces that checkPattern let pass.
func (c *compiler) pattern(pieces []piece) *pattern {
	const plain = "[^/]+"
	p := &pattern{}
	var source strings.Builder
	for i, piece := range pieces {
		switch {
		case piece.name == "":
			source.WriteString(regexp.QuoteMeta(piece.literal))
			p.literals += len(piece.literal)
			if i == 0 {
				p.prefix = piece.literal
			} else if i == len(pieces)-1 {
				p.suffix = piece.literal
			}
		case piece.pattern == "":
			source.WriteString(plain)
		default:
			source.WriteString("(?:" + piece.pattern + ")")
		}
	}
	p.source = source.String()
	if known := c.patterns[p.source]; known != nil {
		return known
	}
	c.patterns[p.source] = p
	if p.run = onlyRun(pieces); p.run == nil {
		p.general = regexp.MustCompile("^(?:" + p.source + ")$")
	}
	return p
}

// onlyRun returns the run of a segment with a single parameter, if it is one.
func onlyRun(pieces []piece) *run {
	var parameter *piece
	for i := range pieces {
		if pieces[i].name == "" {
			continue
		}
		if parameter != nil {
			return nil
		}
		parameter = &pieces[i]
	}
	expr := parameter.pattern
	if expr == "" {
		expr = "[^/]+"
	}
	parsed, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil
	}
	return asRun(parsed)
}

func asRun(re *syntax.Regexp) *run {
	r := &run{min: 1, max: 1}
	switch re.Op {
	case syntax.OpStar:
		r.min, r.max = 0, -1
	case syntax.OpPlus:
		r.max = -1
	case syntax.OpQuest:
		r.min = 0
	case syntax.OpRepeat:
		r.min, r.max = re.Min, re.Max
	case syntax.OpCharClass:
		return r.of(re)
	default:
		return nil
	}
	return r.of(re.Sub[0])
}

func (r *run) of(class *syntax.Regexp) *run {
	if class.Op != syntax.OpCharClass {
		return nil
	}
	for i := 0; i < len(class.Rune); i += 2 {
		for c := class.Rune[i]; c <= class.Rune[i+1] && c < 128; c++ {
			r.class[c] = true
		}
	}
	return r
}

// checkPattern refuses what could not be matched segment by segment, or not
// as it was meant.
func checkPattern(template string, p piece) error {
	if p.pattern == "" {
		return nil
	}
	for i := range len(p.pattern) {
		if p.pattern[i] >= 0x80 {
			return fmt.Errorf("template %q: the pattern of %q holds non-ASCII text: requests are matched percent-encoded, write é as %%C3%%A9", template, p.name)
		}
	}
	parsed, err := syntax.Parse(p.pattern, syntax.Perl)
	if err != nil {
		return fmt.Errorf("template %q: the pattern of %q is no regular expression: %w", template, p.name, err)
	}
	if fault := refuse(parsed); fault != "" {
		return fmt.Errorf("template %q: the pattern of %q %s", template, p.name, fault)
	}
	return nil
}

// refuse walks a pattern and says what is wrong with it.
func refuse(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return "can match a slash, as the dot does: write [^/] instead of the dot, or use prefix to match everything below"
	case syntax.OpCharClass:
		for i := 0; i < len(re.Rune); i += 2 {
			if re.Rune[i] <= '/' && '/' <= re.Rune[i+1] {
				return fmt.Sprintf("can match a slash by %.40s: leave the slash out, as in [^/0-9], or use prefix to match everything below", re)
			}
		}
	case syntax.OpLiteral:
		if slices.Contains(re.Rune, '/') {
			return "can match a slash: a parameter is one segment, write the slash outside of the braces, or use prefix to match everything below"
		}
	case syntax.OpCapture:
		return "has a capturing group: write (?:…) instead of (…)"
	case syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText:
		return "has an anchor: a pattern always matches its whole parameter, leave ^ and $ out"
	}
	for _, sub := range re.Sub {
		if fault := refuse(sub); fault != "" {
			return fault
		}
	}
	return ""
}
