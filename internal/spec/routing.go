package spec

import (
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
)

// Routing returns the routes as routing.Compile takes them, parallel to
// defs.Routes. A route without a state is new: it stands in stage legacy.
func Routing(defs Definitions, states map[string]rollout.State) []routing.Definition {
	groups := byName(defs.Groups, func(g Group) string { return g.Name })
	out := make([]routing.Definition, len(defs.Routes))
	for i, r := range defs.Routes {
		out[i] = routing.Definition{
			Name:     r.Name,
			Match:    r.match(),
			Priority: r.Priority,
			Legacy:   r.Legacy,
			New:      r.New,
			Group:    r.cohort(groups).routing(),
			Pins:     r.pins(),
			Assigned: states[r.Name].Assigned(),
		}
	}
	return out
}

// cohort is the group whose keys and salt the route obeys: its own without one.
func (r Route) cohort(groups map[string]Group) Group {
	if r.Group != "" {
		return groups[r.Group]
	}
	return Group{Name: r.Name, Keys: r.Keys, Salt: r.Salt}
}

func (g Group) routing() routing.Group {
	out := routing.Group{Name: g.Name, Salt: g.Salt}
	for _, key := range g.Keys {
		out.Keys = append(out.Keys, key.Key)
	}
	return out
}

func (r Route) match() routing.Match {
	return routing.Match{
		Host:          r.Match.Host,
		Path:          r.Match.Path,
		Prefix:        r.Match.Prefix,
		Methods:       r.Match.Methods,
		Headers:       conditions(r.Match.Headers),
		Query:         conditions(r.Match.Query),
		TrailingSlash: r.TrailingSlash == slashEither,
	}
}

func conditions(written []Condition) []routing.Condition {
	var out []routing.Condition
	for _, c := range written {
		condition := routing.Condition{Name: c.Name, Op: routing.Present}
		switch {
		case c.Equals != nil:
			condition.Op, condition.Value = routing.Equals, *c.Equals
		case c.Matches != nil:
			condition.Op, condition.Value = routing.Matches, *c.Matches
		}
		out = append(out, condition)
	}
	return out
}
