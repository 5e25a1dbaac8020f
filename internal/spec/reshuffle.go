package spec

import (
	"slices"

	"github.com/stranglerfig/strangler/internal/routing"
)

// Reshuffle returns the definitions with a new salt of 128 random bits for one
// group, and the routes in canary whose users it deals anew to the sides. known
// is false when there is no such group, and then nothing may be changed.
func Reshuffle(current Current, group string) (next Definitions, moved []string, known bool) {
	next = current.Definitions
	next.Groups = slices.Clone(next.Groups)
	i := slices.IndexFunc(next.Groups, func(g Group) bool { return g.Name == group })
	if i < 0 {
		return current.Definitions, nil, false
	}
	next.Groups[i].Salt = newSalt()
	for _, route := range next.Routes {
		if route.Group == group && current.States[route.Name].Stage == routing.StageCanary {
			moved = append(moved, route.Name)
		}
	}
	return next, moved, true
}
