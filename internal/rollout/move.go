package rollout

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/stranglerfig/strangler/internal/routing"
)

// Standing is where a route was seen to stand by whoever commands it by evidence.
type Standing struct {
	Step routing.Revision // the change that brought it to its stage and weight
	Hold HoldKind
}

// Move gives one command to several routes, in one revision, unless one of them
// has moved since it was looked at. What refuses one of them refuses all.
//
// Errors: those of Do, ErrFenced, ErrOvertaken, and *Conflict for a route that has moved.
func (c *Controller) Move(ctx context.Context, seen map[string]Standing, cmd Command) ([]Result, error) {
	names := slices.Sorted(maps.Keys(seen))
	results, err := c.change(ctx, Selection{Routes: names, Fence: cmd.Fence, Table: cmd.Table}, cmd, func(cmd Command, rec Record, now time.Time) (Outcome, error) {
		if then := seen[rec.Route]; rec.StepRevision != then.Step || rec.State.Hold.Kind != then.Hold {
			return Outcome{}, &Conflict{
				Kind: "route", Name: rec.Route, Want: then.Step, Have: rec.StepRevision, By: rec.ChangedBy, At: rec.ChangedAt,
			}
		}
		return Decide(cmd, rec, now)
	})
	if err != nil {
		return nil, fmt.Errorf("%s of %d routes together: %w", cmd.Verb, len(names), err)
	}
	return results, nil
}
