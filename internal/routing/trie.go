package routing

import "math"

// A rank is a route's position in the order of precedence; 0 wins over all.
type rank int32

const noRank rank = math.MaxInt32

// nodeID is an index into matcher.nodes; 0 is no node.
type nodeID int32

// matcher finds the route of a request: a trie of path segments for every host
// that routes name. A search walks all branches that fit, since an explicit
// priority may lie anywhere, and cuts those whose best rank is no better than
// what it already has; so the cost follows the shape of the path and not the
// number of routes.
//
// With thousands of routes what costs is waiting for memory. So the tries lie
// flat, a subtree next to its root, and a search reads a Route itself only for
// conditions.
type matcher struct {
	exact  map[string]nodeID
	suffix map[string]nodeID // by what follows the star, with the leading dot
	any    nodeID

	nodes    []node // ends with one that only says where the lists of the last end
	literals []literalEdge
	patterns []patternEdge
	leaves   []leaf
	wide     []map[string]nodeID // the literals of nodes that have too many to search one by one
}

// node is where a path's first segments lead. Its lists begin at the given
// index and end where those of the next node begin.
type node struct {
	best     rank // of all routes at and below this node
	plain    nodeID
	literals int32
	patterns int32
	leaves   int32
	wide     int32 // index into matcher.wide; 0: the literals are in matcher.literals
}

type literalEdge struct {
	text string
	to   nodeID
}

type patternEdge struct {
	pattern *pattern
	to      nodeID
}

// leaf is a route whose template ends at its node; a node's leaves lie by rank.
type leaf struct {
	rank        rank
	methods     methodSet
	prefix      bool
	either      bool
	conditional bool // only the route itself can say
	route       *Route
}

// accepts does what pathShape.accepts does.
func (l *leaf) accepts(rest string) bool {
	return rest == "" || l.prefix || l.either && rest == "/"
}

// search is one request's walk; it lives on the stack.
type search struct {
	*matcher
	req    *Request
	method methodSet
	rank   rank
	won    *Route
}

func (m *matcher) match(req *Request) *Route {
	if req.Path == "" || req.Path[0] != '/' {
		return nil
	}
	s := search{matcher: m, req: req, method: methodOf(req.Method), rank: noRank}
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

// walk searches below a node for the rest of the path: empty, or beginning with a slash.
func (s *search) walk(id nodeID, rest string) {
	if id == 0 || s.nodes[id].best >= s.rank {
		return
	}
	n, end := &s.nodes[id], &s.nodes[id+1]
	if rest != "" {
		segment, next := cutSegment(rest)
		s.walk(s.literal(id, segment), next)
		for i := n.patterns; i < end.patterns; i++ {
			if edge := &s.patterns[i]; s.nodes[edge.to].best < s.rank && edge.pattern.matches(segment) {
				s.walk(edge.to, next)
			}
		}
		if segment != "" {
			s.walk(n.plain, next)
		}
	}
	for i := n.leaves; i < end.leaves; i++ {
		l := &s.leaves[i]
		if l.rank >= s.rank {
			return
		}
		if l.accepts(rest) && s.admits(l) {
			s.rank, s.won = l.rank, l.route
			return
		}
	}
}

func (m *matcher) literal(from nodeID, text string) nodeID {
	n := &m.nodes[from]
	if n.wide != 0 {
		return m.wide[n.wide][text]
	}
	for i := n.literals; i < m.nodes[from+1].literals; i++ {
		if m.literals[i].text == text {
			return m.literals[i].to
		}
	}
	return 0
}

func (s *search) admits(l *leaf) bool {
	if l.conditional {
		return l.route.admits(s.req)
	}
	return l.methods&s.method != 0
}
