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

// lately is for how long a limit that has turned requests away is told of.
const lately = time.Minute

// troubles tells what is not at rest in a data plane.
type troubles struct {
	proxy *proxy.Proxy

	mu       sync.Mutex
	rejected map[limit]rejections // as last seen; guarded by mu
}

// limit is the bulkhead of a lane or of a backend, or what bounds a lane's
// fallbacks.
type limit struct {
	lane      proxy.LaneID
	backend   string
	fallbacks bool
}

// rejections are those of a limit since it began.
type rejections struct {
	count uint64
	grew  time.Time // when more of them were first seen
}

// now looks at every lane and backend.
func (t *troubles) now() fleet.Trouble {
	t.mu.Lock()
	defer t.mu.Unlock()
	at, seen := time.Now(), make(map[limit]rejections)
	var found fleet.Trouble
	for _, lane := range t.proxy.LaneStates() {
		lane.Rejected = t.lately(seen, limit{lane: lane.LaneID}, lane.Rejected, at)
		lane.Unhelped = t.lately(seen, limit{lane: lane.LaneID, fallbacks: true}, lane.Unhelped, at)
		if lane.Rest() && lane.Rejected == 0 && lane.Unhelped == 0 && lane.Retries > 0 {
			continue
		}
		found.Lanes = append(found.Lanes, laneTrouble(lane, at))
	}
	for _, backend := range t.proxy.BackendStates() {
		if rejected := t.lately(seen, limit{backend: backend.Name}, backend.Rejected, at); rejected > 0 {
			found.Backends = append(found.Backends, fleet.BackendTrouble{Backend: backend.Name, Waiting: backend.Waiting, Rejected: rejected})
		}
		found.Endpoints = append(found.Endpoints, endpointTroubles(backend, at)...)
	}
	t.rejected = seen
	return bounded(found)
}

// lately returns the count if it has grown in the last minute, else 0, and
// notes it for the next time.
func (t *troubles) lately(seen map[limit]rejections, l limit, count uint64, at time.Time) uint64 {
	if count == 0 {
		return 0
	}
	known := t.rejected[l]
	if count != known.count {
		known = rejections{count: count, grew: at}
	}
	seen[l] = known
	if at.Sub(known.grew) >= lately {
		return 0
	}
	return count
}

// laneTrouble tells of a lane whose counts are those of the last minute.
func laneTrouble(lane proxy.LaneState, at time.Time) fleet.LaneTrouble {
	trouble := fleet.LaneTrouble{
		Route: lane.Route, Side: lane.Side.String(), Breaker: lane.Breaker.State.String(),
		Waiting: lane.Waiting, Rejected: lane.Rejected, NoRetries: lane.Retries == 0, Unhelped: lane.Unhelped,
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
