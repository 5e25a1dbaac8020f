package relational

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/spec"
)

// replaceDefined makes an insertion an update of what is there.
const replaceDefined = "ON CONFLICT (name) DO UPDATE SET definition = excluded.definition, revision = excluded.revision"

// Edit changes definitions in one transaction: decide turns the current ones
// into the wanted ones, and every object that differs gets one event. Routes
// that stay keep their state, new ones start at stage legacy without a hold.
//
// Errors: *rollout.Conflict, whatever decide returned, rollout.ErrText, or one
// that matches rollout.ErrUnavailable; each leaves everything as it was.
func (d *DB) Edit(ctx context.Context, edit spec.Edit, decide func(spec.Current) (spec.Definitions, error)) (spec.Edited, error) {
	var done spec.Edited
	err := d.write(ctx, func(ctx context.Context, w *writing) error {
		rows, err := readCatalog(ctx, w.tx)
		if err != nil {
			return err
		}
		if err := w.checkPrecondition(ctx, edit.Precondition, rows); err != nil {
			return err
		}
		current := rows.definitions(d.logger)
		wanted, err := decide(spec.Current{Definitions: current, States: rows.states()})
		if err != nil {
			return err
		}
		changes := spec.Diff(current, wanted)
		if !edit.DryRun && len(changes) > 0 {
			if err := d.commitEdit(ctx, w, edit, rows, changes, wanted); err != nil {
				return err
			}
		}
		done = spec.Edited{Previous: w.from.revision, Revision: w.head.revision, Changes: changes, At: w.at}
		return nil
	})
	if err != nil {
		return spec.Edited{}, err
	}
	return done, nil
}

// commitEdit writes the changes, and what follows from them: the events first,
// then the rows they are about.
func (d *DB) commitEdit(ctx context.Context, w *writing, edit spec.Edit, rows catalog, changes []spec.Change, wanted spec.Definitions) error {
	controls, err := d.inForce(ctx, w) // before routes that go take theirs with them
	if err != nil {
		return err
	}
	if err := w.recordEdit(ctx, edit, changes); err != nil {
		return err
	}
	if err := d.holdPlaces(ctx, w, changes); err != nil {
		return err
	}
	if err := w.remove(ctx, changes); err != nil {
		return err
	}
	if err := w.forgetDossiers(ctx, changes); err != nil {
		return err
	}
	if err := w.putDefinitions(ctx, edit.Actor, rows, changes); err != nil {
		return err
	}
	return w.fitControls(ctx, edit, controls, wanted)
}

func (w *writing) checkPrecondition(ctx context.Context, wanted *spec.Precondition, rows catalog) error {
	if wanted == nil {
		return nil
	}
	have := rows.revision(wanted.Kind, wanted.Name)
	if have == wanted.Revision {
		return nil
	}
	by, at, err := lastWord(ctx, w.tx, wanted.Kind, wanted.Name)
	if err != nil {
		return err
	}
	return &rollout.Conflict{Kind: wanted.Kind, Name: wanted.Name, Want: wanted.Revision, Have: have, By: by, At: at}
}

func (w *writing) recordEdit(ctx context.Context, edit spec.Edit, changes []spec.Change) error {
	w.head.definitions = w.advance()
	for _, change := range changes {
		change, err := withoutSecrets(change)
		if err != nil {
			return err
		}
		_, err = w.record(rollout.Event{
			Verb: edit.Verb, Kind: change.Kind, Subject: change.Name, Actor: edit.Actor,
			Cause: rollout.CauseOperator, Reason: edit.Reason, Before: change.Before, After: change.After,
		})
		if err != nil {
			return err
		}
	}
	return w.flush(ctx)
}

// withoutSecrets is a change as the history has it, which everybody may read who
// reads anything, and which is never rewritten.
func withoutSecrets(change spec.Change) (spec.Change, error) {
	if change.Kind != spec.KindWebhook {
		return change, nil
	}
	for _, text := range []*json.RawMessage{&change.Before, &change.After} {
		if len(*text) == 0 {
			continue
		}
		var webhook spec.Webhook
		if err := json.Unmarshal(*text, &webhook); err != nil {
			return change, fmt.Errorf("cut the address of webhook %q: %w", change.Name, err)
		}
		cut, err := json.Marshal(webhook.Cut()) //nolint:gosec // its secret is the name of where one is kept
		if err != nil {
			return change, fmt.Errorf("cut the address of webhook %q: %w", change.Name, err)
		}
		*text = cut
	}
	return change, nil
}

func (w *writing) putDefinitions(ctx context.Context, actor string, rows catalog, changes []spec.Change) error {
	for _, kind := range []string{spec.KindBackend, spec.KindGroup, spec.KindWebhook} {
		if err := w.putDefined(ctx, kind, changes); err != nil {
			return err
		}
	}
	if err := w.beginPlaces(ctx, changes); err != nil {
		return err
	}
	return w.putRouteDefinitions(ctx, actor, rows.routesByName(), changes)
}

func (w *writing) remove(ctx context.Context, changes []spec.Change) error {
	for _, change := range changes {
		if change.Op != spec.Removed {
			continue
		}
		if _, err := w.tx.ExecContext(ctx, "DELETE FROM "+table(change.Kind)+" WHERE name = $1", change.Name); err != nil {
			return fmt.Errorf("remove %s %q: %w", change.Kind, change.Name, err)
		}
	}
	return nil
}

func (w *writing) putDefined(ctx context.Context, kind string, changes []spec.Change) error {
	var rows [][]any
	for _, change := range changes {
		if change.Kind == kind && change.Op != spec.Removed {
			rows = append(rows, []any{change.Name, string(change.After), w.head.revision})
		}
	}
	return insert(ctx, w.tx, table(kind), []string{"name", "definition", "revision"}, rows, replaceDefined)
}

func (w *writing) putRouteDefinitions(ctx context.Context, actor string, present map[string]routeRow, changes []spec.Change) error {
	var routes []routeRow
	for _, change := range changes {
		if change.Kind != spec.KindRoute || change.Op == spec.Removed {
			continue
		}
		row := present[change.Name] // of a new route the zero row: stage legacy, no hold
		row.name, row.definition = change.Name, document(change.After)
		row.touch(w, actor)
		routes = append(routes, row)
	}
	return putRoutes(ctx, w.tx, routes)
}

// table is where objects of a kind are kept.
func table(kind string) string {
	switch kind {
	case spec.KindBackend:
		return "backends"
	case spec.KindGroup:
		return "cohort_groups"
	case spec.KindWebhook:
		return "webhooks"
	default:
		return "routes"
	}
}
