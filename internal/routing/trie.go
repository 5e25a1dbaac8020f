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
// flat, a subtree behind its root, more than two nodes to a cache line, and a
// search reads a Route itself only for conditions.
type matcher struct {
	exact  map[string]nodeID
	suffix map[string]nodeID // by what follows the star, with the leading dot
	any    nodeID

	routes   []Route // by rank
	nodes    []node  // the first is no node
	literals literalTable
	edges    []patternEdge // the first is none
	patterns []*pattern
	leaves   []leaf // lists, each ended by noLeaf; the first is empty
}

// node is where a path's first segments lead.
type node struct {
	best     rank  // of all routes at and below this node
	leaf     leaf  // the best that ends here
	leaves   int32 // where the others begin
	patterns int32 // its first patternEdge
	literals bool  // the literalTable has edges from here
	plain    bool  // a plain parameter leads from here to the next node
}

// patternEdge leads from a node to another by a pattern. A node's edges are a
// list, the one with the best rank first; 0 ends it.
type patternEdge struct {
	pattern int32 // index into matcher.patterns
	to      nodeID
	next    int32
}

// leaf is a route whose template ends at its node; a node's leaves lie by rank.
type leaf struct {
	rank        rank
	methods     methodSet
	prefix      bool
	either      bool
	conditional bool // only the route itself can say
}

// noLeaf stands where no leaf follows.
func noLeaf() leaf { return leaf{rank: noRank} }

// accepts does what pathShape.accepts does.
func (l *leaf) accepts(rest string) bool {
	return rest == "" || l.prefix || l.either && rest == "/"
}

// search is one request's walk; it lives on the stack.
type search struct {
	*matcher
	req    *Request
	method methodSet
	rank   rank // of the best route so far
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
	if s.rank == noRank {
		return nil
	}
	return &m.routes[s.rank]
}

// walk searches below a node for the rest of the path: empty, or beginning with a slash.
func (s *search) walk(id nodeID, rest string) {
	n := &s.nodes[id]
	if n.best >= s.rank {
		return
	}
	if rest != "" {
		segment, next := cutSegment(rest)
		if n.literals {
			s.walk(s.literals.find(id, segment), next)
		}
		for i := n.patterns; i != 0; i = s.edges[i].next {
			if edge := &s.edges[i]; s.nodes[edge.to].best < s.rank && s.patterns[edge.pattern].matches(segment) {
				s.walk(edge.to, next)
			}
		}
		if n.plain && segment != "" {
			s.walk(id+1, next)
		}
	}
	for l, next := &n.leaf, n.leaves; l.rank < s.rank; l, next = &s.leaves[next], next+1 {
		if l.accepts(rest) && s.admits(l) {
			s.rank = l.rank
		}
	}
}

func (s *search) admits(l *leaf) bool {
	if l.conditional {
		return s.routes[l.rank].admits(s.req)
	}
	return l.methods&s.method != 0
}
