package relational

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
)

// writing is one writing transaction, which holds the lock on the store's row.
type writing struct {
	tx     *sql.Tx
	from   head // as the transaction found it
	head   head // as it will leave it
	at     time.Time
	events []chained // recorded, and not yet written
}

// write runs fn in a writing transaction, and commits it when fn recorded an
// event. Without one nothing was changed, and nothing is committed.
func (d *DB) write(ctx context.Context, fn func(context.Context, *writing) error) error {
	return d.bounded(ctx, longest, func(ctx context.Context) error {
		tx, err := d.writes.BeginTx(ctx, &d.dialect.Writing)
		if err != nil {
			return fmt.Errorf("start writing: %w", err)
		}
		defer func() { _ = tx.Rollback() }()
		w, err := d.lock(ctx, tx)
		if err != nil {
			return err
		}
		if err := fn(ctx, w); err != nil {
			return err
		}
		return d.commit(ctx, w)
	})
}

func (d *DB) lock(ctx context.Context, tx *sql.Tx) (*writing, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if d.dialect.Begin != "" {
		if _, err := tx.ExecContext(ctx, d.dialect.Begin); err != nil {
			return nil, fmt.Errorf("start writing: %w", err)
		}
	}
	found, err := readHead(ctx, tx, d.dialect.Lock)
	if err != nil {
		return nil, err
	}
	// Asked after the lock was granted, so that times follow the order of commits.
	at, err := d.now(ctx, tx)
	if err != nil {
		return nil, err
	}
	return &writing{tx: tx, from: found, head: found, at: at}, nil
}

// now is the database's clock, in microseconds: what both databases keep.
func (d *DB) now(ctx context.Context, tx *sql.Tx) (time.Time, error) {
	var at instant
	if err := tx.QueryRowContext(ctx, `SELECT `+d.dialect.Now).Scan(&at); err != nil {
		return time.Time{}, fmt.Errorf("read the store's clock: %w", err)
	}
	return at.Time, nil
}

func (d *DB) commit(ctx context.Context, w *writing) error {
	if w.head.eventID == w.from.eventID {
		return nil
	}
	moved := w.head.revision != w.from.revision
	if moved && d.dialect.Notify != "" {
		if _, err := w.tx.ExecContext(ctx, d.dialect.Notify, fmt.Sprint(w.head.revision)); err != nil {
			return fmt.Errorf("notify of revision %d: %w", w.head.revision, err)
		}
	}
	// Once the commit is sent, a caller that goes away leaves its outcome open.
	if err := ctx.Err(); err != nil {
		return err
	}
	switch err := w.tx.Commit(); {
	case err == nil:
	case errors.Is(err, sql.ErrTxDone) || d.dialect.Refused(err):
		return fmt.Errorf("commit: %w", err)
	default:
		return fmt.Errorf("%w, look at the history: commit to %s: %w", rollout.ErrUncertain, d.name, err)
	}
	if moved && d.dialect.Committed != nil {
		d.dialect.Committed()
	}
	return nil
}

// advance spends the next revision.
func (w *writing) advance() routing.Revision {
	w.head.revision = w.from.revision + 1
	return w.head.revision
}

// record gives the event its id, revision, time and place in the chain.
func (w *writing) record(event rollout.Event) (rollout.Event, error) {
	event.ID = w.head.eventID + 1
	event.Revision = w.head.revision
	event.At = w.at
	link, err := newChained(w.head.link(), event)
	if err != nil {
		return rollout.Event{}, err
	}
	w.head.eventID = event.ID
	w.head.eventHash = link.hash
	if w.head.revision != w.from.revision {
		w.head.revisionHash = link.hash
	}
	w.events = append(w.events, link)
	return link.event, nil
}

// flush writes the recorded events and the store's row. It comes before the
// rows of routes, which refer to events.
func (w *writing) flush(ctx context.Context) error {
	rows := make([][]any, len(w.events))
	for i, link := range w.events {
		rows[i] = link.row()
	}
	if err := insert(ctx, w.tx, "events", eventColumns, rows, ""); err != nil {
		return err
	}
	w.events = nil
	return w.head.write(ctx, w.tx)
}
