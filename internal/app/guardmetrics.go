package app

import (
	"github.com/stranglerfig/strangler/internal/telemetry"
)

// laneGuards is what metrics show of the lanes' guards.
func (r *Router) laneGuards() []telemetry.LaneGuard {
	states := r.proxy.LaneStates()
	guards := make([]telemetry.LaneGuard, len(states))
	for i, s := range states {
		guards[i] = telemetry.LaneGuard{
			Route: s.Route, Side: s.Side, Breaker: s.Breaker.State,
			InUse: s.InUse, Waiting: s.Waiting, Streams: s.Streams, Rejected: s.Rejected, Retries: s.Retries,
		}
	}
	return guards
}

// backendGuards is what metrics show of what the lanes of a backend share.
func (r *Router) backendGuards() []telemetry.BackendGuard {
	states := r.proxy.BackendStates()
	guards := make([]telemetry.BackendGuard, len(states))
	for i, s := range states {
		guards[i] = telemetry.BackendGuard{
			Name: s.Name, InUse: s.InUse, Waiting: s.Waiting, Rejected: s.Rejected, Fallbacks: s.Fallbacks, Endpoints: s.Endpoints,
		}
	}
	return guards
}
