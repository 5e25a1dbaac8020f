package relational

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/rollout/autopilot"
	"github.com/stranglerfig/strangler/internal/spec"
)

const replaceDossier = `ON CONFLICT (route) DO UPDATE SET
	slow_over_ns = excluded.slow_over_ns, state = excluded.state, at = excluded.at`

// Dossiers implements autopilot.Dossiers.
func (d *DB) Dossiers(ctx context.Context, routes []string) (map[string]autopilot.Dossier, error) {
	dossiers := make(map[string]autopilot.Dossier, len(routes))
	scan := func(rows *sql.Rows) error {
		dossier, err := scanDossier(rows)
		dossiers[dossier.Route] = dossier
		return err
	}
	const query = `SELECT d.route, d.slow_over_ns, d.state, d.at FROM dossiers d`
	err := d.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if routes == nil {
			return each(ctx, tx, scan, query)
		}
		return keysOf("route", slices.DeleteFunc(slices.Clone(routes), unkeepable)).each(ctx, tx, scan,
			query+` JOIN named n ON d.route = n.route`)
	})
	if err != nil {
		return nil, fmt.Errorf("read dossiers: %w", err)
	}
	return dossiers, nil
}

func scanDossier(rows *sql.Rows) (autopilot.Dossier, error) {
	var (
		dossier autopilot.Dossier
		slow    int64
		state   document
		at      instant
	)
	err := rows.Scan(&dossier.Route, &slow, &state, &at)
	dossier.SlowOver, dossier.State, dossier.At = time.Duration(slow), json.RawMessage(state), at.Time
	return dossier, err
}

// KeepDossiers implements autopilot.Dossiers. Those of routes that are not defined
// any more are left out.
func (d *DB) KeepDossiers(ctx context.Context, fence rollout.Fence, dossiers []autopilot.Dossier) error {
	return d.fenced(ctx, fence, "dossiers", func(ctx context.Context, tx *sql.Tx, at time.Time) error {
		defined, err := selectNames(ctx, tx)
		if err != nil {
			return err
		}
		rows := make([][]any, 0, len(dossiers))
		for _, dossier := range dossiers {
			if !defined[dossier.Route] {
				continue
			}
			state, err := compacted(dossier.State)
			if err != nil {
				return fmt.Errorf("the dossier of route %q: %w; nothing was changed", dossier.Route, err)
			}
			rows = append(rows, []any{dossier.Route, dossier.SlowOver.Nanoseconds(), jsonOrNull(state), at})
		}
		return insert(ctx, tx, "dossiers", []string{"route", "slow_over_ns", "state", "at"}, rows, replaceDossier)
	})
}

// holdPlaces makes those wait who write by the lease, where an edit takes away, or
// defines anew, what they write of. It comes before anything else is locked that
// they need: they have the lease first as well.
func (d *DB) holdPlaces(ctx context.Context, w *writing, changes []spec.Change) error {
	concerned := func(c spec.Change) bool {
		return c.Op == spec.Removed && c.Kind == spec.KindWebhook || c.Op != spec.Changed && c.Kind == spec.KindRoute
	}
	if !slices.ContainsFunc(changes, concerned) {
		return nil
	}
	_, err := d.lockLease(ctx, w.tx, d.dialect.Lock)
	return err
}

// forgetDossiers forgets those of routes that are not there, once an edit has
// removed some and before it adds others. Nobody keeps any meanwhile: a route that
// is defined anew starts without.
func (w *writing) forgetDossiers(ctx context.Context, changes []spec.Change) error {
	stays := func(c spec.Change) bool { return c.Kind != spec.KindRoute || c.Op == spec.Changed }
	if !slices.ContainsFunc(changes, func(c spec.Change) bool { return !stays(c) }) {
		return nil
	}
	_, err := w.tx.ExecContext(ctx, `DELETE FROM dossiers WHERE NOT EXISTS (SELECT 1 FROM routes r WHERE r.name = dossiers.route)`)
	if err != nil {
		return fmt.Errorf("forget dossiers: %w", err)
	}
	return nil
}

// selectNames reads which routes are defined.
func selectNames(ctx context.Context, tx *sql.Tx) (map[string]bool, error) {
	defined := make(map[string]bool)
	err := each(ctx, tx, func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		defined[name] = true
		return err
	}, `SELECT name FROM routes`)
	if err != nil {
		return nil, fmt.Errorf("read the names of routes: %w", err)
	}
	return defined, nil
}

func unkeepable(text string) bool { return !keepable(text) }
