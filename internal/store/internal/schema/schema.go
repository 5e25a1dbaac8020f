// Package schema brings a store's tables to the version this program knows, by
// golang-migrate, under a lock that all routers on one database share.
//
// A database that is newer than the program is served as it is: migrations are
// written so that the previous minor version can read and write their result.
package schema

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/database"
	"github.com/golang-migrate/migrate/v4/source/iofs"
)

// Table is where golang-migrate keeps the version. It has a name of its own, so
// that a database shared with another program's migrations is not confused.
const Table = "strangler_migrations"

// The reasons for which a schema cannot be used as it is.
var (
	ErrDirty    = errors.New("the schema is dirty")
	ErrOutdated = errors.New("the schema is older than this program")
	ErrNewer    = errors.New("the schema is newer than this program")
	ErrInUse    = errors.New("routers serve this store")
)

// Status is where a database's schema stands.
type Status struct {
	Version uint // of the database; 0: it has no tables yet
	Latest  uint // that this program knows
	Dirty   bool // a migration to Version was interrupted
}

// Database is what differs between the databases.
type Database interface {
	// Version reads the schema's version; 0 when there is none yet.
	Version(ctx context.Context) (version uint, dirty bool, err error)
	// Lock waits until no other process migrates this database.
	Lock(ctx context.Context) (unlock func(), err error)
	// Alone keeps routers that lock their database off it until release is
	// called; it fails when one serves it, as far as that is known.
	Alone(ctx context.Context) (release func(), err error)
	// Driver opens a connection for golang-migrate, which closes it.
	Driver(ctx context.Context) (database.Driver, error)
	// Client is the command line that runs one SQL statement, which it quotes.
	Client(statement string) string
}

// Schema is the migrations of one kind of database, and one such database.
type Schema struct {
	Migrations fs.FS
	Database   Database
}

// Status reads where the schema stands, and changes nothing.
func (s Schema) Status(ctx context.Context) (Status, error) {
	latest, err := latest(s.Migrations)
	if err != nil {
		return Status{}, err
	}
	version, dirty, err := s.Database.Version(ctx)
	if err != nil {
		return Status{}, fmt.Errorf("read the schema's version: %w", err)
	}
	return Status{Version: version, Latest: latest, Dirty: dirty}, nil
}

// Up migrates to the newest version this program knows. A schema that is there
// already, or newer, is left alone.
func (s Schema) Up(ctx context.Context) (Status, error) {
	return s.locked(ctx, func(found Status) (Status, error) {
		if found.Version >= found.Latest {
			return found, nil
		}
		return s.run(ctx, (*migrate.Migrate).Up)
	})
}

// Down takes the newest migration back, and with it the data it made room for.
// A database without tables is left alone, and so is one that a router serves, as
// far as that can be known.
func (s Schema) Down(ctx context.Context) (Status, error) {
	release, err := s.Database.Alone(ctx)
	if err != nil {
		return Status{}, err
	}
	defer release()
	return s.locked(ctx, func(found Status) (Status, error) {
		switch {
		case found.Version == 0:
			return found, nil
		case found.Version > found.Latest:
			return found, fmt.Errorf("%w: version %d against %d; nothing was changed; use the program that made it", ErrNewer, found.Version, found.Latest)
		}
		return s.run(ctx, func(m *migrate.Migrate) error { return m.Steps(-1) })
	})
}

// Ensure makes sure that the schema can be served; it migrates an older one
// when up is set, and refuses it otherwise.
func (s Schema) Ensure(ctx context.Context, up bool) (Status, error) {
	found, err := s.Status(ctx)
	if err != nil || (!found.Dirty && found.Version >= found.Latest) {
		return found, err
	}
	if up {
		return s.Up(ctx)
	}
	// Another router may be migrating at this moment: look again when it is done.
	return s.locked(ctx, func(found Status) (Status, error) {
		if found.Version < found.Latest {
			return found, fmt.Errorf("%w: version %d, and %d is needed; run `strangler migrate up`", ErrOutdated, found.Version, found.Latest)
		}
		return found, nil
	})
}

// locked runs fn with the schema's status while nobody else migrates; not on a
// dirty schema.
func (s Schema) locked(ctx context.Context, fn func(Status) (Status, error)) (Status, error) {
	unlock, err := s.Database.Lock(ctx)
	if err != nil {
		return Status{}, fmt.Errorf("wait for the lock on migrations: %w", err)
	}
	defer unlock()
	found, err := s.Status(ctx)
	if err != nil {
		return found, err
	}
	if found.Dirty {
		return found, s.dirty(found.Version)
	}
	return fn(found)
}

// run lets golang-migrate do its work and reads what became of it.
func (s Schema) run(ctx context.Context, work func(*migrate.Migrate) error) (Status, error) {
	source, err := iofs.New(s.Migrations, ".")
	if err != nil {
		return Status{}, fmt.Errorf("read the migrations: %w", err)
	}
	driver, err := s.Database.Driver(ctx)
	if err != nil {
		return Status{}, fmt.Errorf("connect to migrate: %w", err)
	}
	m, err := migrate.NewWithInstance("iofs", source, "store", driver)
	if err != nil {
		return Status{}, fmt.Errorf("start to migrate: %w", err)
	}
	err = work(m)
	sourceErr, databaseErr := m.Close()
	if err = plain(errors.Join(err, sourceErr, databaseErr)); err != nil {
		return Status{}, fmt.Errorf("migrate: %w", err)
	}
	return s.Status(ctx)
}

// plain takes the cause out of golang-migrate's errors, which print the whole
// text of a migration.
func plain(err error) error {
	if failed, is := errors.AsType[database.Error](err); is {
		return failed.OrigErr
	}
	if failed, is := errors.AsType[*database.Error](err); is {
		return failed.OrigErr
	}
	return err
}

// dirty explains the way out: a migration is one transaction, so all of it is
// there or nothing, but only a person can look which.
func (s Schema) dirty(version uint) error {
	undone := fmt.Sprintf("UPDATE %s SET version = %d, dirty = false", Table, version-1)
	if version <= 1 {
		undone = "DELETE FROM " + Table
	}
	return fmt.Errorf("%w: migration %d was interrupted; it is one transaction, so all of its tables and columns are there or none. "+
		"Nothing was changed now. Look, and if they are not there, run\n  %s\nif they are there, run\n  %s\nand then `strangler migrate up`",
		ErrDirty, version, s.Database.Client(undone), s.Database.Client("UPDATE "+Table+" SET dirty = false"))
}

// latest is the highest version among the files.
func latest(migrations fs.FS) (uint, error) {
	names, err := fs.Glob(migrations, "*.up.sql")
	if err != nil {
		return 0, fmt.Errorf("list the migrations: %w", err)
	}
	var highest uint64
	for _, name := range names {
		number, _, _ := strings.Cut(name, "_")
		version, err := strconv.ParseUint(number, 10, 32)
		if err != nil {
			return 0, fmt.Errorf("migration %s has no number: %w", name, err)
		}
		highest = max(highest, version)
	}
	return uint(highest), nil
}
