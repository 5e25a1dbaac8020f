package spec

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
)

// Remove returns the definitions without one object. It refuses to remove a
// backend, group or webhook that routes still name, a route that new serves anything
// of, and what is not defined.
//
// An error is always Problems, and then nothing may be changed.
func Remove(current Current, kind, name string) (Definitions, error) {
	defs := current.Definitions
	var found findings
	found.object(kind, name, absent)
	for _, list := range defs.objects() {
		if list.kind == kind && !slices.Contains(list.names, name) {
			found.add("", CodeMissing, "it is not defined%s", didYouMean(rollout.Near(name, list.names)))
		}
	}
	if users := usersOf(defs.Routes, kind, name); len(users) > 0 {
		found.add("", CodeInUse, "it is still named by %s: change or remove that first", list(users))
	}
	next := Definitions{
		Backends: without(defs.Backends, kind == KindBackend, func(b Backend) bool { return b.Name == name }),
		Groups:   without(defs.Groups, kind == KindGroup, func(g Group) bool { return g.Name == name }),
		Webhooks: without(defs.Webhooks, kind == KindWebhook, func(w Webhook) bool { return w.Name == name }),
		Routes:   without(defs.Routes, kind == KindRoute, func(r Route) bool { return r.Name == name }),
	}
	found.list = append(found.list, exposed(current, next)...)
	if err := (Source{}).problems(found.list).orNil(); err != nil {
		return Definitions{}, err
	}
	return next, nil
}

func without[T any](items []T, concerned bool, gone func(T) bool) []T {
	if !concerned {
		return items
	}
	return slices.DeleteFunc(slices.Clone(items), gone)
}

// usersOf names the routes that need a backend, group or webhook.
func usersOf(routes []Route, kind, name string) []string {
	var users []string
	for _, r := range routes {
		if kind == KindBackend && r.Uses(name) || kind == KindGroup && r.Group == name || kind == KindWebhook && slices.Contains(r.Notify, name) {
			users = append(users, r.Name)
		}
	}
	return users
}

// list writes names for people, and only the first few of many.
func list(names []string) string {
	const shown = 5
	text := strings.Join(names[:min(shown, len(names))], ", ")
	if len(names) > shown {
		text += fmt.Sprintf(" and %d more", len(names)-shown)
	}
	return text
}

// exposed finds the changes that would move traffic from side to side, which
// is the verbs' business: a route that new serves anything of disappears, or
// one in canary gets other cohorts.
func exposed(current Current, next Definitions) []finding {
	var found findings
	after := byName(next.Routes, func(r Route) string { return r.Name })
	hadGroups := byName(current.Definitions.Groups, func(g Group) string { return g.Name })
	hasGroups := byName(next.Groups, func(g Group) string { return g.Name })
	index := make(map[string]int, len(next.Routes))
	for i, r := range next.Routes {
		index[r.Name] = i
	}
	for _, before := range current.Definitions.Routes {
		state := current.States[before.Name]
		route, stays := after[before.Name]
		switch {
		case state.Stage != routing.StageCanary && state.Stage != routing.StageNew:
		case !stays:
			found.object(KindRoute, before.Name, absent)
			found.add("", CodeExposed, "it stands at %s, so removing it would move its traffic: first run stranglerctl rollback %s, or retire it",
				state.Target(), before.Name)
		case state.Stage == routing.StageCanary && !sameCohorts(before.cohort(hadGroups), route.cohort(hasGroups)):
			found.object(KindRoute, route.Name, index[route.Name])
			found.add("group", CodeExposed, "it stands at %s, so other keys or another group would move users from side to side: first run stranglerctl rollback %s",
				state.Target(), route.Name)
		}
	}
	return found.list
}

// sameCohorts reports whether two groups put the same users on the same side.
func sameCohorts(a, b Group) bool {
	return a.Salt == b.Salt && reflect.DeepEqual(effective(a.Keys), effective(b.Keys))
}

// effective is the chain of keys with its default.
func effective(keys []Key) []Key {
	if len(keys) == 0 {
		return []Key{{routing.Key{Kind: routing.KeyMint}}}
	}
	return keys
}
