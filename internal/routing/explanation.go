package routing

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Explanation tells how one request is routed, and which routes came close.
type Explanation struct {
	Assignment Assignment // Route is nil when nothing matches
	Close      []NearMiss // closest first, at most 5
}

// NearMiss is a route that could have been expected to win, and why it did not.
type NearMiss struct {
	Route  *Route
	Why    Miss
	Detail string // for people: what the route wants
}

// Miss says at which point a route let a request go.
type Miss string

// The misses, from the nearest to the farthest.
const (
	MissOutranked Miss = "outranked" // it matches, and another route has precedence
	MissQuery     Miss = "query"     // a query condition does not hold
	MissHeader    Miss = "header"    // a header condition does not hold
	MissMethod    Miss = "method"    // not one of its methods
	MissHost      Miss = "host"      // the path fits, the host does not
	MissPath      Miss = "path"      // the path begins alike and then differs
)

// maxClose is how many near misses a person reads.
const maxClose = 5

// Explain tells how the request is routed and which routes came close. It looks
// at every route, and is meant for people, not for the proxied path.
func (t *Table) Explain(req *Request) Explanation {
	var e Explanation
	winner := t.Match(req)
	if winner != nil {
		e.Assignment = t.Assign(winner, req)
	}
	type candidate struct {
		NearMiss
		distance int
	}
	var candidates []candidate
	for r := range t.Routes() {
		if r == winner {
			continue
		}
		if miss, distance, ok := r.miss(req, winner); ok {
			candidates = append(candidates, candidate{miss, distance})
		}
	}
	slices.SortStableFunc(candidates, func(a, b candidate) int { return cmp.Compare(a.distance, b.distance) })
	for _, c := range candidates[:min(len(candidates), maxClose)] {
		e.Close = append(e.Close, c.NearMiss)
	}
	return e
}

// miss says how a route that did not win missed the request, and how far. Routes
// whose path has nothing in common with the request's are no near miss.
func (r *Route) miss(req *Request, winner *Route) (miss NearMiss, distance int, ok bool) {
	fitted, fits := 0, false
	if strings.HasPrefix(req.Path, "/") {
		fitted, fits = r.rule.path.matches(req.Path)
	}
	at := func(why Miss, distance int, format string, args ...any) (NearMiss, int, bool) {
		return NearMiss{Route: r, Why: why, Detail: fmt.Sprintf(format, args...)}, distance, true
	}
	const far = 1 << 20 // farther than any number of segments
	m := &r.Definition.Match
	switch {
	case !fits && fitted == 0:
		return NearMiss{}, 0, false
	case !fits:
		return at(MissPath, far-fitted, "its path is %s", m.Path+m.Prefix)
	case !r.rule.host.matches(req.Host):
		return at(MissHost, 4, "it wants the host %s, not %q", m.Host, req.Host)
	case len(m.Methods) > 0 && !slices.Contains(m.Methods, req.Method):
		return at(MissMethod, 3, "it wants %s, not %s", strings.Join(m.Methods, " or "), req.Method)
	}
	for i := range r.rule.headers {
		if !r.rule.headers[i].holdsHeader(req) {
			return at(MissHeader, 2, "it wants the header %s", r.rule.headers[i].describe())
		}
	}
	for i := range r.rule.query {
		if !r.rule.query[i].holdsQuery(req.RawQuery) {
			return at(MissQuery, 1, "it wants the query parameter %s", r.rule.query[i].describe())
		}
	}
	return at(MissOutranked, 0, "it matches as well; %s has precedence", winner.Name)
}

// describe writes a condition for people.
func (c *condition) describe() string {
	switch c.op {
	case Equals:
		return fmt.Sprintf("%s to be %q", c.name, c.value)
	case Matches:
		return fmt.Sprintf("%s to match %s", c.name, c.value)
	default:
		return c.name + " to be present"
	}
}
