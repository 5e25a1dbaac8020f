package app

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/proxy"
)

// lately is for how long a bulkhead that has turned requests away is told of.
const lately = time.Minute

// troubles tells what is not at rest in a data plane.
type troubles struct {
	proxy *proxy.Proxy

	mu       sync.Mutex
	rejected map[bulkhead]rejections // as last seen; guarded by mu
}

// bulkhead is that of a lane, or of a backend.
type bulkhead struct {
	lane    proxy.LaneID
	backend string
}

// rejections are those of a bulkhead since it began.
type rejections struct {
	count uint64
	grew  time.Time // when more of them were first seen
}

// now looks at every lane and backend.
func (t *troubles) now() fleet.Trouble {
	t.mu.Lock()
	defer t.mu.Unlock()
	at, seen := time.Now(), make(map[bulkhead]rejections)
	var found fleet.Trouble
	for _, lane := range t.proxy.LaneStates() {
		rejected := t.lately(seen, bulkhead{lane: lane.LaneID}, lane.Rejected, at)
		if lane.Rest() && rejected == 0 && lane.Retries > 0 {
			continue
		}
		found.Lanes = append(found.Lanes, laneTrouble(lane, rejected, at))
	}
	for _, backend := range t.proxy.BackendStates() {
		if rejected := t.lately(seen, bulkhead{backend: backend.Name}, backend.Rejected, at); rejected > 0 {
			found.Backends = append(found.Backends, fleet.BackendTrouble{Backend: backend.Name, Waiting: backend.Waiting, Rejected: rejected})
		}
		found.Endpoints = append(found.Endpoints, endpointTroubles(backend, at)...)
	}
	t.rejected = seen
	return bounded(found)
}

// lately returns the count if it has grown in the last minute, else 0, and
// notes it for the next time.
func (t *troubles) lately(seen map[bulkhead]rejections, b bulkhead, count uint64, at time.Time) uint64 {
	if count == 0 {
		return 0
	}
	known := t.rejected[b]
	if count != known.count {
		known = rejections{count: count, grew: at}
	}
	seen[b] = known
	if at.Sub(known.grew) >= lately {
		return 0
	}
	return count
}

func laneTrouble(lane proxy.LaneState, rejected uint64, at time.Time) fleet.LaneTrouble {
	trouble := fleet.LaneTrouble{
		Route: lane.Route, Side: lane.Side.String(), Breaker: lane.Breaker.State.String(),
		Waiting: lane.Waiting, Rejected: rejected, NoRetries: lane.Retries == 0,
	}
	if lane.Breaker.State != guard.Closed {
		trouble.Reason = string(lane.Breaker.Reason)
		trouble.Failures, trouble.Results = lane.Breaker.Failures, lane.Breaker.Total
		trouble.For = at.Sub(lane.Breaker.Since)
	}
	if lane.Breaker.State == guard.Open {
		trouble.Left = max(0, lane.Breaker.Until.Sub(at))
	}
	return trouble
}

// endpointTroubles are the endpoints that are left out though nobody drained them.
func endpointTroubles(backend proxy.BackendState, at time.Time) []fleet.EndpointTrouble {
	var found []fleet.EndpointTrouble
	for _, e := range backend.Endpoints {
		left := max(0, e.Ejected.Sub(at))
		if !e.Drained && (!e.Healthy || left > 0) {
			found = append(found, fleet.EndpointTrouble{Backend: backend.Name, Endpoint: e.Address, Ill: !e.Healthy, Fault: e.Fault, Left: left})
		}
	}
	return found
}

// bounded leaves out what is too much for a heartbeat; open breakers stay.
func bounded(t fleet.Trouble) fleet.Trouble {
	all := len(t.Lanes) + len(t.Backends) + len(t.Endpoints)
	slices.SortStableFunc(t.Lanes, func(a, b fleet.LaneTrouble) int { return cmp.Compare(calm(a), calm(b)) })
	t.Lanes = t.Lanes[:min(len(t.Lanes), fleet.MaxTrouble)]
	t.Backends = t.Backends[:min(len(t.Backends), fleet.MaxTrouble)]
	t.Endpoints = t.Endpoints[:min(len(t.Endpoints), fleet.MaxTrouble)]
	t.LeftOut = all - len(t.Lanes) - len(t.Backends) - len(t.Endpoints)
	return t
}

// calm is 1 for a lane whose breaker is closed.
func calm(lane fleet.LaneTrouble) int {
	if lane.Breaker == guard.Closed.String() {
		return 1
	}
	return 0
}
