package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/notify"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/rollout/autopilot"
	"github.com/stranglerfig/strangler/internal/rollout/gate"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
	"github.com/stranglerfig/strangler/internal/telemetry"
)

// pilotage is what a router needs to move routes by evidence, and to tell of it.
type pilotage struct {
	pilot     *autopilot.Pilot
	evaluator *autopilot.Evaluator
	notifier  *notify.Notifier
	ready     <-chan struct{} // closed when it is known how routes stand
}

// newPilotage binds the autopilot to what this router knows.
func (r *Router) newPilotage(metrics *telemetry.Metrics) *pilotage {
	view := &fleetView{current: r.Snapshot}
	sources := autopilot.Sources{
		Fleet:    view.fleet,
		Doubt:    func() error { return doubt(r.watcher.Status(), time.Now()) },
		Parity:   newParityView(r.store, r.Snapshot).parity,
		Breakers: func(ctx context.Context) (map[string][]gate.Breaker, error) { return openBreakers(ctx, r.store) },
	}
	return &pilotage{
		ready:     r.watcher.Ready(),
		evaluator: &autopilot.Evaluator{Dossiers: r.store, Leases: r.store, Sources: sources, Logger: r.logger},
		pilot: autopilot.New(autopilot.Config{
			Instance: r.config.instanceName(r.data.Addr()), Store: r.store,
			Mover:   &rollout.Controller{Ledger: r.store, History: r.store},
			Sources: sources, Moved: r.watcher.Wake, Logger: r.logger,
		}),
		notifier: notify.New(notify.Options{
			History: r.store, Places: r.store, Known: view.subscriptions, LinkURL: r.config.LinkURL, Logger: r.logger,
			Count: func(webhook string, result notify.Result) { metrics.Notification(webhook, string(result)) },
		}),
	}
}

// unseen is how long a router may not have heard from the store, and still knows how
// routes stand: it asks every two seconds, and waits ten for an answer.
const unseen = 15 * time.Second

// doubt says why what this router serves may not be what the store has; nil: it is.
func doubt(status fleet.Status, now time.Time) error {
	switch {
	case status.Alarm != nil:
		return fmt.Errorf("this router does not serve what the store has: %w", status.Alarm)
	case status.FromFile:
		return errors.New("this router serves its snapshot file, which the store has not confirmed yet")
	case now.Sub(status.ConfirmedAt) > unseen:
		return fmt.Errorf("this router has not been able to read the store's table for more than %v", unseen)
	default:
		return nil
	}
}

// run acts until ctx ends.
func (p *pilotage) run(ctx context.Context) {
	var both sync.WaitGroup
	both.Go(func() { p.notifier.Run(ctx, p.pilot.Leads) })
	both.Go(func() {
		select {
		case <-p.ready:
			p.pilot.Run(ctx)
		case <-ctx.Done():
		}
	})
	both.Wait()
}

// fleetView is the snapshot in service as the autopilot and the notifier see it.
// It is safe for concurrent use.
type fleetView struct {
	current func() *fleet.Snapshot

	mu   sync.Mutex // owns the rest
	seen *fleet.Snapshot
	as   autopilot.Fleet
}

// fleet returns every route of the snapshot in service; nothing before there is one.
func (v *fleetView) fleet() autopilot.Fleet {
	snapshot := v.current()
	if snapshot == nil {
		return autopilot.Fleet{}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.seen != snapshot {
		v.seen, v.as = snapshot, snapshot.Autopilot()
	}
	return v.as
}

// subscriptions says who is to be told what.
func (v *fleetView) subscriptions() notify.Subscriptions {
	snapshot := v.current()
	if snapshot == nil {
		return notify.Subscriptions{}
	}
	known := notify.Subscriptions{StoreID: snapshot.StoreID, Routes: make(map[string]notify.Route, len(snapshot.Routes))}
	for _, webhook := range snapshot.Definitions.Webhooks {
		known.Targets = append(known.Targets, targetOf(webhook))
	}
	for _, route := range snapshot.Definitions.Routes {
		known.Routes[route.Name] = notify.Route{Group: route.Group, Notify: route.Notify}
	}
	return known
}

func targetOf(webhook spec.Webhook) notify.Target {
	return notify.Target{
		Name: webhook.Name, URL: webhook.URL, Format: notify.Format(webhook.Kind()), Secret: webhook.Secret, On: webhook.Verbs(),
	}
}

// openBreakers are those of new's lanes that are not closed, by what the instances
// say that were heard of lately.
func openBreakers(ctx context.Context, instances fleet.Source) (map[string][]gate.Breaker, error) {
	all, err := instances.Instances(ctx)
	if err != nil {
		return nil, err
	}
	found := make(map[string][]gate.Breaker)
	for _, instance := range all {
		if instance.Trouble == nil || instance.SignedOff || instance.Silent() {
			continue
		}
		for _, lane := range instance.Trouble.Lanes {
			if lane.Side == routing.New.String() && lane.Breaker != guard.Closed.String() {
				found[lane.Route] = append(found[lane.Route], gate.Breaker{
					Instance: instance.Name, State: lane.Breaker, Reason: lane.Reason, Age: instance.Age + lane.For,
				})
			}
		}
	}
	return found, nil
}
