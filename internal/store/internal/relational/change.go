package relational

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/spec"
)

// errSelection is a selection that contradicts itself.
var errSelection = errors.New("a revision can be expected of one route only")

// selected is one route of a selection.
type selected struct {
	row     routeRow
	record  rollout.Record
	changed bool
}

// Change implements rollout.Ledger.
func (d *DB) Change(ctx context.Context, sel rollout.Selection, decide func(rollout.Record) (rollout.Decision, error)) (rollout.Committed, error) {
	var done rollout.Committed
	err := d.write(ctx, func(ctx context.Context, w *writing) error {
		if sel.Fence != nil {
			if err := d.checkFence(ctx, w.tx, *sel.Fence); err != nil {
				return err
			}
		}
		if sel.Table != nil && *sel.Table != w.from.revision {
			return fmt.Errorf("%w: it was decided by revision %d, and the newest is %d; nothing was changed", rollout.ErrOvertaken, *sel.Table, w.from.revision)
		}
		routes, err := d.selection(ctx, w, sel)
		if err != nil {
			return err
		}
		if err := checkRevision(sel, routes); err != nil {
			return err
		}
		if err := w.decide(routes, decide); err != nil {
			return err
		}
		if err := w.writeStates(ctx, routes); err != nil {
			return err
		}
		if err := d.settleRetired(ctx, w, routes); err != nil {
			return err
		}
		done = w.committed(routes)
		return nil
	})
	if err != nil {
		return rollout.Committed{}, err
	}
	return done, nil
}

func checkRevision(sel rollout.Selection, routes []selected) error {
	if sel.IfRevision == nil {
		return nil
	}
	if sel.All || sel.Group != "" || len(routes) != 1 {
		return fmt.Errorf("%w: %d routes are selected; nothing was changed", errSelection, len(routes))
	}
	r := routes[0].record
	if r.Revision != *sel.IfRevision {
		return &rollout.Conflict{
			Kind: spec.KindRoute, Name: r.Route,
			Want: *sel.IfRevision, Have: r.Revision, By: r.ChangedBy, At: r.ChangedAt,
		}
	}
	return nil
}

// decide asks for each route's decision and records the events of those that
// change. The first of them spends the revision.
func (w *writing) decide(routes []selected, decide func(rollout.Record) (rollout.Decision, error)) error {
	for i := range routes {
		r := &routes[i]
		decision, err := decide(r.record)
		if err != nil {
			return err
		}
		if !decision.Changed {
			continue
		}
		if err := w.apply(r, decision); err != nil {
			return err
		}
	}
	return nil
}

func (w *writing) apply(r *selected, decision rollout.Decision) error {
	w.advance()
	event := decision.Event
	event.Kind, event.Subject = spec.KindRoute, r.row.name
	event, err := w.record(event)
	if err != nil {
		return err
	}
	next := decision.Next
	if err := checkText(field{"reason", next.Hold.Reason}); err != nil {
		return err
	}
	if next.Hold.Evidence, err = compacted(next.Hold.Evidence); err != nil {
		return fmt.Errorf("evidence of the hold on route %q: %w", r.row.name, err)
	}
	r.changed = true
	r.row.touch(w, event.Actor)
	r.row.stand(next)
	r.row.last = sql.NullInt64{Int64: event.ID, Valid: true}
	r.record = r.row.record(r.record.Facts, w.at)
	r.record.Last = &event
	return nil
}

func (w *writing) writeStates(ctx context.Context, routes []selected) error {
	var changed []routeRow
	for _, r := range routes {
		if r.changed {
			changed = append(changed, r.row)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	if err := w.flush(ctx); err != nil {
		return err
	}
	return putRoutes(ctx, w.tx, changed)
}

func (w *writing) committed(routes []selected) rollout.Committed {
	done := rollout.Committed{Previous: w.from.revision, Revision: w.head.revision, At: w.at}
	for _, r := range routes {
		done.Routes = append(done.Routes, r.record)
	}
	return done
}

// selection reads the selected routes, in the order of the selection.
func (d *DB) selection(ctx context.Context, w *writing, sel rollout.Selection) ([]selected, error) {
	where, args := "", []any(nil)
	whole := sel.All || sel.Group != ""
	if !whole {
		if len(sel.Routes) == 0 {
			return nil, nil
		}
		for _, name := range sel.Routes {
			if !keepable(name) {
				return nil, fmt.Errorf("%w %q: nothing was changed", rollout.ErrUnknownRoute, name)
			}
			args = append(args, name)
		}
		where = "WHERE name IN " + placeholders(0, len(args))
	}
	rows, err := selectRoutes(ctx, w.tx, where, args...)
	if err != nil {
		return nil, err
	}
	last, err := selectLast(ctx, w.tx, where, args...)
	if err != nil {
		return nil, err
	}
	var routes []selected
	for _, row := range rows {
		route := row.decoded(d.logger)
		if sel.Group != "" && (route.New == "" || route.Group != sel.Group) {
			continue
		}
		// A route that new serves is rolled back even if its definition cannot be read.
		if sel.All && route.New == "" && row.state.Weight == 0 {
			continue
		}
		record := row.record(route.Facts(), w.at)
		record.Last = last[row.last.Int64]
		routes = append(routes, selected{row: row, record: record})
	}
	if whole {
		return routes, nil
	}
	return arranged(routes, sel.Routes)
}

// selectLast reads the newest lifecycle event of each route, by its id.
func selectLast(ctx context.Context, tx *sql.Tx, where string, args ...any) (map[int64]*rollout.Event, error) {
	events, err := selectEvents(ctx, tx, "WHERE id IN (SELECT last_event FROM routes "+where+")", args...)
	if err != nil {
		return nil, err
	}
	last := make(map[int64]*rollout.Event, len(events))
	for i := range events {
		last[events[i].ID] = &events[i]
	}
	return last, nil
}

// arranged puts routes into the order of names, each once; all must be there.
func arranged(routes []selected, names []string) ([]selected, error) {
	var out []selected
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			continue
		}
		at := slices.IndexFunc(routes, func(r selected) bool { return r.row.name == name })
		if at < 0 {
			return nil, fmt.Errorf("%w %q: nothing was changed", rollout.ErrUnknownRoute, name)
		}
		out = append(out, routes[at])
	}
	return out, nil
}

func (r routeRow) record(facts rollout.Facts, at time.Time) rollout.Record {
	return rollout.Record{
		Route: r.name, State: r.state, Facts: facts,
		Revision: r.revision, ChangedBy: r.changedBy, ChangedAt: r.changedAt, ReadAt: at,
		StepRevision: r.step, StepAt: r.stepAt,
	}
}
