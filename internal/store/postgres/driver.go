package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/golang-migrate/migrate/v4/database"
	"github.com/jackc/pgx/v5"

	"github.com/stranglerfig/strangler/internal/store/internal/schema"
)

// migrationTimeout bounds one migration, which may wait for a table that a
// router is using.
const migrationTimeout = 5 * time.Minute

// driver is golang-migrate's way to the database. Its own one locks a session,
// which a pooler in transaction mode gives to somebody else with the lock still
// held; here every call is one transaction, and server.Lock keeps others away.
type driver struct {
	conn *pgx.Conn
}

var errNotOpened = errors.New("not this way: package postgres opens its databases itself")

// Open implements database.Driver; it is never called.
func (d *driver) Open(string) (database.Driver, error) { return nil, errNotOpened }

// Drop implements database.Driver; it is never called.
func (d *driver) Drop() error { return errNotOpened }

// Lock implements database.Driver: who has one has server.Lock.
func (d *driver) Lock() error { return nil }

// Unlock implements database.Driver.
func (d *driver) Unlock() error { return nil }

// Close implements database.Driver.
func (d *driver) Close() error {
	ctx, cancel := bounded()
	defer cancel()
	return d.conn.Close(ctx)
}

// Run implements database.Driver: the whole text is one transaction.
func (d *driver) Run(migration io.Reader) error {
	text, err := io.ReadAll(migration)
	if err != nil {
		return fmt.Errorf("read a migration: %w", err)
	}
	return d.simply(string(text))
}

// SetVersion implements database.Driver.
func (d *driver) SetVersion(version int, dirty bool) error {
	var text strings.Builder
	fmt.Fprintf(&text, "CREATE TABLE IF NOT EXISTS %s (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL); TRUNCATE %[1]s; ", schema.Table)
	if version != database.NilVersion || dirty { // a failed way down from the first migration is remembered too
		fmt.Fprintf(&text, "INSERT INTO %s (version, dirty) VALUES (%d, %t)", schema.Table, version, dirty)
	}
	return d.simply(text.String())
}

// Version implements database.Driver.
func (d *driver) Version() (version int, dirty bool, err error) {
	ctx, cancel := bounded()
	defer cancel()
	found, dirty, err := readVersion(ctx, d.conn)
	if err == nil && found == 0 && !dirty {
		return database.NilVersion, false, nil
	}
	return int(found), dirty, err
}

// simply sends several statements at once, which PostgreSQL runs in one transaction.
func (d *driver) simply(statements string) error {
	ctx, cancel := bounded()
	defer cancel()
	_, err := d.conn.PgConn().Exec(ctx, statements).ReadAll()
	return err
}

// bounded is for golang-migrate, which hands no context on.
func bounded() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), migrationTimeout)
}
