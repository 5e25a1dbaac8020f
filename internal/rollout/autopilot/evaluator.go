package autopilot

import (
	"context"
	"log/slog"
	"slices"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/rollout/gate"
)

// Evaluator says how routes stand with their gates, by what the acting autopilot
// has come to and written. It is for people, on every router, and is safe for
// concurrent use.
type Evaluator struct {
	Dossiers Dossiers
	Leases   Leases // for the store's clock
	Sources  Sources
	Logger   *slog.Logger
}

// Judge returns how the named routes stand; nil: all that have somewhere to go.
// Others are left out.
func (e *Evaluator) Judge(ctx context.Context, names []string) (map[string]Assessment, error) {
	fleet := e.Sources.Fleet()
	routes := concerned(movable(fleet.Routes), names)
	asked := make([]string, len(routes))
	for i, route := range routes {
		asked[i] = route.Name
	}
	found := facts{frozen: fleet.Frozen, accounts: make(map[string]*Account, len(routes))}
	lease, err := e.Leases.CurrentLease(ctx)
	if err != nil {
		return nil, err
	}
	found.now = lease.Read
	dossiers, err := e.Dossiers.Dossiers(ctx, asked)
	if err != nil {
		return nil, err
	}
	for name := range dossiers {
		found.accounts[name] = opened(name, dossiers, e.Logger)
	}
	if found.breakers, err = e.Sources.Breakers(ctx); err != nil {
		return nil, err
	}
	found.parity = e.Sources.compared(ctx, asked, e.Logger)
	all := make(map[string]Assessment, len(routes))
	for name, assessed := range found.assess(routes) {
		if len(names) == 0 || slices.Contains(names, name) {
			all[name] = *assessed
		}
	}
	return all, nil
}

// Findings implements rollout.Gates.
func (e *Evaluator) Findings(ctx context.Context, sel rollout.Selection) (map[string][]gate.Finding, error) {
	names := sel.Routes
	if sel.All || sel.Group != "" {
		names = nil
		for _, route := range movable(e.Sources.Fleet().Routes) {
			if sel.All || route.Group == sel.Group {
				names = append(names, route.Name)
			}
		}
	}
	if len(names) == 0 {
		return map[string][]gate.Finding{}, nil
	}
	all, err := e.Judge(ctx, names)
	if err != nil {
		return nil, err
	}
	findings := make(map[string][]gate.Finding, len(all))
	for name, assessed := range all {
		findings[name] = assessed.Findings
	}
	return findings, nil
}

// concerned are the named routes, and those that move together with them.
func concerned(routes []*Route, names []string) []*Route {
	if len(names) == 0 {
		return routes
	}
	wanted, together := make(map[string]bool, len(names)), make(map[string]bool)
	for _, name := range names {
		wanted[name] = true
	}
	for _, route := range routes {
		if wanted[route.Name] && route.Group != "" {
			together[route.Group] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(routes), func(r *Route) bool { return !wanted[r.Name] && !together[r.Group] })
}
