package relational

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/stats"
)

const (
	// patience is how long a reading, a heartbeat, or the wait for the lock may
	// take when the context says nothing shorter.
	patience = 10 * time.Second
	// longest is the same for a whole change, which may be of 10,000 routes on a
	// slow machine: a rollback of all must not end half-way for want of time.
	longest = time.Minute
)

// ErrAddress says that a database URL cannot be used as it is written. The
// message holds no part of the URL that may belong to a password.
var ErrAddress = errors.New("the database URL cannot be used")

// Dialect is what differs between the databases.
type Dialect struct {
	Now       string             // SQL expression: the database's clock
	Begin     string             // statement that starts every writing transaction; "": none
	Lock      string             // suffix that makes the reading of a row lock it; "": the transaction does
	Share     string             // the same, against those alone who lock it that way
	Notify    string             // statement run with the new revision before it is committed; "": none
	Snapshot  sql.TxOptions      // of a transaction that reads at one moment
	Writing   sql.TxOptions      // of a transaction that writes
	Away      func(error) bool   // the error says that the database cannot be reached or refuses writes
	Refused   func(error) bool   // of a commit that failed: it was certainly not made
	Advice    func(error) string // what to do about such an error, "": nothing to add
	Brief     func(error) error  // the same error in one line
	Committed func()             // runs after a new revision was committed
}

// Config is what a DB is made of.
type Config struct {
	Name    string // the store's URL without secrets, for messages
	Reads   *sql.DB
	Writes  *sql.DB // may be Reads
	Dialect Dialect
	Logger  *slog.Logger
	// Ready runs before every operation; an error refuses the operation.
	Ready func(context.Context) error
}

// DB implements all of a store that needs nothing but SQL. It is safe for
// concurrent use.
type DB struct {
	name    string
	reads   *sql.DB
	writes  *sql.DB
	dialect Dialect
	logger  *slog.Logger
	ready   func(context.Context) error
}

// New makes a DB of what config names; it does not touch the database.
func New(config Config) *DB {
	return &DB{
		name: config.Name, reads: config.Reads, writes: config.Writes,
		dialect: config.Dialect, logger: config.Logger, ready: config.Ready,
	}
}

// URL returns the store's address without its password.
func (d *DB) URL() string {
	return d.name
}

// Ping reads the store's one row: it fails exactly when Load would.
func (d *DB) Ping(ctx context.Context) error {
	return d.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := readHead(ctx, tx, "")
		return err
	})
}

// read runs fn in a transaction that sees one moment.
func (d *DB) read(ctx context.Context, fn func(context.Context, *sql.Tx) error) error {
	return d.bounded(ctx, patience, func(ctx context.Context) error {
		tx, err := d.reads.BeginTx(ctx, &d.dialect.Snapshot)
		if err != nil {
			return fmt.Errorf("start reading: %w", err)
		}
		defer func() { _ = tx.Rollback() }()
		return fn(ctx, tx)
	})
}

// bounded runs fn with a deadline, once the store is ready for it.
func (d *DB) bounded(ctx context.Context, limit time.Duration, fn func(context.Context) error) error {
	inner, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := d.ready(inner)
	if err == nil {
		err = fn(inner)
	}
	return d.explain(ctx, inner, err)
}

// explain says of an error whether the caller gave up, the database is away, or
// something else is wrong. Errors of the domain pass unchanged.
func (d *DB) explain(ctx, inner context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, rollout.ErrUnavailable), errors.Is(err, rollout.ErrUncertain), errors.Is(err, stats.ErrUncertain), errors.Is(err, shadow.ErrUncertain):
		return err
	case errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("store %s: %w", d.name, ctx.Err())
	case inner.Err() != nil || errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %s gave no answer in time: %w", rollout.ErrUnavailable, d.name, context.DeadlineExceeded)
	case d.dialect.Away(err):
		return Unavailable(d.name, d.dialect.Brief(err), d.dialect.Advice(err))
	default:
		return err
	}
}

// Unavailable wraps err as rollout.ErrUnavailable. name is the store's, advice
// what to do about it, if anything is known.
func Unavailable(name string, err error, advice string) error {
	if advice != "" {
		return fmt.Errorf("%w: %s: %w; %s", rollout.ErrUnavailable, name, err, advice)
	}
	return fmt.Errorf("%w: %s: %w", rollout.ErrUnavailable, name, err)
}

// each runs scan on every row of a query.
func each(ctx context.Context, tx *sql.Tx, scan func(*sql.Rows) error, query string, args ...any) error {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
