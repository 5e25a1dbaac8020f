package rule

import "slices"

// Cursors is the set of rules that apply from a place downwards. The zero value
// is the empty set. It is passed by value, and walking allocates nothing while
// at most two ways lead on to a rule.
type Cursors struct {
	one, two *node // nil: none; two is nil while one is
	more     []*node
}

// node is a place in the tree of all targets of a set. Many places of an answer
// can stand at one, and one at many.
type node struct {
	members  map[string]*node
	elements map[int]*node
	every    *node // [*]
	deep     *node // .. : entered together with this one
	stays    bool  // it is behind .. , and so keeps its place at each step
	here     []*Compiled
}

// Empty reports whether no rule applies here or anywhere below.
func (c Cursors) Empty() bool { return c.one == nil }

// Status is the place "status".
func (c Cursors) Status() Cursors { return c.Key(areaStatus) }

// Header is the place of a response field, by its canonical name.
func (c Cursors) Header(canonical string) Cursors { return c.Key(areaHeader).Key(canonical) }

// Body is the place "body": a body as a whole. To ignore it holds for a body of
// any kind; case and replace there hold for the lines of a text.
func (c Cursors) Body() Cursors { return c.Key(areaBody) }

// JSON is the place "$", where a JSON body begins.
func (c Cursors) JSON() Cursors { return c.Key(areaJSON) }

// Key steps to an object's member.
func (c Cursors) Key(name string) Cursors {
	if c.one == nil {
		return Cursors{}
	}
	return c.walk(func(n *node) *node { return n.members[name] })
}

// Index steps to an array's element.
func (c Cursors) Index(at int) Cursors {
	if c.one == nil {
		return Cursors{}
	}
	return c.walk(func(n *node) *node { return n.elements[at] })
}

// Every steps to all members or elements at once: only rules that hold for
// each of them go along.
func (c Cursors) Every() Cursors {
	if c.one == nil {
		return Cursors{}
	}
	return c.walk(func(*node) *node { return nil })
}

// walk takes each node to the one that named says, and to those behind
// wildcards.
func (c Cursors) walk(named func(*node) *node) Cursors {
	var next Cursors
	next.step(c.one, named)
	if c.two != nil {
		next.step(c.two, named)
	}
	for _, n := range c.more {
		next.step(n, named)
	}
	return next
}

func (c *Cursors) step(n *node, named func(*node) *node) {
	c.enter(named(n))
	c.enter(n.every)
	if n.stays {
		c.enter(n)
	}
}

// enter adds a node, once, and what is entered together with it.
func (c *Cursors) enter(n *node) {
	switch {
	case n == nil || n == c.one || n == c.two:
		return
	case c.one == nil:
		c.one = n
	case c.two == nil:
		c.two = n
	case slices.Contains(c.more, n):
		return
	default:
		c.more = append(c.more, n)
	}
	c.enter(n.deep)
}

// Here returns the rules whose target is exactly this place, in the order in
// which they work: ignore, replace, case, tolerance, unordered, and those of
// one kind as they are written. The caller does not change it.
func (c Cursors) Here() []*Compiled {
	switch {
	case c.one == nil:
		return nil
	case c.two == nil:
		return c.one.here
	}
	found := merge(c.one.here, c.two.here)
	for _, n := range c.more {
		found = merge(found, n.here)
	}
	return found
}

func merge(a, b []*Compiled) []*Compiled {
	switch {
	case len(b) == 0:
		return a
	case len(a) == 0:
		return b
	}
	both := slices.Concat(a, b)
	slices.SortFunc(both, inOrder)
	return both
}

// plant adds a rule to the tree below n.
func (n *node) plant(target []step, compiled *Compiled) {
	for _, s := range target {
		if s.deep {
			n = n.below(&n.deep)
			n.stays = true
		}
		n = n.child(s)
	}
	n.here = append(n.here, compiled)
}

func (n *node) child(s step) *node {
	switch s.kind {
	case stepAny:
		return n.below(&n.every)
	case stepIndex:
		if n.elements == nil {
			n.elements = map[int]*node{}
		}
		return grow(n.elements, s.at)
	default:
		if n.members == nil {
			n.members = map[string]*node{}
		}
		return grow(n.members, s.name)
	}
}

func (n *node) below(place **node) *node {
	if *place == nil {
		*place = &node{}
	}
	return *place
}

func grow[K comparable](children map[K]*node, key K) *node {
	if children[key] == nil {
		children[key] = &node{}
	}
	return children[key]
}
