// Package postgres keeps a store in PostgreSQL: the choice for a fleet.
//
// The database hands out notifications of commits, has the one clock that all
// instances share, and may be away: a Store is made without it, and works as
// soon as it is there.
package postgres

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"golang.org/x/sync/semaphore"

	"github.com/stranglerfig/strangler/internal/store/internal/relational"
	"github.com/stranglerfig/strangler/internal/store/internal/schema"
	"github.com/stranglerfig/strangler/migrations"
)

// channel is where commits are announced, with the revision as payload.
const channel = "strangler"

// Options say how a store is opened.
type Options struct {
	Logger *slog.Logger  // required
	Listen string        // URL of a direct connection for LISTEN; "": the store's own
	Up     bool          // migrate an older schema instead of refusing it
	Quiet  time.Duration // how long LISTEN may be silent before it is probed; 0: 10 s
}

// Store is a store in PostgreSQL. It is safe for concurrent use.
type Store struct {
	*relational.DB
	pool     *pgxpool.Pool
	db       *sql.DB // the pool, as database/sql
	listener *pgx.ConnConfig
	quiet    time.Duration
	logger   *slog.Logger
	ready    readiness
}

// Open makes a store of a URL. It fails when the URL or the schema cannot be
// used; a database that is away is logged, and tried again by every operation.
func Open(ctx context.Context, address string, options Options) (*Store, error) {
	config, err := parse(address)
	if err != nil {
		return nil, err
	}
	listener := config.ConnConfig
	if options.Listen != "" {
		direct, err := parse(options.Listen)
		if err != nil {
			return nil, fmt.Errorf("the address for LISTEN: %w", err)
		}
		listener = direct.ConnConfig
	}
	files, err := migrations.Postgres()
	if err != nil {
		return nil, fmt.Errorf("read the migrations: %w", err)
	}
	// The pool outlives the context of its opening.
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(ctx), config)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: the connection pool cannot be made", relational.ErrAddress, display(config.ConnConfig))
	}
	s := assemble(pool, listener, files, options)
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

func assemble(pool *pgxpool.Pool, listener *pgx.ConnConfig, files fs.FS, options Options) *Store {
	s := &Store{
		pool: pool, db: stdlib.OpenDBFromPool(pool), listener: listener.Copy(),
		quiet: cmp.Or(options.Quiet, quiet), logger: options.Logger,
	}
	s.ready = readiness{
		turn:   semaphore.NewWeighted(1),
		schema: schema.Schema{Migrations: files, Database: server{pool}},
		up:     options.Up,
		logger: options.Logger,
	}
	s.DB = relational.New(relational.Config{
		Name: display(pool.Config().ConnConfig), Reads: s.db, Writes: s.db,
		Logger: options.Logger, Ready: s.ready.check,
		Dialect: relational.Dialect{
			Now:  "clock_timestamp()",
			Lock: " FOR UPDATE", Share: " FOR SHARE",
			// A router cut off from the network must not keep the lock for
			// as long as the server's keep-alive takes to notice.
			Begin:    "SET LOCAL idle_in_transaction_session_timeout = '15s'",
			Notify:   "SELECT pg_notify('" + channel + "', $1)",
			Snapshot: sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
			// Whatever the server's default is: who waited for the lock must see
			// what the one before committed, and not fail for it.
			Writing: sql.TxOptions{Isolation: sql.LevelReadCommitted},
			Away:    away, Refused: refused, Advice: advice, Brief: brief,
		},
	})
	return s
}

// open tries the database once, and lets it be away.
func (s *Store) open(ctx context.Context) error {
	err := s.Ping(ctx)
	switch {
	case err == nil:
		return nil
	case unavailable(err):
		s.logger.Warn("the store is away, every operation will try again", "store", s.URL(), "error", err)
		return nil
	default:
		_ = s.Close()
		return fmt.Errorf("open %s: %w", s.URL(), err)
	}
}

// Close ends the store's connections; operations under way are waited for.
func (s *Store) Close() error {
	err := s.db.Close()
	s.pool.Close()
	return err
}
