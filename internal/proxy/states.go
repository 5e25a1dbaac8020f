package proxy

import (
	"cmp"
	"slices"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
)

// LaneState is one lane's guard at one moment.
type LaneState struct {
	LaneID
	Breaker  guard.Snapshot
	InUse    int    // permits of the lane that are out
	Waiting  int    // for a permit
	Streams  int    // open streams that hold no other permit
	Rejected uint64 // by the lane's bulkheads, since the router began
	Retries  int    // how many more the budget has room for now
	Unhelped uint64 // requests that legacy's fallback budget had no room for, since the router began
}

// Rest reports whether there is nothing to say of the lane: its breaker is
// closed and nobody waits.
func (s LaneState) Rest() bool { return s.Breaker.State == guard.Closed && s.Waiting == 0 }

// BackendState is what the lanes of one backend share, at one moment.
type BackendState struct {
	Name      string
	InUse     int
	Waiting   int
	Rejected  uint64
	Fallbacks float64 // per second that there is room for, should it be a legacy one
	Endpoints []guard.EndpointState
}

// LaneStates returns every lane of the table in service, by route and side.
func (p *Proxy) LaneStates() []LaneState {
	now := time.Now()
	g := p.guards
	g.mu.Lock()
	defer g.mu.Unlock()
	states := make([]LaneState, 0, len(g.lanes))
	for id, lane := range g.lanes {
		states = append(states, LaneState{
			LaneID: id, Breaker: lane.breaker.State(now),
			InUse: lane.bulkhead.InUse(), Waiting: lane.bulkhead.Waiting(), Streams: lane.streams.InUse(),
			Rejected: lane.bulkhead.Rejected() + lane.streams.Rejected(), Retries: lane.budget.Left(now),
			Unhelped: lane.unhelped.Load(),
		})
	}
	slices.SortFunc(states, func(a, b LaneState) int {
		return cmp.Or(cmp.Compare(a.Route, b.Route), cmp.Compare(a.Side, b.Side))
	})
	return states
}

// BackendStates returns every backend that the table in service uses, by name.
func (p *Proxy) BackendStates() []BackendState {
	now := time.Now()
	g := p.guards
	g.mu.Lock()
	defer g.mu.Unlock()
	states := make([]BackendState, 0, len(g.backends))
	for name, backend := range g.backends {
		if name == "" { // of the routes without a new side
			continue
		}
		state := BackendState{
			Name: name, InUse: backend.bulkhead.InUse(), Waiting: backend.bulkhead.Waiting(),
			Rejected: backend.bulkhead.Rejected(), Fallbacks: backend.fallback.Rate(now),
		}
		if backend.picker != nil {
			for _, endpoint := range backend.picker.Endpoints() {
				state.Endpoints = append(state.Endpoints, endpoint.State(now))
			}
		}
		states = append(states, state)
	}
	slices.SortFunc(states, func(a, b BackendState) int { return cmp.Compare(a.Name, b.Name) })
	return states
}
