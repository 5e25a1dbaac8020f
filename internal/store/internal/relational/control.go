package relational

import (
	"context"
	"fmt"
	"slices"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

// faultColumns are the columns of table faults.
var faultColumns = []string{
	"id", "route", "side", "latency_us", "jitter_us", "percent_bp", "status", "reset", "header", "value",
	"started_at", "ends_at", "actor", "reason",
}

// Control changes what operators have switched for the whole fleet, in one
// transaction: decide turns the present controls into the wanted ones, and every
// thing that was switched gets one event. Where decide switches nothing, no
// revision is spent.
//
// Errors: whatever decide returned, rollout.ErrText, or one that matches
// rollout.ErrUnavailable; each leaves everything as it was.
func (d *DB) Control(ctx context.Context, control fleet.Control, decide func(fleet.Controlling) (fleet.Controls, error)) (fleet.Controlled, error) {
	var done fleet.Controlled
	err := d.write(ctx, func(ctx context.Context, w *writing) error {
		found, err := d.controlling(ctx, w, control)
		if err != nil {
			return err
		}
		before := found.Controls.Clone() // decide may do with its own what it likes
		wanted, err := decide(found)
		if err != nil {
			return err
		}
		wanted.Sort()
		changes := w.changesOf(before, wanted)
		if !control.DryRun && len(changes) > 0 {
			w.advance()
			if err := w.switchControls(ctx, control.Actor, control.Reason, changes); err != nil {
				return err
			}
			if err := w.putControls(ctx, before, wanted); err != nil {
				return err
			}
			wanted = wanted.Clone() // the changes point into what it was
			wanted.Sort()
		}
		done = fleet.Controlled{Previous: w.from.revision, Revision: w.head.revision, Controls: wanted, Changes: changes, At: w.at}
		return nil
	})
	if err != nil {
		return fleet.Controlled{}, err
	}
	return done, nil
}

// controlling reads what a decision about controls needs.
func (d *DB) controlling(ctx context.Context, w *writing, control fleet.Control) (fleet.Controlling, error) {
	found := fleet.Controlling{At: w.at, Next: w.from.revision + 1}
	var err error
	if found.Controls, err = d.inForce(ctx, w); err != nil {
		return found, err
	}
	if control.Route != "" && keepable(control.Route) {
		rows, err := selectRoutes(ctx, w.tx, "WHERE name = $1", control.Route)
		if err != nil {
			return found, err
		}
		if len(rows) == 1 {
			route := rows[0].decoded(d.logger)
			found.Route, found.State = &route, rows[0].state
		}
	}
	if control.Backend != "" {
		rows, err := selectDefined(ctx, w.tx, spec.KindBackend)
		if err != nil {
			return found, err
		}
		if i := slices.IndexFunc(rows, func(r definedRow) bool { return r.name == control.Backend }); i >= 0 {
			backend := decode(d.logger, spec.KindBackend, rows[i].name, rows[i].definition, spec.Backend{Name: rows[i].name})
			found.Backend = &backend
		}
	}
	return found, nil
}

// inForce is the controls without the faults that have ended by the store's clock.
func (d *DB) inForce(ctx context.Context, w *writing) (fleet.Controls, error) {
	c, err := d.selectControls(ctx, w.tx)
	c.Faults = slices.DeleteFunc(c.Faults, func(f fleet.Fault) bool { return !f.EndsAt.After(w.at) })
	return c, err
}

// changesOf names the store where it is what something was switched for.
func (w *writing) changesOf(before, after fleet.Controls) []fleet.ControlChange {
	changes := fleet.ControlChanges(before, after)
	for i := range changes {
		if changes[i].Kind == fleet.KindStore {
			changes[i].Subject = w.head.id
		}
	}
	return changes
}

// switchControls records the changes. A fault that starts gets the id of its event.
func (w *writing) switchControls(ctx context.Context, actor, reason string, changes []fleet.ControlChange) error {
	for _, change := range changes {
		event, err := w.record(rollout.Event{
			Verb: change.Verb, Kind: change.Kind, Subject: change.Subject, Actor: actor, Cause: rollout.CauseOperator,
			Reason: reason, Before: change.Before, After: change.After,
		})
		if err != nil {
			return err
		}
		if change.Fault != nil {
			change.Fault.ID = event.ID
		}
	}
	return w.flush(ctx)
}

// putControls writes the controls in place of those that are there: they are few.
func (w *writing) putControls(ctx context.Context, before, c fleet.Controls) error {
	for _, table := range [...]string{"faults", "drained_endpoints", "breaker_resets"} {
		if _, err := w.tx.ExecContext(ctx, "DELETE FROM "+table); err != nil {
			return fmt.Errorf("replace %s: %w", table, err)
		}
	}
	faults := make([][]any, len(c.Faults))
	for i, f := range c.Faults {
		if err := checkText(field{"header", f.Header}, field{"value", f.Value}); err != nil {
			return err
		}
		faults[i] = []any{
			f.ID, f.Route, f.Side, f.Latency.Microseconds(), f.Jitter.Microseconds(), f.Percent, f.Status, f.Reset, f.Header, f.Value,
			kept(f.StartedAt), kept(f.EndsAt), f.Actor, f.Reason,
		}
	}
	drained := make([][]any, len(c.Drained))
	for i, d := range c.Drained {
		drained[i] = []any{d.Backend, d.Endpoint, d.Actor, kept(d.At)}
	}
	resets := make([][]any, len(c.Resets))
	for i, r := range c.Resets {
		resets[i] = []any{r.Route, r.Side, r.Generation}
	}
	if err := insert(ctx, w.tx, "faults", faultColumns, faults, ""); err != nil {
		return err
	}
	if err := insert(ctx, w.tx, "drained_endpoints", []string{"backend", "endpoint", "actor", "at"}, drained, ""); err != nil {
		return err
	}
	if err := insert(ctx, w.tx, "breaker_resets", []string{"route", "side", "generation"}, resets, ""); err != nil {
		return err
	}
	return w.putPromotion(ctx, before, c)
}

// putPromotion does the same for autopilots, of which there may be as many as
// routes: only where one was switched.
func (w *writing) putPromotion(ctx context.Context, before, c fleet.Controls) error {
	if !slices.Equal(before.Autopilots, c.Autopilots) {
		if _, err := w.tx.ExecContext(ctx, `DELETE FROM autopilots`); err != nil {
			return fmt.Errorf("replace autopilots: %w", err)
		}
		autopilots := make([][]any, len(c.Autopilots))
		for i, a := range c.Autopilots {
			autopilots[i] = []any{a.Route, string(a.Mode), a.Actor, kept(a.At)}
		}
		if err := insert(ctx, w.tx, "autopilots", []string{"route", "mode", "actor", "at"}, autopilots, ""); err != nil {
			return err
		}
	}
	if _, err := w.tx.ExecContext(ctx, `DELETE FROM freezes`); err != nil {
		return fmt.Errorf("replace the freeze: %w", err)
	}
	var freezes [][]any
	if f := c.Freeze; f != nil {
		if err := checkText(field{"reason", f.Reason}); err != nil {
			return err
		}
		freezes = [][]any{{f.Actor, kept(f.At), f.Reason}}
	}
	return insert(ctx, w.tx, "freezes", []string{"actor", "at", "reason"}, freezes, "")
}

// fitControls switches off what the edited definitions have nothing for any more.
func (w *writing) fitControls(ctx context.Context, edit spec.Edit, before fleet.Controls, wanted spec.Definitions) error {
	after := before.Fit(wanted)
	changes := w.changesOf(before, after)
	if len(changes) == 0 && len(before.Resets) == len(after.Resets) {
		return nil
	}
	if err := w.switchControls(ctx, edit.Actor, edit.Reason, changes); err != nil {
		return err
	}
	return w.putControls(ctx, before, after)
}

// settleRetired stops the faults of routes that retire, since there is no other
// side any more that could catch them, and switches their autopilot off: there is
// nothing left to do for it.
func (d *DB) settleRetired(ctx context.Context, w *writing, routes []selected) error {
	retired := make(map[string]bool)
	var move *rollout.Event
	for _, r := range routes {
		if r.changed && r.row.state.Stage == routing.StageRetired {
			retired[r.row.name], move = true, r.record.Last
		}
	}
	if move == nil {
		return nil
	}
	before, err := d.inForce(ctx, w)
	if err != nil {
		return err
	}
	after := before.Clone()
	after.Faults = slices.DeleteFunc(after.Faults, func(f fleet.Fault) bool { return retired[f.Route] })
	after.Autopilots = slices.DeleteFunc(after.Autopilots, func(a fleet.Autopilot) bool { return retired[a.Route] })
	changes := w.changesOf(before, after)
	if len(changes) == 0 {
		return nil
	}
	if err := w.switchControls(ctx, move.Actor, move.Reason, changes); err != nil {
		return err
	}
	return w.putControls(ctx, before, after)
}
