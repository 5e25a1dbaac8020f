package notify

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
)

// term is the time during which this router delivers, by one fence. All but the
// couriers' turns is owned by the goroutine of Run.
type term struct {
	*Notifier
	fence    rollout.Fence
	ctx      context.Context //nolint:containedctx // a term is the stretch of time that it bounds
	cancel   context.CancelFunc
	working  sync.WaitGroup      // couriers that are under way
	couriers map[string]*courier // by webhook
	failing  bool                // the last look failed
}

func (n *Notifier) begin(ctx context.Context, fence rollout.Fence) *term {
	ctx, cancel := context.WithCancel(ctx)
	return &term{Notifier: n, fence: fence, ctx: ctx, cancel: cancel, couriers: make(map[string]*courier)}
}

// end breaks off what is under way. What a receiver has got by then another
// router sends again, under the same id.
func (t *term) end() {
	if t == nil {
		return
	}
	t.cancel()
	t.working.Wait()
}

// look sends the couriers that have something to do.
func (t *term) look() {
	subscriptions := t.Known()
	t.dismiss(subscriptions)
	if len(subscriptions.Targets) == 0 {
		return
	}
	newest, err := t.newest()
	if err == nil && newest == 0 {
		return // nothing has ever happened
	}
	if err == nil {
		err = t.meet(subscriptions.Targets, newest)
	}
	if err != nil {
		if !t.failing && t.ctx.Err() == nil {
			t.Logger.Warn("the history cannot be read: webhooks are told later what happens meanwhile", "error", err)
		}
		t.failing = true
		return
	}
	t.failing = false
	for _, target := range subscriptions.Targets {
		t.couriers[target.Name].send(subscriptions, newest)
	}
}

// dismiss forgets the webhooks that are defined no more. One whose courier is
// under way stays until that has come back.
func (t *term) dismiss(subscriptions Subscriptions) {
	maps.DeleteFunc(t.couriers, func(name string, c *courier) bool {
		return !subscriptions.defines(name) && c.rests()
	})
}

// meet has a courier for each webhook, and another one for what is defined in
// another way now: the store says from where on, and forgets what failed before.
func (t *term) meet(targets []Target, newest int64) error {
	var strangers []Target
	for _, target := range targets {
		if c := t.couriers[target.Name]; c == nil || !c.target.equal(target) && c.rests() {
			strangers = append(strangers, target)
		}
	}
	if len(strangers) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(t.ctx, storeFor)
	defer cancel()
	places, err := t.Places.Places(ctx)
	for _, target := range strangers {
		if err != nil {
			delete(t.couriers, target.Name) // its turn is taken
			continue
		}
		place, known := places[target.Name]
		switch {
		case !known: // what happened before is none of its business
			place = Place{Webhook: target.Name, Event: newest}
		case t.couriers[target.Name] != nil: // what failed may have been kept after the edit
			place.Failures, place.NextTry = 0, time.Time{}
		}
		t.couriers[target.Name] = &courier{term: t, target: target, turn: make(chan struct{}, 1), place: place, unkept: !known}
	}
	if err != nil {
		return fmt.Errorf("read how far webhooks have come: %w", err)
	}
	return nil
}

// newest is the id of the last event; 0: there is none.
func (t *term) newest() (int64, error) {
	ctx, cancel := context.WithTimeout(t.ctx, storeFor)
	defer cancel()
	events, err := t.History.Events(ctx, rollout.EventQuery{Limit: 1})
	if err != nil || len(events) == 0 {
		return 0, err
	}
	return events[0].ID, nil
}
