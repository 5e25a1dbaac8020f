package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/rollout/gate"
	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/spec"
)

// What reading the comparisons of routes may cost the autopilot and those who ask
// how gates stand: what was read is used for ten seconds, and for ten times as long
// as the reading took.
const (
	parityFresh = 10 * time.Second
	parityRests = 10
	ofLate      = time.Hour // by which it is said how many comparisons there are in an hour
)

// parityView is what the comparisons of each route came to, as it was read last.
// It is safe for concurrent use.
type parityView struct {
	evidence shadow.Reader
	current  func() *fleet.Snapshot

	turn  chan struct{} // of one slot, full while somebody reads; it owns the rest
	known map[string]remembered
}

func newParityView(evidence shadow.Reader, current func() *fleet.Snapshot) *parityView {
	return &parityView{evidence: evidence, current: current, turn: make(chan struct{}, 1)}
}

type remembered struct {
	gate.Compared

	until time.Time
	rules string // that the route had then
}

// parity returns what the comparisons of the present epoch came to, of the routes
// that were compared at all. What was found by other rules than the present ones
// is of another epoch.
func (v *parityView) parity(ctx context.Context, routes []string) (map[string]gate.Compared, error) {
	rules := v.rules(routes)
	select { // who has no time left need not wait for others who read
	case v.turn <- struct{}{}:
		defer func() { <-v.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for others who read what was compared: %w", ctx.Err())
	}
	now := time.Now()
	stale := slices.DeleteFunc(slices.Clone(routes), func(route string) bool {
		known, found := v.known[route]
		return found && now.Before(known.until) && known.rules == rules[route]
	})
	if len(stale) > 0 {
		if err := v.read(ctx, stale, rules, now); err != nil {
			return nil, err
		}
	}
	found := make(map[string]gate.Compared, len(routes))
	for _, route := range routes {
		if known := v.known[route]; known.Compared.Compared > 0 {
			found[route] = known.Compared
		}
	}
	return found, nil
}

// rules are the digests of what some routes are compared by.
func (v *parityView) rules(routes []string) map[string]string {
	snapshot := v.current()
	if snapshot == nil {
		return nil
	}
	rules := make(map[string]string, len(routes))
	for _, name := range routes {
		i, found := slices.BinarySearchFunc(snapshot.Definitions.Routes, name, func(r spec.Route, name string) int { return cmp.Compare(r.Name, name) })
		if found {
			policy := snapshot.Definitions.Routes[i].ShadowPolicy()
			rules[name] = policy.Basis(time.Now())
		}
	}
	return rules
}

// read needs its turn.
func (v *parityView) read(ctx context.Context, routes []string, rules map[string]string, now time.Time) error {
	all, err := v.evidence.Evidence(ctx, shadow.Query{Routes: routes})
	if err != nil {
		return err
	}
	late, err := v.evidence.Evidence(ctx, shadow.Query{Routes: routes, Since: now.Add(-ofLate)})
	if err != nil {
		return err
	}
	compared := make(map[string]gate.Compared, len(all))
	for i := range all {
		if all[i].Epoch.Rules == rules[all[i].Route] {
			summary := shadow.Summarise(all[i])
			compared[all[i].Route] = gate.Compared{Compared: summary.Compared, Mismatched: summary.Mismatched}
		}
	}
	for i := range late {
		if one, found := compared[late[i].Route]; found {
			span := min(ofLate, max(now.Sub(late[i].Epoch.Began), time.Minute))
			one.PerHour = float64(shadow.Summarise(late[i]).Compared) / span.Hours()
			compared[late[i].Route] = one
		}
	}
	if v.known == nil {
		v.known = make(map[string]remembered)
	}
	until := time.Now().Add(max(parityFresh, parityRests*time.Since(now)))
	for _, route := range routes {
		v.known[route] = remembered{Compared: compared[route], until: until, rules: rules[route]}
	}
	return nil
}
