package proxy

import (
	"sync/atomic"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/stats"
	"github.com/stranglerfig/strangler/internal/telemetry"
)

// Limits are the effective timeouts of a route's two sides.
type Limits struct {
	Legacy, New guard.Timeouts
}

// Lanes is what forwarding needs for every route of a table: connection pools,
// limits and metric handles, bound once and not looked up per request.
type Lanes struct {
	byRoute []routeLanes // by routing.Route.Index
	pools   map[poolKey]*pool
}

type routeLanes struct{ legacy, new *lane }

// lane is one route's one side.
type lane struct {
	backend   string
	endpoints []*pool
	turn      atomic.Uint32
	limits    guard.Timeouts
	rewrite   *exchange.Rewrite // nil: none
	metrics   *telemetry.Lane
	counts    *stats.Lane
}

// side returns the lane of one side.
func (r routeLanes) side(s routing.Side) *lane {
	if s == routing.New {
		return r.new
	}
	return r.legacy
}

// pick returns the endpoint whose turn it is; nil when the backend has none.
func (l *lane) pick() *pool {
	if len(l.endpoints) == 0 {
		return nil
	}
	return l.endpoints[int(l.turn.Add(1)-1)%len(l.endpoints)]
}

// BuildLanes binds the routes of a table to their backends, which are given by
// name. limits is parallel to the definitions the table was compiled from.
// Connection pools that exist already are taken over: a change of the table
// closes no connection in use.
func (p *Proxy) BuildLanes(table *routing.Table, backends map[string]Backend, limits []Limits) *Lanes {
	lanes := &Lanes{byRoute: make([]routeLanes, len(limits)), pools: make(map[poolKey]*pool)}
	for route := range table.Routes() {
		def, limit := route.Definition, limits[route.Index]
		lanes.byRoute[route.Index] = routeLanes{
			legacy: p.buildLane(lanes, route.Name, routing.Legacy, def.Legacy, backends[def.Legacy], limit.Legacy),
			new:    p.buildLane(lanes, route.Name, routing.New, def.New, backends[def.New], limit.New),
		}
	}
	return lanes
}

func (p *Proxy) buildLane(lanes *Lanes, route string, side routing.Side, name string, backend Backend, limits guard.Timeouts) *lane {
	l := &lane{backend: name, limits: limits, metrics: p.metrics.Lane(route, side), counts: p.counts.Lane(route, side.String())}
	for _, endpoint := range backend.Endpoints {
		key := poolKey{
			endpoint: endpoint, protocol: backend.Protocol, files: backend.TLS,
			connect: limits.Connect, tls: limits.TLS,
		}
		known := lanes.pools[key]
		if known == nil {
			known = p.pools.get(key)
		}
		if known != nil {
			l.endpoints = append(l.endpoints, known)
			lanes.pools[key] = known
		}
	}
	return l
}
