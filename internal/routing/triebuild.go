package routing

// fewLiterals is how many children are searched one by one, which is quicker than hashing.
const fewLiterals = 8

// branch is a node while the tries grow.
type branch struct {
	best     rank
	literals []*branch // by text
	byText   map[string]*branch
	patterns []*branch
	plain    *branch
	leaves   []leaf

	text    string   // of the literal that leads here
	pattern *pattern // that leads here
}

// newMatcher builds the tries. routes are sorted by precedence, so that a
// branch's first route is its best, and leaves come out sorted.
func newMatcher(routes []*Route) *matcher {
	exact, suffix := map[string]*branch{}, map[string]*branch{}
	var anyHost *branch
	for i, r := range routes {
		at := rank(i)
		var b *branch
		switch r.rule.host.kind {
		case hostExact:
			b = grow(exact, r.rule.host.text, at)
		case hostSuffix:
			b = grow(suffix, r.rule.host.text, at)
		default:
			b = orNew(&anyHost, at)
		}
		for j := range r.rule.path.segments {
			b = b.child(&r.rule.path.segments[j], at)
		}
		b.leaves = append(b.leaves, newLeaf(at, r))
	}
	m := &matcher{
		exact: make(map[string]nodeID, len(exact)), suffix: make(map[string]nodeID, len(suffix)),
		nodes: make([]node, 1), wide: make([]map[string]nodeID, 1),
	}
	for host, b := range exact {
		m.exact[host] = m.lay(b)
	}
	for host, b := range suffix {
		m.suffix[host] = m.lay(b)
	}
	if anyHost != nil {
		m.any = m.lay(anyHost)
	}
	m.nodes = append(m.nodes, m.ends())
	return m
}

func newLeaf(at rank, r *Route) leaf {
	methods := methodsOf(r.Definition.Match.Methods)
	return leaf{
		rank: at, route: r, prefix: r.rule.path.prefix, either: r.rule.path.either, methods: methods,
		conditional: r.rule.conditions() > 0 || methods&otherMethod != 0 && methods != anyMethod,
	}
}

func orNew(b **branch, at rank) *branch {
	if *b == nil {
		*b = &branch{best: at}
	}
	return *b
}

func grow(in map[string]*branch, text string, at rank) *branch {
	b := in[text]
	if b == nil {
		b = &branch{best: at, text: text}
		in[text] = b
	}
	return b
}

func (b *branch) child(s *segment, at rank) *branch {
	switch s.kind {
	case segmentLiteral:
		if b.byText == nil {
			b.byText = map[string]*branch{}
		}
		before := len(b.byText)
		next := grow(b.byText, s.literal, at)
		if len(b.byText) > before {
			b.literals = append(b.literals, next)
		}
		return next
	case segmentPattern:
		for _, next := range b.patterns {
			if next.pattern == s.pattern {
				return next
			}
		}
		next := &branch{best: at, pattern: s.pattern}
		b.patterns = append(b.patterns, next)
		return next
	default:
		return orNew(&b.plain, at)
	}
}

// ends is a node whose lists begin where all lists end now.
func (m *matcher) ends() node {
	return node{literals: int32(len(m.literals)), patterns: int32(len(m.patterns)), leaves: int32(len(m.leaves))}
}

// lay puts a branch into the flat tries and everything below it behind it. Its
// lists are laid before its children, so that they stay in one piece.
func (m *matcher) lay(b *branch) nodeID {
	id := nodeID(len(m.nodes))
	n := m.ends()
	n.best = b.best
	if len(b.literals) > fewLiterals {
		n.wide = int32(len(m.wide))
		m.wide = append(m.wide, make(map[string]nodeID, len(b.literals)))
	}
	m.nodes = append(m.nodes, n)
	if n.wide == 0 {
		for _, next := range b.literals {
			m.literals = append(m.literals, literalEdge{text: next.text})
		}
	}
	for _, next := range b.patterns {
		m.patterns = append(m.patterns, patternEdge{pattern: next.pattern})
	}
	m.leaves = append(m.leaves, b.leaves...)
	for i, next := range b.literals {
		to := m.lay(next)
		if n.wide != 0 {
			m.wide[n.wide][next.text] = to
		} else {
			m.literals[int(n.literals)+i].to = to
		}
	}
	for i, next := range b.patterns {
		m.patterns[int(n.patterns)+i].to = m.lay(next)
	}
	if b.plain != nil {
		m.nodes[id].plain = m.lay(b.plain)
	}
	return id
}
