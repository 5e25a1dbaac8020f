package routing

import (
	"math"
)

// A rank is a route's position in the order of precedence; 0 wins over all.
type rank int32

const noRank rank = math.MaxInt32

// matcher finds the route of a request: a trie of path segments for every host
// that routes name. A search walks all branches that fit, since an explicit
// priority may lie anywhere, and cuts those whose best rank is no better than
// what it already has; so the cost follows the shape of the path and not the
// number of routes.
type matcher struct {
	exact  map[string]*node
	suffix map[string]*node // by what follows the star, with the leading dot
	any    *node
}

// node is where a path's first segments lead.
type node struct {
	best     rank // of all routes at and below this node
	literals literals
	patterns []patternEdge
	plain    *node
	leaves   []leaf // by rank
}

type patternEdge struct {
	pattern *pattern
	to      *node
}

// leaf is a route whose template ends at its node.
type leaf struct {
	rank  rank
	route *Route
}

// literals are a node's children by literal. Few are searched one by one,
// which is quicker than hashing.
type literals struct {
	few  []literalEdge
	many map[string]*node // instead of few
}

type literalEdge struct {
	text string
	to   *node
}

const fewLiterals = 8

func (l *literals) get(text string) *node {
	if l.many != nil {
		return l.many[text]
	}
	for i := range l.few {
		if l.few[i].text == text {
			return l.few[i].to
		}
	}
	return nil
}

func (l *literals) add(text string, to *node) {
	if l.many == nil && len(l.few) < fewLiterals {
		l.few = append(l.few, literalEdge{text, to})
		return
	}
	if l.many == nil {
		l.many = make(map[string]*node)
		for _, edge := range l.few {
			l.many[edge.text] = edge.to
		}
		l.few = nil
	}
	l.many[text] = to
}

// newMatcher builds the tries. routes are sorted by precedence, so that a
// node's first route is its best and leaves come out sorted.
func newMatcher(routes []*Route) *matcher {
	m := &matcher{exact: map[string]*node{}, suffix: map[string]*node{}}
	for i, r := range routes {
		at := rank(i)
		n := m.root(r.host, at)
		for j := range r.path.segments {
			n = n.child(&r.path.segments[j], at)
		}
		n.leaves = append(n.leaves, leaf{at, r})
	}
	return m
}

func (m *matcher) root(host hostShape, at rank) *node {
	roots := m.exact
	switch host.kind {
	case hostAny:
		if m.any == nil {
			m.any = &node{best: at}
		}
		return m.any
	case hostSuffix:
		roots = m.suffix
	}
	if roots[host.text] == nil {
		roots[host.text] = &node{best: at}
	}
	return roots[host.text]
}

func (n *node) child(s *segment, at rank) *node {
	switch s.kind {
	case segmentLiteral:
		next := n.literals.get(s.literal)
		if next == nil {
			next = &node{best: at}
			n.literals.add(s.literal, next)
		}
		return next
	case segmentPattern:
		for _, edge := range n.patterns {
			if edge.pattern == s.pattern {
				return edge.to
			}
		}
		next := &node{best: at}
		n.patterns = append(n.patterns, patternEdge{s.pattern, next})
		return next
	default:
		if n.plain == nil {
			n.plain = &node{best: at}
		}
		return n.plain
	}
}

// search is one request's walk; it lives on the stack.
type search struct {
	req  *Request
	rank rank
	won  *Route
}

func (m *matcher) match(req *Request) *Route {
	if req.Path == "" || req.Path[0] != '/' {
		return nil
	}
	s := search{req: req, rank: noRank}
	if len(m.exact) > 0 {
		s.walk(m.exact[req.Host], req.Path)
	}
	if len(m.suffix) > 0 && len(req.Host) <= maxHost {
		for i := 1; i < len(req.Host); i++ {
			if req.Host[i] == '.' {
				s.walk(m.suffix[req.Host[i:]], req.Path)
			}
		}
	}
	s.walk(m.any, req.Path)
	return s.won
}

// walk searches n, which may be nil, for the rest of the path: empty, or
// beginning with a slash.
func (s *search) walk(n *node, rest string) {
	if n == nil || n.best >= s.rank {
		return
	}
	if rest != "" {
		segment, next := cutSegment(rest)
		s.walk(n.literals.get(segment), next)
		for i := range n.patterns {
			if edge := &n.patterns[i]; edge.to.best < s.rank && edge.pattern.matches(segment) {
				s.walk(edge.to, next)
			}
		}
		if segment != "" {
			s.walk(n.plain, next)
		}
	}
	for i := range n.leaves {
		l := &n.leaves[i]
		if l.rank >= s.rank {
			return
		}
		if l.route.path.accepts(rest) && l.route.admits(s.req) {
			s.rank, s.won = l.rank, l.route
			return
		}
	}
}
