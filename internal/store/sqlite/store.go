// Package sqlite keeps a store in one file: the choice for one machine, and for
// trying the program out.
//
// One connection writes, several read beside it (WAL). Only this process hears
// of its commits at once; what another process writes is found by the poll.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/store/internal/relational"
	"github.com/stranglerfig/strangler/internal/store/internal/schema"
	"github.com/stranglerfig/strangler/migrations"
)

// clock is the time in microseconds since 1970. SQLite's own clock has
// milliseconds, and the machine is the same.
const clock = "CAST(round(unixepoch('now', 'subsec') * 1000) AS integer) * 1000"

// busyTimeout is how long an operation waits for a lock that another connection
// or process holds.
const busyTimeout = 5 * time.Second

// readers is how many operations may read at the same time.
const readers = 4

// Options say how a store is opened.
type Options struct {
	Logger   *slog.Logger // required
	Up       bool         // migrate an older schema instead of refusing it
	Lock     bool         // refuse a file that another process has opened with Lock
	Existing bool         // refuse a file that is not there instead of making it
}

// Store is a store in one file. It is safe for concurrent use.
type Store struct {
	*relational.DB
	reads, writes *sql.DB
	listeners     *listeners
	unlock        func() error
}

// Open makes a store of sqlite:path. Everything that can be wrong with a file
// is found here.
func Open(ctx context.Context, address string, options Options) (*Store, error) {
	path, err := parse(address)
	if err != nil {
		return nil, err
	}
	if err := prepare(path, options.Existing); err != nil {
		return nil, err
	}
	s := &Store{listeners: newListeners(), unlock: func() error { return nil }}
	if options.Lock {
		if s.unlock, err = lock(path); err != nil {
			return nil, err
		}
	}
	if err := s.open(ctx, path, options); err != nil {
		return nil, errors.Join(fmt.Errorf("open sqlite:%s: %w", path, err), s.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, path string, options Options) error {
	var err error
	if s.writes, err = connect(ctx, writing(path), 1); err != nil {
		return explain(path, err)
	}
	if s.reads, err = connect(ctx, reading(path), readers); err != nil {
		return explain(path, err)
	}
	s.DB = relational.New(relational.Config{
		Name: "sqlite:" + path, Reads: s.reads, Writes: s.writes, Logger: options.Logger,
		Ready: func(context.Context) error { return nil },
		Dialect: relational.Dialect{
			Now: clock, Away: away, Refused: refused, Advice: advice, Committed: s.listeners.wake,
			Brief:    func(err error) error { return err },
			Snapshot: sql.TxOptions{ReadOnly: true},
		},
	})
	files, err := migrations.SQLite()
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	status, err := schema.Schema{Migrations: files, Database: file{path: path, db: s.writes}}.Ensure(ctx, options.Up)
	if err != nil {
		return explain(path, err)
	}
	if status.Version > status.Latest {
		options.Logger.Warn("the schema is newer than this program: it is served, not migrated", "version", status.Version, "known", status.Latest)
	}
	return s.Ping(ctx)
}

func connect(ctx context.Context, source string, connections int) (*sql.DB, error) {
	db, err := sql.Open("sqlite", source)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	if err := greet(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// greet makes the first connection. A file that is being turned to WAL by two
// processes at once is busy for one of them, and SQLite does not wait its busy
// timeout for that lock: so it is asked again here.
func greet(ctx context.Context, db *sql.DB) error {
	patience := time.NewTimer(busyTimeout)
	defer patience.Stop()
	for {
		err := db.PingContext(ctx)
		if primary(err) != sqlite3.SQLITE_BUSY {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-patience.C:
			return err
		case <-time.After(retryLock):
		}
	}
}

// Close ends the store's connections and gives the file free; operations under
// way are waited for, and Listen returns.
func (s *Store) Close() error {
	s.listeners.close()
	var errs []error
	for _, db := range []*sql.DB{s.reads, s.writes} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(append(errs, s.unlock())...)
}

// Listen implements fleet.Source: it hears of the commits of this process.
func (s *Store) Listen(ctx context.Context, wake func()) error {
	heard, leave := s.listeners.join()
	defer leave()
	wake()
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("listening to %s ended: %w", s.URL(), ctx.Err())
		case <-s.listeners.closed:
			return fmt.Errorf("%w: %s was closed", rollout.ErrUnavailable, s.URL())
		case <-heard:
			wake()
		}
	}
}
