package redact

import (
	"strconv"
	"strings"

	"github.com/stranglerfig/strangler/internal/shadow/rule"
)

// place is a place of an answer: what is known of its name and of those above it.
type place struct {
	hidden   bool         // a name on the way is sensitive
	revealed bool         // this very place is kept as it is
	reveal   rule.Cursors // what is revealed from here downwards
}

// top is where a JSON body begins.
func (r *Redactor) top() place { return place{reveal: r.revealed().JSON()}.arrived() }

func (p place) arrived() place {
	p.revealed = len(p.reveal.Here()) > 0
	p.hidden = p.hidden && !p.revealed
	return p
}

// key steps to an object's member.
func (p place) key(name string, names names) place {
	p.reveal = p.reveal.Key(name)
	p.hidden = p.hidden || names.sensitive(name)
	return p.arrived()
}

// index steps to an array's element; negative: to all of them, or all members.
func (p place) index(at int) place {
	if at < 0 {
		p.reveal = p.reveal.Every()
	} else {
		p.reveal = p.reveal.Index(at)
	}
	return p.arrived()
}

// follow goes along a path as differences have it: $.items[3]['unit price']. It
// returns the path with those names hidden that look like secrets; what it
// cannot read is hidden as a whole.
func (r *Redactor) follow(path string) (place, string) {
	at, shown := r.top(), []byte("$")
	for rest := path[1:]; rest != ""; {
		name, index, after, ok := cutStep(rest)
		if !ok {
			return place{hidden: true}, string(rule.AppendKey(shown, r.hide("string", rest)))
		}
		if index == noIndex {
			at = at.key(name, r.names)
			shown = rule.AppendKey(shown, r.scrub(name))
		} else {
			at = at.index(index)
			shown = append(shown, rest[:len(rest)-len(after)]...)
		}
		rest = after
	}
	return at, string(shown)
}

// What cutStep returns in place of an index.
const (
	noIndex  = -2 // the step is a name
	anyIndex = -1 // [*] or .*, all elements or all members
)

// cutStep cuts the first step off a path, which rule.AppendKey and
// rule.AppendIndex have written.
func cutStep(path string) (name string, index int, rest string, ok bool) {
	switch {
	case strings.HasPrefix(path, "[*]"):
		return "", anyIndex, path[len("[*]"):], true
	case strings.HasPrefix(path, "['"):
		name, rest, ok = cutQuoted(path[len("['"):])
		return name, noIndex, rest, ok
	case path == ".*" || strings.HasPrefix(path, ".*.") || strings.HasPrefix(path, ".*["): // a member named * is ['*']
		return "", anyIndex, path[len(".*"):], true
	case path[0] == '[':
		digits, rest, closed := strings.Cut(path[1:], "]")
		index, err := strconv.Atoi(digits)
		return "", index, rest, closed && err == nil && index >= 0
	case path[0] == '.':
		end := 1
		for end < len(path) && path[end] != '.' && path[end] != '[' {
			end++
		}
		return path[1:end], noIndex, path[end:], end > 1
	default:
		return "", 0, "", false
	}
}

// cutQuoted reads a name up to its closing quote and bracket.
func cutQuoted(text string) (name, rest string, ok bool) {
	var read strings.Builder
	for text != "" {
		if after, closed := strings.CutPrefix(text, "']"); closed {
			return read.String(), after, true
		}
		if text[0] != '\\' {
			read.WriteByte(text[0])
			text = text[1:]
			continue
		}
		r, _, after, err := strconv.UnquoteChar(text, '\'')
		if err != nil {
			return "", "", false
		}
		read.WriteRune(r)
		text = after
	}
	return "", "", false
}
