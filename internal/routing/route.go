package routing

import "slices"

// Route is one compiled, valid route. It is immutable, and tables made by
// Reassign share it.
type Route struct {
	Index int // position in the definitions given to Compile

	// What assigning reads comes first, to lie in as few cache lines as can be.
	catchAll bool
	cohort   cohort

	Name       string
	Definition Definition // its Assigned is zero; ask Table.Assigned, which Reassign moves

	host    hostShape
	path    pathShape
	headers []condition
	query   []condition
}

// CatchAll reports whether the route stands for "no route of the migration
// matched": prefix /, any host, no methods, no conditions, no new backend.
func (r *Route) CatchAll() bool { return r.catchAll }

func isCatchAll(d *Definition) bool {
	m := &d.Match
	return m.Prefix == "/" && m.Host == "" && len(m.Methods) == 0 &&
		len(m.Headers) == 0 && len(m.Query) == 0 && d.New == ""
}

// conditions is the number of demands that come last in the precedence.
func (r *Route) conditions() int { return len(r.headers) + len(r.query) }

// admits reports whether the route takes a request whose host and path fit.
func (r *Route) admits(req *Request) bool {
	if methods := r.Definition.Match.Methods; len(methods) > 0 && !slices.Contains(methods, req.Method) {
		return false
	}
	for i := range r.headers {
		if !r.headers[i].holdsHeader(req) {
			return false
		}
	}
	for i := range r.query {
		if !r.query[i].holdsQuery(req.RawQuery) {
			return false
		}
	}
	return true
}
