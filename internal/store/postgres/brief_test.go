package postgres_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/store/pgtest"
	"github.com/stranglerfig/strangler/internal/store/postgres"
)

// pgx says both over several lines, once with TLS and once without.
func TestFailedConnectionIsSaidInOneLine(t *testing.T) {
	missing := mustParse(t, pgtest.URL(t))
	missing.Path = "/nosuch"
	user := missing.User.Username()
	for address, want := range map[string]string{
		"postgres://ana@127.0.0.1:1/shop": "the store is unavailable: postgres://ana@127.0.0.1:1/shop: read the schema's version: " +
			"cannot connect: dial tcp 127.0.0.1:1: connect: connection refused",
		missing.String(): "the store is unavailable: postgres://" + user + "@" + missing.Host + "/nosuch: read the schema's version: " +
			`cannot connect: FATAL: database "nosuch" does not exist (SQLSTATE 3D000); create the database, or correct its name in the database URL`,
	} {
		err := open(t, address, postgres.Options{}).Ping(t.Context())
		if err == nil || err.Error() != want {
			t.Errorf("ping: %v\nwant  %s", err, want)
		}
		if _, is := errors.AsType[*pgconn.ConnectError](err); !is || !errors.Is(err, rollout.ErrUnavailable) {
			t.Errorf("%v has lost what it wraps", err)
		}
	}
}
