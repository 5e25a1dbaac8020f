package routing

import (
	"fmt"
	"iter"
	"slices"
)

// Table is an immutable compiled routing snapshot. It may be read by any number
// of goroutines.
type Table struct {
	*compiled
	revision Revision
	assigned []Assigned // parallel to the definitions
}

// compiled is what tables share that differ only in where their routes stand.
type compiled struct {
	defs    []Definition
	sides   []sides // parallel to defs
	routes  []Route // by precedence
	byName  map[string]*Route
	invalid []Invalid // by position in defs
	matcher *matcher
}

// Compile makes a table of definitions. It never fails: a definition that
// cannot be compiled becomes one or more Invalid entries, and all the others
// still apply. The slices inside defs must not be changed afterwards.
func Compile(revision Revision, defs []Definition) *Table {
	defs = slices.Clone(defs)
	assigned := make([]Assigned, len(defs))
	for i := range defs {
		assigned[i], defs[i].Assigned = defs[i].Assigned, Assigned{}
	}
	return &Table{compiled: compile(defs, assigned), revision: revision, assigned: assigned}
}

// Reassign returns a table whose routes stand at assigned, which is parallel to
// the definitions given to Compile; another length is a mistake of the caller
// and panics. t is untouched, and what was compiled is shared, unless a route
// becomes valid or invalid by its move: then all is compiled anew.
func (t *Table) Reassign(revision Revision, assigned []Assigned) *Table {
	if len(assigned) != len(t.defs) {
		panic(fmt.Sprintf("routing: %d assignments for %d definitions", len(assigned), len(t.defs)))
	}
	next := &Table{compiled: t.compiled, revision: revision, assigned: slices.Clone(assigned)}
	for i, s := range t.sides {
		if s.fits(assigned[i]) != s.fits(t.assigned[i]) {
			next.compiled = compile(t.defs, next.assigned)
			return next
		}
	}
	return next
}

// Revision numbers the table.
func (t *Table) Revision() Revision { return t.revision }

// Len returns the number of valid routes.
func (t *Table) Len() int { return len(t.routes) }

// Routes yields the valid routes, the one with the highest precedence first.
func (t *Table) Routes() iter.Seq[*Route] {
	return func(yield func(*Route) bool) {
		for i := range t.routes {
			if !yield(&t.routes[i]) {
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
// even a catch-all. It allocates nothing, but for patterns and conditions that
// need a general regular expression now and then.
func (t *Table) Match(req *Request) *Route { return t.matcher.match(req) }

// Assign decides which side of r, a route of this table, serves the request.
// It allocates nothing unless a key is a JWT claim.
func (t *Table) Assign(r *Route, req *Request) Assignment {
	at := t.assigned[r.Index]
	a := Assignment{Route: r, Revision: t.revision, Stage: at.Stage, Weight: at.Weight, Point: -1}
	switch {
	case at.Stage == StageCanary:
		pins := r.pins()
		if at.RolledBack {
			pins = nil // something is wrong with new: nobody gets it but by weight
		}
		r.cohort.decide(req, pins, &a)
	case at.Stage >= StageNew:
		a.Side = New
	case r.CatchAll():
		a.Reason = ReasonCatchAll
	}
	return a
}
