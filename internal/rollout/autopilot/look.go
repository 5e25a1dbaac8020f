package autopilot

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/rollout/gate"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/stats"
)

// overlap is how far back windows are read again: what was committed late must
// not be overlooked.
const overlap = 15 * time.Second

// recall reads the accounts that are not known yet, and forgets those of routes
// that are gone.
func (p *Pilot) recall(ctx context.Context, routes []*Route) error {
	wanted := make(map[string]bool, len(routes))
	var unknown []string
	for _, route := range routes {
		wanted[route.Name] = true
		if p.accounts[route.Name] == nil {
			unknown = append(unknown, route.Name)
		}
	}
	gone := func(name string) bool { return !wanted[name] }
	maps.DeleteFunc(p.accounts, func(name string, _ *Account) bool { return gone(name) })
	maps.DeleteFunc(p.sights, func(name string, _ *sight) bool { return gone(name) })
	maps.DeleteFunc(p.written, func(name string, _ string) bool { return gone(name) })
	if len(unknown) == 0 {
		return nil
	}
	dossiers, err := p.Store.Dossiers(ctx, unknown)
	if err != nil {
		return err
	}
	for _, name := range unknown {
		p.accounts[name], p.sights[name] = opened(name, dossiers, p.Logger), newSight()
	}
	return nil
}

// opened is the account that a dossier holds; an empty one, where it holds none.
func opened(route string, dossiers map[string]Dossier, logger *slog.Logger) *Account {
	account := new(Account)
	dossier, found := dossiers[route]
	if !found {
		return account
	}
	if err := json.Unmarshal(dossier.State, account); err != nil {
		logger.Warn("what was added up about a route cannot be read: it is begun anew", "route", route, "error", err)
		return new(Account)
	}
	account.SlowOver = dossier.SlowOver
	return account
}

// takeIn reads what the routers have written since the last time, and takes it into
// the accounts. It returns the routes on which no request met an endpoint of new.
func (p *Pilot) takeIn(ctx context.Context, routes []*Route, now time.Time) (dead map[string]bool, err error) {
	known := make(map[string]*Route, len(routes))
	for _, route := range routes {
		known[route.Name] = route
		p.accounts[route.Name].stand(route)
		if p.accounts[route.Name].face(route.New, now) {
			p.sights[route.Name] = newSight()
		}
		p.sights[route.Name].forget(now, route.StepRevision)
	}
	for _, query := range p.unread(routes, now) {
		windows, _, err := p.Store.Windows(ctx, query)
		if err != nil {
			return nil, err
		}
		p.see(windows, known, now)
	}
	p.read = now
	maps.DeleteFunc(p.met, func(_ int64, at time.Time) bool { return now.Sub(at) > 2*overlap })
	dead = make(map[string]bool)
	for _, route := range exposed(routes) {
		account := p.accounts[route.Name]
		if !account.ahead(route) && p.sights[route.Name].count(account, route) {
			dead[route.Name] = true
		}
	}
	return dead, nil
}

// routesAtOnce is of how many routes all recent windows are read at once: a busy one has
// a hundred for each router, of some 10 KiB.
const routesAtOnce = 25

// unread are the windows that were not read yet. Whoever takes over begins with those
// of the newest minutes; what he has read of them when a look is over he need not read
// again.
func (p *Pilot) unread(routes []*Route, now time.Time) []stats.WindowQuery {
	met := func(id int64) bool { _, met := p.met[id]; return met }
	if !p.read.IsZero() {
		return []stats.WindowQuery{{Exposed: true, Written: p.read.Add(-overlap), Met: met}}
	}
	var names []string
	for _, route := range exposed(routes) {
		names = append(names, route.Name)
	}
	var queries []stats.WindowQuery
	for part := range slices.Chunk(names, routesAtOnce) {
		queries = append(queries, stats.WindowQuery{
			Routes: part, Exposed: true, From: now.Truncate(time.Minute).Add(-recent * time.Minute), Met: met,
		})
	}
	return queries
}

// see takes windows in, each once.
func (p *Pilot) see(windows []stats.LaneWindow, known map[string]*Route, now time.Time) {
	var judged []*stats.LaneWindow
	for i := range windows {
		if w := &windows[i]; p.meet(w, known[w.Route], now) {
			p.sights[w.Route].hear(w, p.accounts[w.Route])
			judged = append(judged, w)
		}
	}
	for _, w := range judged { // once all builds are known
		if account := p.accounts[w.Route]; !w.To.Before(account.Since) {
			p.sights[w.Route].see(w, known[w.Route], account)
		}
	}
}

// meet notes that a window was read, and reports whether it is to be judged. One of a
// step that this router does not know yet is met again.
func (p *Pilot) meet(w *stats.LaneWindow, route *Route, now time.Time) (judged bool) {
	if _, met := p.met[w.ID]; met || route == nil || routing.Revision(w.Step) > route.StepRevision || p.accounts[w.Route].ahead(route) {
		return false
	}
	p.met[w.ID] = now
	return route.State.Stage.Exposed() && p.sights[route.Name].judged(w, route, p.accounts[route.Name], now)
}

// unreachable is how new's lane stands where nobody meets an endpoint of it.
const unreachable = "unreachable"

// gather reads what else speaks against the routes. Where that fails it has what is
// known without it.
func (p *Pilot) gather(ctx context.Context, frozen *gate.Frozen, dead map[string]bool, now time.Time) (*facts, error) {
	found := &facts{now: now, frozen: frozen, accounts: p.accounts, breakers: make(map[string][]gate.Breaker)}
	breakers, err := p.Sources.Breakers(ctx)
	maps.Copy(found.breakers, breakers)
	for name := range dead {
		found.breakers[name] = append(slices.Clip(found.breakers[name]),
			gate.Breaker{Instance: "every router", State: unreachable, Reason: "no request of the last seconds met an endpoint"})
	}
	return found, err
}

// compare reads what speaks for the routes that might be promoted; false: there are none.
func (p *Pilot) compare(ctx context.Context, found *facts, routes []*Route) (some bool) {
	var compared []string
	for _, route := range routes {
		some = some || route.Mode == On
		if route.Mode == On && route.State.Stage != routing.StageLegacy {
			compared = append(compared, route.Name)
		}
	}
	found.parity = p.Sources.compared(ctx, compared, p.Logger)
	return some
}

// keep writes what has changed of the accounts.
func (p *Pilot) keep(ctx context.Context) error {
	var changed []Dossier
	for name, account := range p.accounts {
		text, err := json.Marshal(account)
		if err != nil {
			return err
		}
		if mark := account.SlowOver.String() + string(text); p.written[name] != mark {
			p.written[name] = mark
			changed = append(changed, Dossier{Route: name, SlowOver: account.SlowOver, State: text})
		}
	}
	if len(changed) == 0 {
		return nil
	}
	if err := p.Store.KeepDossiers(ctx, p.lease, changed); err != nil {
		for _, dossier := range changed {
			delete(p.written, dossier.Route)
		}
		return err
	}
	return nil
}

// standings are how routes were seen to stand.
func standings(routes []*Route) map[string]rollout.Standing {
	seen := make(map[string]rollout.Standing, len(routes))
	for _, route := range routes {
		seen[route.Name] = rollout.Standing{Step: route.StepRevision, Hold: route.State.Hold.Kind}
	}
	return seen
}
