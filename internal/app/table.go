package app

import (
	"context"
	"iter"
	"log/slog"
	"time"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/proxy"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
	"github.com/stranglerfig/strangler/internal/stats"
	"github.com/stranglerfig/strangler/internal/telemetry"
)

// tables turns snapshots into tables in service. The watcher's goroutine is
// the only one to call apply, and owns the fields below the ports.
type tables struct {
	proxy   *proxy.Proxy
	board   *stats.Board
	shadows *shadows
	metrics *telemetry.Metrics
	logger  *slog.Logger
	applied func(routing.Revision) // told what is in service

	digest string // of the definitions that table was compiled from
	table  *routing.Table
	lanes  *proxy.Lanes
}

// apply puts a snapshot into service. When only stages and weights moved, the
// compiled matcher and the lanes are taken over.
func (t *tables) apply(s *fleet.Snapshot) <-chan struct{} {
	t.steps(s)
	if t.table != nil && t.digest == s.DefinitionsDigest {
		t.table = t.table.Reassign(s.Revision, assigned(s.Routes))
	} else {
		t.compile(s)
	}
	t.proxy.SetRevoked(revokedIDs(s.RevokedOverrides))
	applied := t.proxy.Install(t.table, t.lanes)
	t.proxy.SetControls(controlsOf(s.Controls))
	t.metrics.SetTable(s.Revision, weights(t.table))
	t.applied(s.Revision)
	return applied
}

// steps says by which revision each route came to where it stands. What that
// assigns must not be counted with what came before, so it is said first.
func (t *tables) steps(s *fleet.Snapshot) {
	now := time.Now()
	for i, route := range s.Definitions.Routes {
		t.board.SetStep(route.Name, uint64(s.Routes[i].StepRevision), now)
	}
}

// compile builds matcher and lanes anew, and says which routes are left out.
func (t *tables) compile(s *fleet.Snapshot) {
	states := make(map[string]rollout.State, len(s.Routes))
	policies := make([]proxy.Policies, len(s.Routes))
	for i, route := range s.Definitions.Routes {
		states[route.Name] = s.Routes[i].State
		shadowing := route.ShadowPolicy()
		policies[i] = proxy.Policies{Legacy: route.Policy(routing.Legacy), New: route.Policy(routing.New), Shadow: &shadowing}
	}
	backends, legacy := make(map[string]proxy.Backend, len(s.Definitions.Backends)), s.Definitions.LegacyBackends()
	for _, definition := range s.Definitions.Backends {
		backends[definition.Name] = backendOf(definition, legacy[definition.Name])
		if err := checkTLS(definition); err != nil {
			t.logger.Error("no connection to the backend's https endpoints can be made until this is mended", "backend", definition.Name, "error", err)
		}
	}
	t.digest = s.DefinitionsDigest
	t.table = routing.Compile(s.Revision, spec.Routing(s.Definitions, states))
	t.shadows.setRoutes(s.Definitions.Routes)
	t.lanes = t.proxy.BuildLanes(t.table, backends, policies)
	t.rewrite(s.Definitions.Routes)
	for _, bad := range t.table.Invalid() {
		t.logger.Error("route left out: its requests go where they would without it",
			"route", bad.Name, "code", bad.Code, "field", bad.Field, "error", bad.Message)
	}
}

// backendOf is a backend as the data plane takes it, some route's legacy side or
// not. What is in force is what Validate let through.
func backendOf(definition spec.Backend, legacy bool) proxy.Backend {
	backend := proxy.Backend{
		Endpoints: definition.Endpoints, Protocol: proxy.Protocol(definition.Protocol),
		Bulkhead: definition.BulkheadPolicy(legacy), Fallback: definition.FallbackPolicy(),
		Trust: definition.Trust, BuildHeader: definition.BuildHeader,
	}
	if definition.TLS != nil {
		backend.TLS = proxy.BackendTLS(*definition.TLS)
	}
	if policy := definition.HealthPolicy(); policy != nil {
		health := proxy.Health(*policy)
		backend.Health = &health
	}
	return backend
}

// rewrite gives the lanes that rewrite what they need for it.
func (t *tables) rewrite(routes []spec.Route) {
	for i, route := range routes {
		for _, side := range [...]routing.Side{routing.Legacy, routing.New} {
			rewrite, faults := route.Rewriting(side)
			if len(faults) > 0 {
				t.logger.Error("no request of this side can be sent until its rewriting is mended",
					"route", route.Name, "side", side.String(), "error", faults.Error())
			}
			t.lanes.Rewrite(i, side, rewrite)
		}
	}
}

// checkTLS says why this machine can make no TLS connection to a backend,
// whatever that does.
func checkTLS(definition spec.Backend) error { return backendOf(definition, false).TLS.Check() }

// reach connects to an endpoint as requests would.
func reach(ctx context.Context, definition spec.Backend, endpoint string) error {
	return proxy.Reach(ctx, backendOf(definition, false), endpoint)
}

func assigned(routes []fleet.RouteState) []routing.Assigned {
	out := make([]routing.Assigned, len(routes))
	for i := range routes {
		out[i] = routes[i].Assigned()
	}
	return out
}

// weights are the valid routes, each with its weight.
func weights(table *routing.Table) iter.Seq2[string, routing.Weight] {
	return func(yield func(string, routing.Weight) bool) {
		for route := range table.Routes() {
			if !yield(route.Name, table.Assigned(route).Weight) {
				return
			}
		}
	}
}
