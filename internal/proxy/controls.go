package proxy

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
)

// Controls are what operators ask of the data plane beside the table.
type Controls struct {
	Faults  []guard.Fault
	Drained map[string][]string // endpoints by the name of their backend
	Resets  map[LaneID]int64    // generation of the last reset that was asked for
}

// controlled is what is in force of Controls.
type controlled struct {
	faults map[LaneID]guard.Faults // nil: none
	resets map[LaneID]int64
}

// SetControls puts controls into force, instead of those before. A lane whose
// reset has a new generation has its breaker closed; the first Controls of a
// router reset nothing, since there is nothing to forget yet. It comes after the
// Install of the table that they were written for.
func (p *Proxy) SetControls(c Controls) {
	next := &controlled{resets: c.Resets}
	for _, fault := range c.Faults {
		if next.faults == nil {
			next.faults = make(map[LaneID]guard.Faults)
		}
		id := LaneID{Route: fault.Route, Side: routing.SideNamed(fault.Side)}
		next.faults[id] = append(next.faults[id], fault)
	}
	for _, faults := range next.faults {
		slices.SortFunc(faults, func(a, b guard.Fault) int { return int(a.ID - b.ID) })
	}
	before := p.controlled.Swap(next)
	p.guards.drain(c.Drained)
	if before != nil {
		p.guards.reset(before.resets, c.Resets, time.Now())
	}
}

// reset closes the breakers of the lanes whose generation has changed.
func (g *guards) reset(before, now map[LaneID]int64, at time.Time) {
	var lanes []*laneGuard
	g.mu.Lock()
	for id, generation := range now {
		if lane := g.lanes[id]; lane != nil && before[id] != generation {
			lanes = append(lanes, lane)
		}
	}
	g.mu.Unlock()
	for _, lane := range lanes { // it tells of the change, which nobody should do under a lock
		lane.breaker.Reset(at)
	}
}

// drain takes the named endpoints out of service and all others back in.
func (g *guards) drain(drained map[string][]string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.drained = drained
	g.applyDrains()
}

// applyDrains enters what is drained on every endpoint. It needs mu.
func (g *guards) applyDrains() {
	for name, backend := range g.backends {
		if backend.picker == nil {
			continue
		}
		for _, endpoint := range backend.picker.Endpoints() {
			endpoint.SetDrained(slices.Contains(g.drained[name], endpoint.Address()))
		}
	}
}

// injection returns what a fault does to the try that is about to begin.
func (f *flow) injection() (guard.Injection, bool) {
	c := f.proxy.controlled.Load()
	if c == nil || c.faults == nil {
		return guard.Injection{}, false
	}
	faults := c.faults[f.lane.guard.id]
	if len(faults) == 0 {
		return guard.Injection{}, false
	}
	return faults.Decide(rand.Float64, time.Now(), f.r.Header.Values)
}
