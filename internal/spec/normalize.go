package spec

import (
	"cmp"
	"slices"
)

// Normalize returns a copy in the one order that definitions are stored,
// compared and digested in: everything by name, and sorted wherever the order
// of writing has no meaning (endpoints, methods, conditions). What is written
// but empty, and trailing_slash: strict, become what is not written. The order
// of keys and of plan steps has a meaning and stays. d itself is not touched.
func (d Definitions) Normalize() Definitions {
	out := Definitions{
		Backends: sortedBy(d.Backends, func(b Backend) string { return b.Name }),
		Groups:   sortedBy(d.Groups, func(g Group) string { return g.Name }),
		Webhooks: sortedBy(d.Webhooks, func(w Webhook) string { return w.Name }),
		Routes:   sortedBy(d.Routes, func(r Route) string { return r.Name }),
	}
	for i, b := range out.Backends {
		out.Backends[i].Endpoints = sortedBy(b.Endpoints, func(s string) string { return s })
		out.Backends[i].normalize()
	}
	for i, g := range out.Groups {
		out.Groups[i].Keys = orNil(g.Keys)
	}
	for i := range out.Webhooks {
		out.Webhooks[i].normalize()
	}
	for i := range out.Routes {
		out.Routes[i].normalize()
	}
	return out
}

func (r *Route) normalize() {
	if r.TrailingSlash == slashStrict {
		r.TrailingSlash = ""
	}
	if r.Data == dataShared {
		r.Data = ""
	}
	r.Match.Methods = sortedBy(r.Match.Methods, func(s string) string { return s })
	r.Match.Headers = sortedConditions(r.Match.Headers)
	r.Match.Query = sortedConditions(r.Match.Query)
	r.Keys = orNil(r.Keys)
	r.Pin = sortedBy(r.Pin, func(p Pin) string { return p.Key })
	r.Rewrite = r.Rewrite.normalized()
	r.Guard = r.Guard.normalized()
	r.Shadow = r.Shadow.normalized()
	r.Gates = r.Gates.normalized()
	r.Plan = r.Plan.normalized()
	r.Notify = sortedBy(r.Notify, func(webhook string) string { return webhook })
}

func sortedConditions(conditions []Condition) []Condition {
	out := orNil(slices.Clone(conditions))
	slices.SortStableFunc(out, func(a, b Condition) int {
		return cmp.Or(
			cmp.Compare(a.Name, b.Name),
			compareOptional(a.Equals, b.Equals),
			compareOptional(a.Matches, b.Matches),
		)
	})
	return out
}

// compareOptional puts what is absent first.
func compareOptional(a, b *string) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	default:
		return cmp.Compare(*a, *b)
	}
}

// sortedBy returns a sorted copy; nil when there is nothing to sort.
func sortedBy[T any](items []T, key func(T) string) []T {
	out := orNil(slices.Clone(items))
	slices.SortStableFunc(out, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
	return out
}

func orNil[T any](items []T) []T {
	if len(items) == 0 {
		return nil
	}
	return items
}
