package routing

import "slices"

// Route is one compiled, valid route. It is immutable, and tables made by
// Reassign share it.
//
// The routes of a table lie side by side, and what assigning reads is the first
// of a route's two cache lines: with thousands of routes what costs is waiting
// for memory.
type Route struct {
	Index    int // position in the definitions given to Compile
	cohort   cohort
	catchAll bool
	pinned   bool // rule has pins

	Name       string
	Definition *Definition // to be read only; its Assigned is zero, ask Table.Assigned, which Reassign moves
	rule       *rule
}

// rule is Definition.Match compiled, and what few routes have.
type rule struct {
	host    hostShape
	path    pathShape
	headers []condition
	query   []condition
	pins    map[string]Side // nil: none
}

// CatchAll reports whether the route stands for "no route of the migration
// matched": prefix /, any host, no methods, no conditions, no new backend.
func (r *Route) CatchAll() bool { return r.catchAll }

// pins are the route's, nil without one; the rule of a route without is left unread.
func (r *Route) pins() map[string]Side {
	if !r.pinned {
		return nil
	}
	return r.rule.pins
}

func isCatchAll(d *Definition) bool {
	m := &d.Match
	return m.Prefix == "/" && m.Host == "" && len(m.Methods) == 0 &&
		len(m.Headers) == 0 && len(m.Query) == 0 && d.New == ""
}

// conditions is the number of demands that come last in the precedence.
func (r *rule) conditions() int { return len(r.headers) + len(r.query) }

// admits reports whether the route takes a request whose host and path fit.
func (r *Route) admits(req *Request) bool {
	if methods := r.Definition.Match.Methods; len(methods) > 0 && !slices.Contains(methods, req.Method) {
		return false
	}
	for i := range r.rule.headers {
		if !r.rule.headers[i].holdsHeader(req) {
			return false
		}
	}
	for i := range r.rule.query {
		if !r.rule.query[i].holdsQuery(req.RawQuery) {
			return false
		}
	}
	return true
}
