package notify

import (
	"context"
	"fmt"
	"maps"
	"sync"

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
	couriers map[string]*courier // by webhook; nil: places were not read yet
	failing  bool                // the last look failed
}

func (n *Notifier) begin(ctx context.Context, fence rollout.Fence) *term {
	ctx, cancel := context.WithCancel(ctx)
	return &term{Notifier: n, fence: fence, ctx: ctx, cancel: cancel}
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
	if len(subscriptions.Targets) == 0 && len(t.couriers) == 0 && t.couriers != nil {
		return
	}
	newest, err := t.newest()
	if err == nil && t.couriers == nil {
		err = t.readPlaces()
	}
	if err != nil {
		if !t.failing && t.ctx.Err() == nil {
			t.Logger.Warn("the history cannot be read: webhooks are told later what happens meanwhile", "error", err)
		}
		t.failing = true
		return
	}
	t.failing = false
	if newest == 0 {
		return // nothing has ever happened
	}
	t.dismiss(subscriptions)
	for _, target := range subscriptions.Targets {
		c := t.couriers[target.Name]
		if c == nil {
			// What happened before it was defined is none of its business.
			c = t.courier(Place{Webhook: target.Name, Event: newest}, true)
			t.couriers[target.Name] = c
		}
		c.send(subscriptions, target, newest)
	}
}

// dismiss forgets the webhooks that are defined no more. One whose courier is
// under way stays until that has come back.
func (t *term) dismiss(subscriptions Subscriptions) {
	maps.DeleteFunc(t.couriers, func(name string, c *courier) bool {
		_, defined := subscriptions.target(name)
		return !defined && c.rests()
	})
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

func (t *term) readPlaces() error {
	ctx, cancel := context.WithTimeout(t.ctx, storeFor)
	defer cancel()
	places, err := t.Places.Places(ctx)
	if err != nil {
		return fmt.Errorf("read how far webhooks have come: %w", err)
	}
	t.couriers = make(map[string]*courier, len(places))
	for name, place := range places {
		t.couriers[name] = t.courier(place, false)
	}
	return nil
}
