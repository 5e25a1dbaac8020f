package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-migrate/migrate/v4/database"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/stranglerfig/strangler/internal/store/internal/relational"
	"github.com/stranglerfig/strangler/internal/store/internal/schema"
	"github.com/stranglerfig/strangler/migrations"
)

// migrationLock is the advisory lock that routers share; its number has no meaning.
const migrationLock = 7_305_211_840_117_338

// server is the database as package schema needs it.
type server struct {
	pool *pgxpool.Pool
}

// Schema opens a database to look at its schema and to migrate it. The caller
// ends the connections by calling done. The database itself is never made.
func Schema(ctx context.Context, address string, _ bool) (opened schema.Schema, done func(), err error) {
	config, err := parse(address)
	if err != nil {
		return schema.Schema{}, nil, err
	}
	files, err := migrations.Postgres()
	if err != nil {
		return schema.Schema{}, nil, fmt.Errorf("read the migrations: %w", err)
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return schema.Schema{}, nil, fmt.Errorf("%w: %s: the connection pool cannot be made", relational.ErrAddress, display(config.ConnConfig))
	}
	return schema.Schema{Migrations: files, Database: server{pool}}, pool.Close, nil
}

// Version implements schema.Database.
func (s server) Version(ctx context.Context) (version uint, dirty bool, err error) {
	version, dirty, err = readVersion(ctx, s.pool)
	return version, dirty, brief(err)
}

// readVersion returns 0 where there is no version.
func readVersion(ctx context.Context, from interface {
	QueryRow(ctx context.Context, query string, args ...any) pgx.Row
},
) (version uint, dirty bool, err error) {
	var present bool
	if err := from.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", schema.Table).Scan(&present); err != nil || !present {
		return 0, false, err
	}
	err = from.QueryRow(ctx, "SELECT version, dirty FROM "+schema.Table).Scan(&version, &dirty)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, false, nil
	}
	return version, dirty, err
}

// Lock implements schema.Database. It belongs to a transaction, so that a pooler
// cannot keep it when this program has gone.
func (s server) Lock(ctx context.Context) (unlock func(), err error) {
	tx, err := s.pool.Begin(ctx)
	if err != nil {
		return nil, err
	}
	unlock = func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = tx.Rollback(ctx) // a connection that cannot do that is closed, which unlocks as well
	}
	for _, statement := range []string{
		"SET LOCAL idle_in_transaction_session_timeout = 0", // a migration may take its time
		fmt.Sprintf("SELECT pg_advisory_xact_lock(%d)", int64(migrationLock)),
	} {
		if _, err := tx.Exec(ctx, statement); err != nil {
			unlock()
			return nil, err
		}
	}
	return unlock, nil
}

// Alone implements schema.Database. A server is shared, and nobody is kept off
// it; but routers say that they live.
func (s server) Alone(ctx context.Context) (release func(), err error) {
	var present bool
	if err := s.pool.QueryRow(ctx, "SELECT to_regclass('instances') IS NOT NULL").Scan(&present); err != nil || !present {
		return func() {}, brief(err)
	}
	rows, err := s.pool.Query(ctx, `SELECT name FROM instances
		WHERE NOT signed_off AND seen_at > clock_timestamp() - interval '1 minute' ORDER BY name`)
	if err != nil {
		return nil, brief(err)
	}
	routers, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, brief(err)
	}
	if len(routers) > 0 {
		return nil, fmt.Errorf("%w: %s; nothing was changed: stop them first (one that ended without a word is forgotten after a minute)",
			schema.ErrInUse, strings.Join(routers, ", "))
	}
	return func() {}, nil
}

// Driver implements schema.Database.
func (s server) Driver(ctx context.Context) (database.Driver, error) {
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return nil, err
	}
	return &driver{conn: conn}, nil
}

// Client implements schema.Database.
func (s server) Client(statement string) string {
	return fmt.Sprintf(`psql "%s" -c "%s"`, display(s.pool.Config().ConnConfig), statement)
}
