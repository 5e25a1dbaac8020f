package rollout

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout/gate"
	"github.com/stranglerfig/strangler/internal/routing"
)

// Controller gives commands to routes. Whoever moves a route goes through it.
type Controller struct {
	Ledger  Ledger
	History History // for Command.ToRevision
	Gates   Gates   // asked where people let new serve more; nil: nobody asks
}

// A rollback to legacy is tried again when the store was away or gave no answer: done
// twice it is the same, and nothing else helps as much.
const (
	rollbackTries = 3
	rollbackPause = 100 * time.Millisecond // before the second try; then twice as long
)

// Result is what a command did to one route.
type Result struct {
	Route         string
	Before, After State
	Changed       bool             // in a dry run: whether it would
	Previous      routing.Revision // of the table before
	Revision      routing.Revision // of the table now; equal to Previous when nothing was changed
	At            time.Time
	Step, Steps   int
	Note          string
	Findings      []gate.Finding // what its gates said; nil: they were not asked
}

// Do runs one command on one route. With ifRevision it fails with *Conflict
// unless the route is at that revision; a rollback to legacy ignores it, because
// at three in the morning it must not matter who was faster.
//
// Errors: *Conflict, *Refusal, or one that matches ErrUnknownRoute or
// ErrUnavailable; after any of them everything is as it was. After one that
// matches ErrUncertain nobody knows.
func (c *Controller) Do(ctx context.Context, route string, cmd Command, ifRevision *routing.Revision) (Result, error) {
	if cmd.urgent() {
		ifRevision = nil
	}
	if cmd.ToRevision > 0 {
		var err error
		if cmd.Earlier, err = c.earlier(ctx, route, cmd.ToRevision); err != nil {
			return Result{}, fmt.Errorf("%s %s to revision %d: %w", cmd.Verb, route, cmd.ToRevision, err)
		}
	}
	sel := Selection{Routes: []string{route}, IfRevision: ifRevision, Fence: cmd.Fence}
	cmd, note := c.asked(ctx, sel, cmd)
	results, err := c.change(ctx, sel, cmd, Decide)
	if err != nil {
		return Result{}, fmt.Errorf("%s %s: %w", cmd.Verb, route, err)
	}
	results[0].Note = joinNotes(results[0].Note, note)
	return results[0], nil
}

// RollbackAll rolls back every route that has a new side, in one revision.
// Retired routes have no legacy to go back to: they stay, and their Note says so.
func (c *Controller) RollbackAll(ctx context.Context, cmd Command) ([]Result, error) {
	cmd.Verb = VerbRollback
	results, err := c.change(ctx, Selection{All: true}, cmd, func(cmd Command, rec Record, now time.Time) (Outcome, error) {
		if rec.State.Stage == routing.StageRetired {
			return rec.stay("the route is retired and has no legacy side to go back to"), nil
		}
		return Decide(cmd, rec, now)
	})
	if err != nil {
		return nil, fmt.Errorf("rollback of all routes: %w", err)
	}
	return results, nil
}

type decider func(Command, Record, time.Time) (Outcome, error)

// change runs a command, and a rollback again where that may help.
func (c *Controller) change(ctx context.Context, sel Selection, cmd Command, decide decider) ([]Result, error) {
	pause := rollbackPause
	for try := 1; ; try++ {
		results, err := c.once(ctx, sel, cmd, decide)
		passing := errors.Is(err, ErrUnavailable) || errors.Is(err, ErrUncertain)
		if !passing || !cmd.urgent() || try == rollbackTries {
			return results, err
		}
		select {
		case <-time.After(pause):
			pause *= 2
		case <-ctx.Done():
			return nil, err
		}
	}
}

func (c *Controller) once(ctx context.Context, sel Selection, cmd Command, decide decider) ([]Result, error) {
	// A Ledger may run its decisions again after a collision: the last run counts.
	decided := make(map[string]Result)
	committed, err := c.Ledger.Change(ctx, sel, func(rec Record) (Decision, error) {
		outcome, err := decide(cmd, rec, rec.ReadAt)
		if err != nil {
			return Decision{}, err
		}
		decided[rec.Route] = Result{
			Route: rec.Route, Before: rec.State, After: outcome.Next, Changed: outcome.Changed,
			Step: outcome.Step, Steps: outcome.Steps, Note: outcome.Note, Findings: cmd.Findings[rec.Route],
		}
		if cmd.DryRun || !outcome.Changed {
			return Decision{Next: rec.State}, nil
		}
		cmd := cmd
		cmd.Verb = cmp.Or(outcome.Verb, cmd.Verb)
		return decision(cmd, rec, outcome.Next)
	})
	if err != nil {
		return nil, err
	}
	results := make([]Result, 0, len(committed.Routes))
	for _, rec := range committed.Routes {
		result := decided[rec.Route]
		result.Previous, result.Revision, result.At = committed.Previous, committed.Revision, committed.At
		results = append(results, result)
	}
	return results, nil
}

// decision puts a change and its event together.
func decision(cmd Command, rec Record, next State) (Decision, error) {
	before, err := json.Marshal(rec.State)
	if err != nil {
		return Decision{}, fmt.Errorf("state of route %s: %w", rec.Route, err)
	}
	after, err := json.Marshal(next)
	if err != nil {
		return Decision{}, fmt.Errorf("state of route %s: %w", rec.Route, err)
	}
	kept, err := cmd.evidence(rec, next)
	if err != nil {
		return Decision{}, err
	}
	return Decision{Changed: true, Next: next, Event: Event{
		Verb: cmd.Verb, Kind: "route", Subject: rec.Route,
		Actor: cmd.Actor, Cause: cmd.Cause, Reason: cmd.Reason,
		Before: before, After: after, Evidence: kept,
	}}, nil
}
