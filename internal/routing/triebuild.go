package routing

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
func newMatcher(routes []Route) *matcher {
	exact, suffix := map[string]*branch{}, map[string]*branch{}
	var anyHost *branch
	for i := range routes {
		r, at := &routes[i], rank(i)
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
	l := newLayer(routes)
	for host, b := range exact {
		l.exact[host] = l.lay(b)
	}
	for host, b := range suffix {
		l.suffix[host] = l.lay(b)
	}
	if anyHost != nil {
		l.any = l.lay(anyHost)
	}
	l.literals = newLiteralTable(l.byLiteral, l.texts.String())
	return l.matcher
}

func newLeaf(at rank, r *Route) leaf {
	methods := methodsOf(r.Definition.Match.Methods)
	return leaf{
		rank: at, prefix: r.rule.path.prefix, either: r.rule.path.either, methods: methods,
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
