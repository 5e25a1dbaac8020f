package proxy

import (
	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/stats"
	"github.com/stranglerfig/strangler/internal/telemetry"
)

// Policies are what is in force for a route's two sides.
type Policies struct {
	Legacy, New guard.Policy
	Shadow      *shadow.Policy // nil: it is not shadowed
}

// Lanes is what forwarding needs for every route of a table: connection pools,
// limits and metric handles, bound once and not looked up per request.
type Lanes struct {
	byRoute  []routeLanes // by routing.Route.Index
	pools    map[poolKey]*pool
	backends map[string]*backendGuard
}

type routeLanes struct {
	legacy, new *lane
	shadow      *shadowed // nil: the route is not shadowed
}

// lane is one route's one side.
type lane struct {
	backend   *backendGuard
	endpoints []*pool // parallel to those of the backend's picker
	policy    guard.Policy
	guard     *laneGuard
	rewrite   *exchange.Rewrite // nil: none
	metrics   *telemetry.Lane
	counts    *stats.Lane
	recorder  *stats.LaneRecorder // nil: nobody asks
}

// side returns the lane of one side.
func (r routeLanes) side(s routing.Side) *lane {
	if s == routing.New {
		return r.new
	}
	return r.legacy
}

// BuildLanes binds the routes of a table to their backends, which are given by
// name. policies is parallel to the definitions the table was compiled from.
// Connection pools and guards that exist already are taken over: a change of the
// table closes no connection in use and forgets nothing of a backend's health.
func (p *Proxy) BuildLanes(table *routing.Table, backends map[string]Backend, policies []Policies) *Lanes {
	lanes := &Lanes{
		byRoute: make([]routeLanes, len(policies)), pools: make(map[poolKey]*pool),
		backends: make(map[string]*backendGuard, len(backends)),
	}
	for route := range table.Routes() {
		def, policy := route.Definition, policies[route.Index]
		lanes.byRoute[route.Index] = routeLanes{
			legacy: p.buildLane(lanes, LaneID{route.Name, routing.Legacy}, def.Legacy, backends[def.Legacy], policy.Legacy),
			new:    p.buildLane(lanes, LaneID{route.Name, routing.New}, def.New, backends[def.New], policy.New),
		}
		lanes.byRoute[route.Index].shadow = p.buildShadow(lanes, route, backends, policy)
	}
	return lanes
}

func (p *Proxy) buildLane(lanes *Lanes, id LaneID, name string, backend Backend, policy guard.Policy) *lane {
	l := &lane{
		policy: policy, guard: p.guards.lane(id, policy), backend: p.sharedGuard(lanes, name, backend),
		metrics: p.metrics.Lane(id.Route, id.Side), counts: p.counts.Lane(id.Route, id.Side.String()),
	}
	if p.board != nil {
		l.recorder = p.board.Lane(id.Route, id.Side.String())
	}
	for _, endpoint := range backend.Endpoints {
		l.endpoints = append(l.endpoints, p.pool(lanes, endpoint, backend, policy, false))
	}
	return l
}

// sharedGuard returns what the lanes of a backend share.
func (p *Proxy) sharedGuard(lanes *Lanes, name string, backend Backend) *backendGuard {
	if lanes.backends[name] == nil {
		lanes.backends[name] = p.guards.backend(name, backend)
	}
	return lanes.backends[name]
}

// pool returns the connections to an endpoint; those of shadow requests are apart.
func (p *Proxy) pool(lanes *Lanes, endpoint string, backend Backend, policy guard.Policy, shadows bool) *pool {
	key := poolKey{
		endpoint: endpoint, protocol: backend.Protocol, files: backend.TLS,
		connect: policy.Timeouts.Connect, tls: policy.Timeouts.TLS, shadows: shadows,
	}
	known := lanes.pools[key]
	if known == nil {
		known = p.pools.get(key)
	}
	if known != nil {
		lanes.pools[key] = known
	}
	return known
}
