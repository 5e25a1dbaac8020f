package autopilot

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout/gate"
	"github.com/stranglerfig/strangler/internal/rollout/sequential"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/stats"
)

const (
	slowShare   = 0.95               // what is slower than this share of legacy's requests is slow
	slowDays    = 24 * time.Hour     // of legacy's, by which it is said
	baselineAge = 7 * 24 * time.Hour // of what legacy did, at most

	// frozenFrom is the weight from which legacy serves too little to say what is
	// usual: what it did before stays the measure.
	frozenFrom = routing.FullWeight / 10 * 9

	knownFor    = time.Hour   // after which what legacy does is looked at again
	unknownFor  = time.Minute // the same, while it is not known
	askedAtOnce = 50          // routes, in one look
	measureFor  = 3 * time.Second
)

// due returns the routes of which it is time to look at what legacy does, those
// first that have waited longest.
func (p *Pilot) due(routes []*Route, now time.Time) []*Route {
	var due []*Route
	for _, route := range routes {
		known := p.accounts[route.Name].Legacy
		wait := knownFor
		if known.Errors == 0 || known.Slowness == 0 || p.accounts[route.Name].SlowOver == 0 {
			wait = unknownFor
		} else if route.State.Weight >= frozenFrom {
			continue
		}
		if now.Sub(known.Asked) >= wait {
			due = append(due, route)
		}
	}
	slices.SortStableFunc(due, func(a, b *Route) int {
		return p.accounts[a.Name].Legacy.Asked.Compare(p.accounts[b.Name].Legacy.Asked)
	})
	return due[:min(len(due), askedAtOnce)]
}

// measure looks at what legacy does, of the routes of which that is due. What cannot be
// read stays as it was, and keeps nobody from anything else.
func (p *Pilot) measure(ctx context.Context, routes []*Route, now time.Time) {
	due := p.due(routes, now)
	if len(due) == 0 {
		return
	}
	for _, route := range due {
		p.accounts[route.Name].Legacy.Asked = now
	}
	ctx, cancel := context.WithTimeout(ctx, measureFor)
	defer cancel()
	if err := p.usual(ctx, due, now); err != nil {
		p.Logger.Info("what legacy did could not be read: it is tried again later", "routes", len(due), "error", err)
	}
}

// usual reads what legacy did of some routes.
func (p *Pilot) usual(ctx context.Context, due []*Route, now time.Time) error {
	names := make([]string, len(due))
	for i, route := range due {
		names[i] = route.Name
	}
	totals, err := p.Store.Totals(ctx, names, now.Add(-baselineAge))
	if err != nil {
		return err
	}
	usual, err := p.Store.Latencies(ctx, names, now.Add(-slowDays))
	if err != nil {
		return err
	}
	for _, route := range due {
		account := p.accounts[route.Name]
		if total := totals[route.Name]; total.Exposed > 0 {
			account.Legacy.Errors = sequential.Baseline(sequential.Count{Exposures: total.Exposed, Events: total.Failed})
		}
		if err := p.slowness(ctx, route, account, totals[route.Name], now); err != nil {
			return err
		}
		if h := usual[route.Name]; h != nil && h.Count() >= gate.SlowKnownFrom {
			account.SlowOver = h.Quantile(slowShare).High
			account.Legacy.Measured = cmp.Or(account.Legacy.Measured, now)
		}
	}
	return nil
}

// slowness is how often legacy is slow, since somebody looks at that.
func (p *Pilot) slowness(ctx context.Context, route *Route, account *Account, total stats.Total, now time.Time) error {
	since := account.Legacy.Measured
	switch {
	case since.IsZero():
		return nil
	case since.After(now.Add(-baselineAge)):
		// From the first minute on that was measured as a whole, on all routers.
		totals, err := p.Store.Totals(ctx, []string{route.Name}, since.Add(stats.SlotLength).Truncate(time.Minute).Add(time.Minute))
		if err != nil {
			return err
		}
		total = totals[route.Name]
	}
	if total.Exposed > 0 {
		account.Legacy.Slowness = sequential.Baseline(sequential.Count{Exposures: total.Exposed, Events: total.Slowed})
	}
	return nil
}
