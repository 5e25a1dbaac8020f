package relational

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// addition is a writing transaction that makes no revision.
type addition struct {
	what      string // is added, for messages
	uncertain error  // what an error matches when nobody knows whether it was
}

// adding runs fn in such a transaction; at is the time by the store's clock.
func (d *DB) adding(ctx context.Context, a addition, fn func(ctx context.Context, tx *sql.Tx, at time.Time) error) error {
	return d.bounded(ctx, patience, func(ctx context.Context) error {
		tx, err := d.writes.BeginTx(ctx, &d.dialect.Writing)
		if err != nil {
			return fmt.Errorf("start writing: %w", err)
		}
		defer func() { _ = tx.Rollback() }()
		if d.dialect.Begin != "" {
			if _, err := tx.ExecContext(ctx, d.dialect.Begin); err != nil {
				return fmt.Errorf("start writing: %w", err)
			}
		}
		at, err := d.now(ctx, tx)
		if err != nil {
			return err
		}
		if err := fn(ctx, tx, at); err != nil {
			return err
		}
		// Nothing is sent for a caller who is gone: that is certain.
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := tx.Commit(); err != nil && !errors.Is(err, sql.ErrTxDone) && !d.dialect.Refused(err) {
			return fmt.Errorf("%w: commit %s to %s: %w", a.uncertain, a.what, d.name, err)
		} else if err != nil {
			return fmt.Errorf("commit %s: %w", a.what, err)
		}
		return nil
	})
}
