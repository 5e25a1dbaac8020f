package notify

import (
	"context"
	"slices"

	"github.com/stranglerfig/strangler/internal/rollout"
)

// pageSize is how many events are read at a time.
const pageSize = 200

// batch is what one message tells: events of one revision and one verb, so that a
// group of routes that moved together is told of once.
type batch struct {
	events []rollout.Event // empty: nothing of what was read is wanted
	upTo   int64           // the last event that this batch has dealt with
}

// next reads what the webhook is to be told after its place.
func (c *courier) next(subscriptions Subscriptions) (batch, error) {
	found := batch{upTo: c.place.Event}
	for {
		page, err := c.page(found.upTo)
		if err != nil {
			return batch{}, err
		}
		for _, event := range page {
			if len(found.events) > 0 && !found.belongs(event) {
				return found, nil
			}
			if wanted(subscriptions, c.target, event) {
				found.events = append(found.events, event)
			}
			found.upTo = event.ID
		}
		if len(page) < pageSize {
			return found, nil
		}
	}
}

func (c *courier) page(after int64) ([]rollout.Event, error) {
	ctx, cancel := context.WithTimeout(c.ctx, storeFor)
	defer cancel()
	return c.History.Events(ctx, rollout.EventQuery{After: after, Limit: pageSize})
}

func (b batch) belongs(event rollout.Event) bool {
	return event.Revision == b.events[0].Revision && event.Verb == b.events[0].Verb
}

func wanted(subscriptions Subscriptions, target Target, event rollout.Event) bool {
	return slices.Contains(target.On, event.Verb) && (!ofRoute(event) || subscriptions.about(event.Subject, target.Name))
}
