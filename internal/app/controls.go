package app

import (
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/proxy"
	"github.com/stranglerfig/strangler/internal/routing"
)

// controlsOf is what operators have switched, as the data plane takes it. Faults
// that have ended do no harm: each try looks at the clock.
func controlsOf(c fleet.Controls) proxy.Controls {
	controls := proxy.Controls{
		Faults: make([]guard.Fault, len(c.Faults)), Drained: make(map[string][]string), Resets: make(map[proxy.LaneID]int64, len(c.Resets)),
	}
	for i, fault := range c.Faults {
		controls.Faults[i] = fault.Fault
	}
	for _, d := range c.Drained {
		controls.Drained[d.Backend] = append(controls.Drained[d.Backend], d.Endpoint)
	}
	for _, r := range c.Resets {
		controls.Resets[proxy.LaneID{Route: r.Route, Side: routing.SideNamed(r.Side)}] = int64(r.Generation)
	}
	return controls
}
