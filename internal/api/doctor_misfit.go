package api

import (
	"slices"
	"strconv"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

// misfitChecks warns of guards that are valid and do less than they say.
func misfitChecks(definitions spec.Definitions) []wire.Check {
	limits := backendLimits(definitions)
	var checks []wire.Check
	for _, route := range definitions.Routes {
		for _, side := range [...]routing.Side{routing.Legacy, routing.New} {
			if backend := backendOf(route, side); backend != "" {
				checks = append(checks, laneMisfits(route, side, backend, limits[backend])...)
			}
		}
	}
	return checks
}

// backendLimits are the limits in force of the backends' bulkheads; 0: none.
func backendLimits(definitions spec.Definitions) map[string]int {
	legacy, limits := definitions.LegacyBackends(), make(map[string]int, len(definitions.Backends))
	for _, backend := range definitions.Backends {
		limits[backend.Name] = backend.BulkheadPolicy(legacy[backend.Name]).Limit
	}
	return limits
}

func laneMisfits(route spec.Route, side routing.Side, backend string, limit int) []wire.Check {
	group, policy := checkup(wire.CheckGroupRoutes), route.Policy(side)
	written := spec.Setting{Part: "bulkhead", Name: "concurrent", Value: strconv.Itoa(policy.Bulkhead.Limit), From: spec.FromRoute} // the default misleads nobody
	var checks []wire.Check
	if limit > 0 && policy.Bulkhead.Limit > limit && slices.Contains(route.Settings(side), written) {
		checks = append(checks, group.warn("bulkhead_unreachable", "make the lane's smaller, so that it leaves room for others, or the backend's larger",
			"%s, side %s: its bulkhead lets %d through at once, and that of its backend %s only %d", route.Name, side, policy.Bulkhead.Limit, backend, limit))
	}
	if t := policy.Timeouts; policy.Retry.Attempts > 1 && policy.Retry.Classes == guard.RetryRepeatable && 2*t.Read > t.Whole {
		checks = append(checks, group.warn("no_time_to_retry", "make timeouts.whole more than twice timeouts.read, or write retry: off",
			"%s, side %s: after a try that takes all of read (%s), whole (%s) leaves less than that for the next", route.Name, side, t.Read, t.Whole))
	}
	return checks
}
