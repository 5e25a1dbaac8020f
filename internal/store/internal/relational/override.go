package relational

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/rollout"
)

// kindOverride is the kind of events about overrides.
const kindOverride = "override"

// RevokeOverride makes every router ignore an override, as one new revision, and
// forgets the revocations that have expired. Of a revoked override nothing is
// changed.
func (d *DB) RevokeOverride(ctx context.Context, override fleet.RevokedOverride, actor string) error {
	if err := checkText(field{"id", override.ID}); err != nil {
		return err
	}
	return d.write(ctx, func(ctx context.Context, w *writing) error {
		var known bool
		err := w.tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM revoked_overrides WHERE id = $1)`, override.ID).Scan(&known)
		if err != nil {
			return fmt.Errorf("read the revocation of override %q: %w", override.ID, err)
		}
		if known {
			return nil
		}
		return w.revokeOverride(ctx, override, actor)
	})
}

func (w *writing) revokeOverride(ctx context.Context, override fleet.RevokedOverride, actor string) error {
	override.Expires = kept(override.Expires)
	body, err := json.Marshal(override)
	if err != nil {
		return fmt.Errorf("describe override %q: %w", override.ID, err)
	}
	w.advance()
	_, err = w.record(rollout.Event{
		Verb: rollout.VerbOverrideRevoke, Kind: kindOverride, Subject: override.ID,
		Actor: actor, Cause: rollout.CauseOperator, After: body,
	})
	if err != nil {
		return err
	}
	if err := w.flush(ctx); err != nil {
		return err
	}
	if _, err := w.tx.ExecContext(ctx, `DELETE FROM revoked_overrides WHERE expires_at <= $1`, w.at); err != nil {
		return fmt.Errorf("forget expired revocations: %w", err)
	}
	_, err = w.tx.ExecContext(ctx, `INSERT INTO revoked_overrides (id, expires_at) VALUES ($1, $2)`, override.ID, override.Expires)
	if err != nil {
		return fmt.Errorf("revoke override %q: %w", override.ID, err)
	}
	return nil
}

// selectRevoked reads every revocation by id, expired ones too: what a revision
// holds must not depend on when it is read.
func selectRevoked(ctx context.Context, tx *sql.Tx) ([]fleet.RevokedOverride, error) {
	var revoked []fleet.RevokedOverride
	err := each(ctx, tx, func(rows *sql.Rows) error {
		var (
			r       fleet.RevokedOverride
			expires instant
		)
		err := rows.Scan(&r.ID, &expires)
		r.Expires = expires.Time
		revoked = append(revoked, r)
		return err
	}, `SELECT id, expires_at FROM revoked_overrides ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("read revoked overrides: %w", err)
	}
	return revoked, nil
}

// Note writes an event that changes no table: it spends no revision.
func (d *DB) Note(ctx context.Context, event rollout.Event) error {
	return d.write(ctx, func(ctx context.Context, w *writing) error {
		if _, err := w.record(event); err != nil {
			return err
		}
		return w.flush(ctx)
	})
}
