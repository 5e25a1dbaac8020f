package routing

import (
	"slices"
	"strings"
)

// layer lays branches into the flat tries of a matcher.
type layer struct {
	*matcher
	byLiteral []literalEdge
	texts     strings.Builder
	textAt    map[string]uint32  // where a literal begins in texts
	patternAt map[*pattern]int32 // where a pattern lies in patterns
}

func newLayer(routes []Route) *layer {
	return &layer{
		matcher: &matcher{
			exact: map[string]nodeID{}, suffix: map[string]nodeID{}, routes: routes,
			nodes: []node{{best: noRank}}, edges: make([]patternEdge, 1), leaves: []leaf{noLeaf()},
		},
		textAt: map[string]uint32{}, patternAt: map[*pattern]int32{},
	}
}

// lay puts a branch into the flat tries and everything below it behind it. What
// a plain parameter leads to comes first, so that a search need not look where.
func (l *layer) lay(b *branch) nodeID {
	id := nodeID(len(l.nodes))
	l.nodes = append(l.nodes, node{best: b.best, leaf: noLeaf(), literals: len(b.literals) > 0, plain: b.plain != nil})
	l.layLeaves(id, b.leaves)
	if b.plain != nil {
		l.lay(b.plain)
	}
	for _, next := range b.literals {
		l.byLiteral = append(l.byLiteral, literalEdge{from: id, to: l.lay(next), text: l.text(next.text)})
	}
	for _, next := range slices.Backward(b.patterns) { // so that the list begins with the best
		edge := patternEdge{pattern: l.pattern(next.pattern), to: l.lay(next), next: l.nodes[id].patterns}
		l.nodes[id].patterns = int32(len(l.edges))
		l.edges = append(l.edges, edge)
	}
	return id
}

func (l *layer) layLeaves(id nodeID, leaves []leaf) {
	if len(leaves) == 0 {
		return
	}
	l.nodes[id].leaf = leaves[0]
	if len(leaves) > 1 {
		l.nodes[id].leaves = int32(len(l.leaves))
		l.leaves = append(append(l.leaves, leaves[1:]...), noLeaf())
	}
}

// text returns where a literal begins in texts, and writes it there the first time.
func (l *layer) text(literal string) uint32 {
	at, known := l.textAt[literal]
	if !known {
		at = uint32(l.texts.Len())
		l.textAt[literal] = at
		l.texts.WriteString(literal)
		l.texts.WriteByte('/')
	}
	return at
}

// pattern returns where a pattern lies in patterns, and puts it there the first time.
func (l *layer) pattern(p *pattern) int32 {
	at, known := l.patternAt[p]
	if !known {
		at = int32(len(l.patterns))
		l.patternAt[p] = at
		l.patterns = append(l.patterns, p)
	}
	return at
}
