package routing

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Precedence is a total order over the routes of a table, so which one wins
// never depends on the order of writing: priority; exact host before suffix
// (the longer first) before any; segment kinds from left to right; a method
// list before none; more conditions first. Routes that are still equal and
// could match the same request are a tie, and refused.

// The marks of a shape's segments; the smaller wins. Between markPattern and
// markPlain lies a pattern's amount of literal text.
const (
	markLiteral byte = 0
	markPattern byte = 1 // with all the literal text that counts
	markPlain   byte = 252
	markEnd     byte = 253 // a path ends here
	markPrefix  byte = 254 // a prefix ends here
)

// mark places one segment in the order.
func (s *segment) mark() byte {
	switch s.kind {
	case segmentLiteral:
		return markLiteral
	case segmentPattern:
		const most = int(markPlain - markPattern - 1)
		return markPattern + byte(most-min(s.pattern.literals, most))
	default:
		return markPlain
	}
}

// marks writes a path's shape as text whose order is the order of precedence.
func (p *pathShape) marks() string {
	text := make([]byte, 0, len(p.segments)+1)
	for i := range p.segments {
		text = append(text, p.segments[i].mark())
	}
	if p.prefix {
		return string(append(text, markPrefix))
	}
	return string(append(text, markEnd))
}

// ranked is a route on its way into the order.
type ranked struct {
	route *Route
	marks string
}

// compare is negative when a wins over b. Names come last: they part routes
// that can never match the same request.
func compare(a, b ranked) int {
	return cmp.Or(
		cmp.Compare(b.route.Definition.Priority, a.route.Definition.Priority),
		cmp.Compare(a.route.rule.host.kind, b.route.rule.host.kind),
		cmp.Compare(len(b.route.rule.host.text), len(a.route.rule.host.text)),
		cmp.Compare(a.marks, b.marks),
		cmp.Compare(min(len(b.route.Definition.Match.Methods), 1), min(len(a.route.Definition.Match.Methods), 1)),
		cmp.Compare(b.route.rule.conditions(), a.route.rule.conditions()),
		cmp.Compare(a.route.Name, b.route.Name),
	)
}

// rank sorts routes by precedence and refuses the later by name of every tie.
func (c *compiler) rank(routes []*Route) []*Route {
	slices.SortFunc(routes, func(a, b *Route) int { return cmp.Compare(a.Name, b.Name) })
	alike := make(map[string][]*Route, len(routes))
	order := make([]ranked, 0, len(routes))
	for _, r := range routes {
		marks := r.rule.path.marks()
		key := r.tieKey(marks)
		if other := tied(r, alike[key]); other != nil {
			c.refuse(r.Index, InvalidTie, "match", tieMessage(r, other))
			continue
		}
		alike[key] = append(alike[key], r)
		order = append(order, ranked{r, marks})
	}
	slices.SortFunc(order, compare)
	routes = routes[:0]
	for _, o := range order {
		routes = append(routes, o.route)
	}
	return routes
}

// tieKey is equal for routes that only their methods and the literals of their
// patterns can keep from being a tie.
func (r *Route) tieKey(marks string) string {
	var key strings.Builder
	fmt.Fprintf(&key, "%d %d %s %d %t ", r.Definition.Priority, r.rule.host.kind, r.rule.host.text, r.rule.conditions(), len(r.Definition.Match.Methods) > 0)
	key.WriteString(marks)
	for i := range r.rule.path.segments {
		key.WriteByte('/')
		key.WriteString(r.rule.path.segments[i].literal)
	}
	return key.String()
}

// tied returns the route of others that r is a tie with.
func tied(r *Route, others []*Route) *Route {
	for _, other := range others {
		if methodsOverlap(r, other) && !patternsDisjoint(r, other) {
			return other
		}
	}
	return nil
}

func methodsOverlap(a, b *Route) bool {
	of := a.Definition.Match.Methods
	return len(of) == 0 || slices.ContainsFunc(of, func(method string) bool {
		return slices.Contains(b.Definition.Match.Methods, method)
	})
}

// patternsDisjoint compares routes of one tieKey, whose segments are of the same kinds.
func patternsDisjoint(a, b *Route) bool {
	for i := range a.rule.path.segments {
		p, q := a.rule.path.segments[i].pattern, b.rule.path.segments[i].pattern
		if p != nil && p.disjoint(q) {
			return true
		}
	}
	return false
}

func tieMessage(r, other *Route) string {
	return fmt.Sprintf("route %q is a tie with route %q: both could match the same request, and nothing says which wins "+
		"(same priority, host, kinds of segments and number of conditions, overlapping methods); "+
		"give one of them a higher priority, other methods or one more condition", r.Name, other.Name)
}
