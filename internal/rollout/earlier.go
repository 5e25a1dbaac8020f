package rollout

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/stranglerfig/strangler/internal/routing"
)

// History is the store as Controller needs it to look an earlier revision up.
type History interface {
	Events(ctx context.Context, query EventQuery) ([]Event, error)
}

// page is how many events are read at a time.
const page = 50

// earlier returns where the route stood at a revision; nil when it did not
// exist then, or the revision has not come yet.
func (c *Controller) earlier(ctx context.Context, route string, at routing.Revision) (*State, error) {
	newest, err := c.History.Events(ctx, EventQuery{Limit: 1})
	if err != nil || len(newest) == 0 || newest[0].Revision < at {
		return nil, err
	}
	query := EventQuery{Kind: "route", Subject: route, UpTo: at, Limit: page}
	for {
		events, err := c.History.Events(ctx, query)
		if err != nil {
			return nil, err
		}
		for _, event := range events {
			state, decided, err := event.leaves()
			if decided || err != nil {
				return state, err
			}
		}
		if len(events) < page {
			return nil, nil
		}
		query.Before = events[len(events)-1].ID
	}
}

// leaves says where an event left its route: nil where it removed it. It is not
// decided by a change of the definition, which leaves a route where it is.
func (e Event) leaves() (state *State, decided bool, err error) {
	switch e.Verb {
	case VerbPromote, VerbPause, VerbResume, VerbRollback, VerbRetire, VerbUndo:
		state = new(State)
		if err := json.Unmarshal(e.After, state); err != nil {
			return nil, true, fmt.Errorf("event %d (%s of route %s) holds no state; nothing was changed: %w", e.ID, e.Verb, e.Subject, err)
		}
		return state, true, nil
	}
	switch {
	case len(e.After) == 0:
		return nil, true, nil
	case len(e.Before) == 0:
		return &State{Stage: routing.StageLegacy}, true, nil
	default:
		return nil, false, nil
	}
}
