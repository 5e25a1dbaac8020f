package api

import (
	"fmt"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/fleet"
)

// laneChecks warns of faults that run, and of lanes whose guard holds requests back.
func laneChecks(snapshot *fleet.Snapshot, instances []fleet.Instance) []wire.Check {
	group, now := checkup(wire.CheckGroupRoutes), time.Now()
	var checks []wire.Check
	for _, fault := range snapshot.Controls.Running(now) {
		checks = append(checks, group.warn("fault_running", fmt.Sprintf("if it is not meant any more: stranglerctl fault stop %d", fault.ID),
			"%s, side %s: fault %d, by %s, is injected for another %s", fault.Route, fault.Side, fault.ID, fault.Actor, fault.Until.Sub(now).Round(time.Second)))
	}
	for _, instance := range instances {
		for _, lane := range instance.Trouble.Lanes {
			where := fmt.Sprintf("%s, side %s, on %s", lane.Route, lane.Side, instance.Name)
			if lane.Breaker != string(wire.BreakerStateClosed) {
				checks = append(checks, group.warn("breaker_open", "look at its backend; it closes by itself when that answers again",
					"%s: the breaker is %s (%s)%s", where, inWords(lane.Breaker, "-"), inWords(lane.Reason, " "), failed(lane)))
			}
			if lane.Unhelped > 0 {
				checks = append(checks, group.warn("fallback_refused", "users see errors: stranglerctl rollback "+lane.Route+" gives legacy all of it",
					"%s: requests that it fails find no room at legacy, %d since the router began", where, lane.Unhelped))
			}
			if lane.Rejected > 0 {
				checks = append(checks, group.warn("bulkhead_rejecting", "its backend is slow, or the limit of guard.bulkhead is too low",
					"%s: requests find no room, %d since the router began", where, lane.Rejected))
			}
			if lane.NoRetries {
				checks = append(checks, group.warn("retry_budget_exhausted", "look at its backend: more is failing than retries are for",
					"%s: the budget for retries is used up", where))
			}
		}
	}
	return checks
}

// failed says how many results of a lane failed; slow ones need not.
func failed(lane fleet.LaneTrouble) string {
	if lane.Failures == 0 {
		return ""
	}
	return fmt.Sprintf(", %d of %d failed", lane.Failures, lane.Results)
}

// inWords writes the value of a field as people do, with mark between its words.
func inWords(value, mark string) string { return strings.ReplaceAll(value, "_", mark) }

// endpointChecks warns of endpoints that get no requests, and of backends that
// cannot take them all.
func endpointChecks(snapshot *fleet.Snapshot, instances []fleet.Instance) []wire.Check {
	group := checkup(wire.CheckGroupBackends)
	var checks []wire.Check
	for _, d := range snapshot.Controls.Drained {
		checks = append(checks, group.warn("endpoint_drained", "when it may serve again: stranglerctl backend ready "+d.Backend+" "+d.Endpoint,
			"%s: %s gets no new requests, by %s since %s", d.Backend, d.Endpoint, d.Actor, d.At.UTC().Format(time.RFC3339)))
	}
	for _, instance := range instances {
		for _, e := range instance.Trouble.Endpoints {
			why := "after failures in a row"
			if e.Ill {
				why = strings.TrimSuffix("because its health check fails: "+e.Fault, ": ")
			}
			checks = append(checks, group.warn("endpoint_ejected", "look at that endpoint; it is tried again by itself",
				"%s: %s gets no requests from %s, %s", e.Backend, e.Endpoint, instance.Name, why))
		}
		for _, b := range instance.Trouble.Backends {
			checks = append(checks, group.warn("backend_full", "it is slow, or its bulkhead is too small for what its routes ask",
				"%s: requests find no room on %s, %d since the router began", b.Backend, instance.Name, b.Rejected))
		}
		if n := instance.Trouble.LeftOut; n > 0 {
			checks = append(checks, group.warn("more_trouble", "", "%s: %d more lanes, backends and endpoints are in trouble than it can name", instance.Name, n))
		}
	}
	return checks
}
