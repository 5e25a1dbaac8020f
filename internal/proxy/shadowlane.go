package proxy

import (
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow"
)

// buildShadow binds what the shadow requests of a route need; nil: it has none.
func (p *Proxy) buildShadow(lanes *Lanes, route *routing.Route, backends map[string]Backend, policies Policies) *shadowed {
	def := route.Definition
	if p.shadows == nil || policies.Shadow == nil || def.New == "" || def.Legacy == "" {
		return nil
	}
	s := &shadowed{lane: p.shadows.Lane(shadow.Settings{
		Route: route.Name, Policy: *policies.Shadow,
		Breakers: [2]guard.BreakerPolicy{routing.Legacy: policies.Legacy.Breaker, routing.New: policies.New.Breaker},
		Meter:    p.metrics.Shadow(route.Name),
	})}
	sides := lanes.byRoute[route.Index]
	legacy, fresh := backends[def.Legacy], backends[def.New]
	for served, from := range [2]Backend{routing.Legacy: legacy, routing.New: fresh} {
		to := &s.sides[served]
		to.Legacy = p.copyist(lanes, sides.legacy, routing.Legacy, def.Legacy, legacy, from)
		to.New = p.copyist(lanes, sides.new, routing.New, def.New, fresh, from)
		switch policies.Shadow.Writes {
		case shadow.WritesDryRun:
			prove(to.New, p.proofs)
		case shadow.WritesSandbox:
			name := policies.Shadow.Sandbox
			to.Sandbox = p.copyist(lanes, sides.new, routing.New, name, backends[name], from)
		case shadow.WritesOff:
		}
	}
	return s
}

// prove has writes sent only where a dry run is proved.
func prove(asker shadow.Asker, proofs *proofs) {
	if c, ok := asker.(*copyist); ok {
		c.proofs = proofs
	}
}

// copyist returns who sends copies of what from has served to a backend in the
// place of lane's; nil: that has no endpoint.
func (p *Proxy) copyist(lanes *Lanes, lane *lane, side routing.Side, name string, to, from Backend) shadow.Asker {
	shared := p.sharedGuard(lanes, name, to)
	if shared.picker == nil {
		return nil
	}
	c := &copyist{side: side, lane: lane, picker: shared.picker, stranger: to.Trust != from.Trust, build: to.BuildHeader}
	for _, endpoint := range to.Endpoints {
		c.endpoints = append(c.endpoints, p.pool(lanes, endpoint, to, lane.policy, true))
	}
	return c
}

// adoptShadows puts the shadow lanes of a table into service.
func (p *Proxy) adoptShadows(g *generation) {
	if p.shadows == nil {
		return
	}
	var adopted []shadow.Adopted
	for route := range g.table.Routes() {
		if s := g.lanes.byRoute[route.Index].shadow; s != nil {
			share := s.lane.Policy().Share(g.table.Assigned(route).Stage)
			adopted = append(adopted, shadow.Adopted{Lane: s.lane, Sides: s.sides, Off: share == 0})
		}
	}
	p.shadows.Adopt(adopted)
}
