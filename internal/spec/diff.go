package spec

import (
	"cmp"
	"reflect"
	"slices"
)

// Diff says what turns before into after: backends first, then groups,
// webhooks and routes, each by name. What differs only in the order of writing is no change.
func Diff(before, after Definitions) []Change {
	before, after = before.Normalize(), after.Normalize()
	var changes []Change
	changes = append(changes, diffKind(KindBackend, before.Backends, after.Backends, func(b Backend) string { return b.Name })...)
	changes = append(changes, diffKind(KindGroup, before.Groups, after.Groups, func(g Group) string { return g.Name })...)
	changes = append(changes, diffKind(KindWebhook, before.Webhooks, after.Webhooks, func(w Webhook) string { return w.Name })...)
	changes = append(changes, diffKind(KindRoute, before.Routes, after.Routes, func(r Route) string { return r.Name })...)
	return changes
}

func diffKind[T any](kind string, before, after []T, name func(T) string) []Change {
	var changes []Change
	had := byName(before, name)
	for _, item := range after {
		old, was := had[name(item)]
		delete(had, name(item))
		switch {
		case !was:
			changes = append(changes, Change{Kind: kind, Name: name(item), Op: Added, After: canonical(item)})
		case !reflect.DeepEqual(old, item):
			changes = append(changes, Change{Kind: kind, Name: name(item), Op: Changed, Before: canonical(old), After: canonical(item)})
		}
	}
	for gone, old := range had {
		changes = append(changes, Change{Kind: kind, Name: gone, Op: Removed, Before: canonical(old)})
	}
	slices.SortFunc(changes, func(a, b Change) int { return cmp.Compare(a.Name, b.Name) })
	return changes
}

func byName[T any](items []T, name func(T) string) map[string]T {
	index := make(map[string]T, len(items))
	for _, item := range items {
		index[name(item)] = item
	}
	return index
}
