package proxy

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
)

// LaneID names one route's one side.
type LaneID struct {
	Route string
	Side  routing.Side
}

// laneGuard is what a lane's guard remembers. It outlives tables, for as long
// as the policies it was made by stay the same.
type laneGuard struct {
	id       LaneID
	breaker  *guard.Breaker
	budget   *guard.RetryBudget
	bulkhead *guard.Bulkhead
	streams  *guard.Bulkhead
	unhelped *atomic.Uint64 // fallbacks that legacy had no room for
	policy   guard.Policy
}

// spend counts one retry that is made at once; false: the budget has no room.
func (g *laneGuard) spend() bool {
	now := time.Now()
	if !g.budget.Reserve(now) {
		return false
	}
	g.budget.Spend(now)
	return true
}

// backendGuard is what the lanes of one backend share.
type backendGuard struct {
	name       string
	definition Backend
	bulkhead   *guard.Bulkhead
	fallback   *guard.FallbackBudget
	picker     *guard.Picker // nil: it has no endpoints
}

// guards are the guards of the table in service. They outlive tables.
type guards struct {
	logger   *slog.Logger
	onChange func(LaneID, guard.Change)

	mu       sync.Mutex // owns the rest
	lanes    map[LaneID]*laneGuard
	backends map[string]*backendGuard
	drained  map[string][]string // endpoints by the name of their backend
}

func newGuards(logger *slog.Logger, onChange func(LaneID, guard.Change)) *guards {
	return &guards{
		logger: logger, onChange: onChange,
		lanes: make(map[LaneID]*laneGuard), backends: make(map[string]*backendGuard),
	}
}

// lane returns the guard of a lane with policy: the one in service, if only
// limits of its bulkheads differ. Those are set when it is adopted.
func (g *guards) lane(id LaneID, policy guard.Policy) *laneGuard {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	made := &laneGuard{id: id, policy: policy}
	if known := g.lanes[id]; known != nil {
		if known.policy == policy {
			return known
		}
		*made = *known
		made.policy = policy
	} else {
		made.bulkhead, made.streams = guard.NewBulkhead(policy.Bulkhead), guard.NewBulkhead(policy.Streams)
		made.unhelped = new(atomic.Uint64)
	}
	if made.breaker == nil || made.breaker.Policy() != policy.Breaker {
		made.breaker = guard.NewBreaker(policy.Breaker, rand.Float64, now, func(c guard.Change) { g.changed(id, c) })
	}
	if known := g.lanes[id]; known == nil || known.policy.Retry != policy.Retry {
		made.budget = guard.NewRetryBudget(policy.Retry, now)
	}
	return made
}

// backend returns the guard of a backend, with the endpoints it has now.
func (g *guards) backend(name string, b Backend) *backendGuard {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	made := &backendGuard{name: name, definition: b}
	var endpoints *guard.Picker
	if known := g.backends[name]; known != nil {
		made.bulkhead, made.fallback, endpoints = known.bulkhead, known.fallback, known.picker
	} else {
		made.bulkhead, made.fallback = guard.NewBulkhead(b.Bulkhead), guard.NewFallbackBudget(b.fallback(), now)
	}
	if len(b.Endpoints) > 0 {
		made.picker = guard.NewPicker(b.Endpoints, endpoints, now)
	}
	return made
}

// adopt makes the guards of lanes those in service.
func (g *guards) adopt(lanes *Lanes) {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.lanes)
	for _, route := range lanes.byRoute {
		for _, lane := range [...]*lane{route.legacy, route.new} {
			if lane != nil && lane.backend.name != "" { // an invalid route has none, and a side without a backend nothing to guard
				g.lanes[lane.guard.id] = lane.guard
			}
		}
	}
	clear(g.backends)
	for _, b := range lanes.backends {
		b.fallback.SetPolicy(b.definition.fallback())
		g.backends[b.name] = b
	}
	g.applyDrains() // there may be endpoints that were not there before
}

// limit puts the limits of lanes into force. They must be those in service:
// whoever a higher limit lets in looks for his table there.
func (g *guards) limit(lanes *Lanes) {
	for _, route := range lanes.byRoute {
		for _, lane := range [...]*lane{route.legacy, route.new} {
			if lane != nil {
				lane.guard.bulkhead.SetPolicy(lane.policy.Bulkhead)
				lane.guard.streams.SetPolicy(lane.policy.Streams)
			}
		}
	}
	for _, b := range lanes.backends {
		b.bulkhead.SetPolicy(b.definition.Bulkhead)
	}
}

// changed tells of a breaker. It is called while nothing is locked.
func (g *guards) changed(id LaneID, c guard.Change) {
	level := slog.LevelInfo
	if c.After.State == guard.Open {
		level = slog.LevelWarn
	}
	attributes := []any{
		"route", id.Route, "side", id.Side.String(), "from", c.Before.String(), "to", c.After.State.String(),
		"reason", string(c.After.Reason), "failures", c.After.Failures, "slow", c.After.Slow, "results", c.After.Total,
	}
	if c.After.State == guard.Open {
		attributes = append(attributes, "until", c.After.Until.UTC().Format(time.RFC3339))
	}
	g.logger.Log(context.Background(), level, "breaker changed", attributes...)
	g.onChange(id, c)
}
