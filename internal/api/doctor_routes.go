package api

import (
	"slices"
	"strings"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/routing"
)

// routeChecks finds routes that are not served, and routes that their group
// has left behind.
func (s *server) routeChecks(snapshot *fleet.Snapshot) []wire.Check {
	group := checkup(wire.CheckGroupRoutes)
	var checks []wire.Check
	for _, fault := range s.invalidList() {
		checks = append(checks, group.fail("route_invalid", "correct its "+fault.Field+" and apply it again",
			"%s is not served: %s", fault.Route, fault.Message))
	}
	checks = append(checks, leftBehind(snapshot)...)
	if len(checks) == 0 {
		checks = append(checks, group.ok("routes_valid", "all %d routes are served", len(snapshot.Routes)))
	}
	return checks
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
