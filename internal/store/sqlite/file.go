package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/golang-migrate/migrate/v4/database"
	migratesqlite "github.com/golang-migrate/migrate/v4/database/sqlite"

	"github.com/stranglerfig/strangler/internal/store/internal/schema"
	"github.com/stranglerfig/strangler/migrations"
)

// file is the database as package schema needs it.
type file struct {
	path string
	db   *sql.DB
}

// Schema opens a file to look at its schema and to migrate it. The caller gives
// it free by calling done. A file that is not there is made when create is set.
func Schema(ctx context.Context, address string, create bool) (opened schema.Schema, done func(), err error) {
	path, err := parse(address)
	if err != nil {
		return schema.Schema{}, nil, err
	}
	if err := prepare(path, !create); err != nil {
		return schema.Schema{}, nil, err
	}
	files, err := migrations.SQLite()
	if err != nil {
		return schema.Schema{}, nil, fmt.Errorf("read the migrations: %w", err)
	}
	db, err := connect(ctx, writing(path), 1)
	if err != nil {
		return schema.Schema{}, nil, explain(path, err)
	}
	return schema.Schema{Migrations: files, Database: file{path: path, db: db}}, func() { _ = db.Close() }, nil
}

// Version implements schema.Database.
func (f file) Version(ctx context.Context) (version uint, dirty bool, err error) {
	var tables int
	err = f.db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = $1", schema.Table).Scan(&tables)
	if err != nil || tables == 0 {
		return 0, false, err
	}
	err = f.db.QueryRowContext(ctx, "SELECT version, dirty FROM "+schema.Table).Scan(&version, &dirty)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	return version, dirty, err
}

// Lock implements schema.Database.
func (f file) Lock(ctx context.Context) (unlock func(), err error) {
	return lockMigrations(ctx, f.path)
}

// Alone implements schema.Database.
func (f file) Alone(context.Context) (release func(), err error) {
	unlock, err := lock(f.path)
	if err != nil {
		return nil, fmt.Errorf("nothing was changed: %w", err)
	}
	return func() { _ = unlock() }, nil
}

// Driver implements schema.Database.
func (f file) Driver(ctx context.Context) (database.Driver, error) {
	db, err := connect(ctx, writing(f.path), 1)
	if err != nil {
		return nil, err
	}
	driver, err := migratesqlite.WithInstance(db, &migratesqlite.Config{MigrationsTable: schema.Table})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return driver, nil
}

// Client implements schema.Database.
func (f file) Client(statement string) string {
	return fmt.Sprintf(`sqlite3 "%s" "%s"`, f.path, statement)
}
