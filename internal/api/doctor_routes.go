package api

import (
	"slices"
	"strings"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

// routeChecks finds routes that are not served, routes that their group has
// left behind, and requests that no route wants.
func (s *server) routeChecks(snapshot *fleet.Snapshot) []wire.Check {
	group := checkup(wire.CheckGroupRoutes)
	var checks []wire.Check
	for _, fault := range s.invalidList() {
		checks = append(checks, group.fail("route_invalid", "correct its "+fault.Field+" and apply it again",
			"%s is not served: %s", fault.Route, fault.Message))
	}
	checks = append(checks, leftBehind(snapshot)...)
	if !slices.ContainsFunc(snapshot.Definitions.Routes, takesTheRest) {
		checks = append(checks, group.warn("no_catch_all",
			"define a route with prefix / and the legacy backend, or leave it so if 404 is meant",
			"no route takes what the others do not match: such requests are answered with 404"))
	}
	if len(checks) == 0 {
		checks = append(checks, group.ok("routes_valid", "every route is served: %d of %[1]d", len(snapshot.Routes)))
	}
	return checks
}

// takesTheRest reports whether a route matches every request that no other wants.
func takesTheRest(r spec.Route) bool {
	m := r.Match
	return m.Prefix == "/" && m.Host == "" && len(m.Methods) == 0 && len(m.Headers) == 0 && len(m.Query) == 0
}

// leftBehind warns of groups whose routes are at different weights: their
// users then see both systems on one visit.
func leftBehind(snapshot *fleet.Snapshot) []wire.Check {
	members := make(map[string]map[routing.Weight][]string)
	for i, definition := range snapshot.Definitions.Routes {
		if definition.Group == "" || definition.New == "" {
			continue
		}
		if members[definition.Group] == nil {
			members[definition.Group] = make(map[routing.Weight][]string)
		}
		weight := snapshot.Routes[i].Weight
		members[definition.Group][weight] = append(members[definition.Group][weight], definition.Name)
	}
	var checks []wire.Check
	for _, name := range names(snapshot.Definitions.Groups, groupName) {
		if len(members[name]) < 2 {
			continue
		}
		checks = append(checks, checkup(wire.CheckGroupRoutes).warn("group_apart",
			"promote those that are behind, or leave it so if that is the plan",
			"the routes of group %s are apart: %s", name, weights(members[name])))
	}
	return checks
}

// weights lists routes by weight: "5%: a, b; 25%: c".
func weights(members map[routing.Weight][]string) string {
	var order []routing.Weight
	for weight := range members {
		order = append(order, weight)
	}
	slices.Sort(order)
	parts := make([]string, len(order))
	for i, weight := range order {
		parts[i] = weight.String() + ": " + strings.Join(members[weight], ", ")
	}
	return strings.Join(parts, "; ")
}
