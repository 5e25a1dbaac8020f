package shadow

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
)

// waitingJudgements is how many compared pairs may wait for a processor. Their
// bodies are within the budget, so this bounds little more than a list.
const waitingJudgements = 1024

// Config is what an Engine stands on.
type Config struct {
	Budget    *Budget
	Collector *Collector
	Logger    *slog.Logger
}

// Engine runs the shadow requests of a router, and compares. It is safe for
// concurrent use.
type Engine struct {
	budget    *Budget
	collector *Collector
	logger    *slog.Logger
	judges    *crew[*Job]     // half of the processors: those who serve come first
	ctx       context.Context //nolint:containedctx // of all shadow requests: it ends with Close, not with a call
	cancel    context.CancelFunc

	open    atomic.Int64  // jobs that have not ended
	settled chan struct{} // one slot: open has become 0

	mu    sync.Mutex
	lanes map[string]Adopted // by route; guarded by mu
}

// NewEngine returns an engine without lanes. Close ends it.
func NewEngine(cfg Config) *Engine {
	e := &Engine{
		settled: make(chan struct{}, 1),
		budget:  cfg.Budget, collector: cfg.Collector, logger: cfg.Logger,
		judges: newCrew(max(1, runtime.GOMAXPROCS(0)/2), waitingJudgements, (*Job).judge), lanes: make(map[string]Adopted),
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	return e
}

// Lane returns the lane of a route: the one in service, if nothing of its
// settings differs.
func (e *Engine) Lane(settings Settings) *Lane {
	e.mu.Lock()
	defer e.mu.Unlock()
	known := e.lanes[settings.Route].Lane
	if known != nil && known.like(settings) {
		return known
	}
	return e.newLane(settings, known, time.Now())
}

// Adopted is a lane of the table in service, with whom it asks by that table.
type Adopted struct {
	Lane  *Lane
	Sides [2]Sides // by the routing.Side that served
	Off   bool     // in the stage in service nothing is shadowed
}

// Adopt makes lanes those in service. What waits for its turn goes by them; what
// has been sent ends as it began.
func (e *Engine) Adopt(lanes []Adopted) {
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.lanes)
	for _, adopted := range lanes {
		e.lanes[adopted.Lane.settings.Route] = adopted
	}
}

// inService returns the lane of a route by the table in service; the zero value:
// it has none.
func (e *Engine) inService(route string) Adopted {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.lanes[route]
}

// States returns how the lanes stand, by route.
func (e *Engine) States() []LaneState {
	e.mu.Lock()
	lanes := slices.Collect(maps.Values(e.lanes))
	e.mu.Unlock()
	now := time.Now()
	states := make([]LaneState, len(lanes))
	for i, adopted := range lanes {
		states[i] = adopted.Lane.state(now)
	}
	slices.SortFunc(states, func(a, b LaneState) int { return strings.Compare(a.Route, b.Route) })
	return states
}

// Budget is what the copies of all lanes may take, and take.
func (e *Engine) Budget() *Budget { return e.budget }

// Settle waits until nothing is under way any more, or ctx ends. One at a time
// may wait.
func (e *Engine) Settle(ctx context.Context) error {
	for e.open.Load() > 0 {
		select {
		case <-e.settled:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// closed counts the end of a job.
func (e *Engine) closed() {
	if e.open.Add(-1) > 0 {
		return
	}
	select {
	case e.settled <- struct{}{}:
	default:
	}
}

// survives does something with what backends have sent, and reports whether it
// did not panic. That is a bug, and costs one comparison: nobody who is served
// may be hurt by a shadow.
func (e *Engine) survives(route string, do func()) (ok bool) {
	defer func() {
		if cause := recover(); cause != nil {
			ok = false
			e.logger.Error("the router failed on a shadow request: this is a bug in it, and no client has noticed",
				"route", route, "error", fmt.Sprint(cause), "stack", string(debug.Stack()))
		}
	}()
	do()
	return true
}

// Close breaks off the shadow requests under way, and returns when the last
// comparison has reached the collector.
func (e *Engine) Close() {
	e.cancel()
	e.mu.Lock()
	lanes := slices.Collect(maps.Values(e.lanes))
	e.mu.Unlock()
	for _, adopted := range lanes {
		for _, job := range adopted.Lane.crew.stop() {
			job.stopped()
		}
	}
	for _, job := range e.judges.stop() {
		job.skip(ReasonStopped)
		job.release()
	}
}

func (e *Engine) breakerChanged(route string, side routing.Side, change guard.Change) {
	level := slog.LevelInfo
	if change.After.State == guard.Open {
		level = slog.LevelWarn
	}
	e.logger.Log(context.Background(), level, "breaker of shadow requests changed: served requests are not touched",
		"route", route, "side", side.String(), "from", change.Before.String(), "to", change.After.State.String(),
		"reason", string(change.After.Reason))
}
