package pgtest_test

import (
	"context"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stranglerfig/strangler/internal/store/pgtest"
)

func TestMain(m *testing.M) {
	os.Exit(pgtest.Main(m))
}

func TestDatabasesAreApart(t *testing.T) {
	first, second := pgtest.URL(t), pgtest.URL(t)
	pgtest.Exec(t, first, "CREATE TABLE mine (x int)")
	pgtest.Exec(t, second, "CREATE TABLE mine (x int)")
}

func TestStoppedServerKeepsItsDataAndAddress(t *testing.T) {
	server := pgtest.New(t)
	url := server.URL("postgres")
	pgtest.Exec(t, url, "CREATE TABLE kept AS SELECT 42 AS x")

	server.Stop(t)
	server.Start(t)

	var x int
	if err := pgtest.Connect(t, url).QueryRow(context.Background(), "SELECT x FROM kept").Scan(&x); err != nil || x != 42 {
		t.Fatalf("after a restart: %d, %v; want 42", x, err)
	}
}

func TestPoolerKeepsItsAddressAndNoSession(t *testing.T) {
	direct := pgtest.URL(t)
	pooler := pgtest.NewPooler(t, direct)
	through := pooler.Through(t, direct)
	pgtest.Exec(t, through, "CREATE TABLE seen AS SELECT 42 AS x")

	pooler.Kill(t)
	pooler.Start(t)

	var x int
	if err := pgtest.Connect(t, direct).QueryRow(context.Background(), "SELECT x FROM seen").Scan(&x); err != nil || x != 42 {
		t.Fatalf("beside the pooler: %d, %v; want 42", x, err)
	}
	first, second := pgtest.Connect(t, through), pgtest.Connect(t, through)
	held, err := first.Begin(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	before := processOf(t, held)
	if err := held.Rollback(context.Background()); err != nil {
		t.Fatal(err)
	}
	if after := processOf(t, second); after != before {
		t.Errorf("two clients in turn met server processes %d and %d: this pooler does not pool transactions", before, after)
	}
}

// processOf is the server process that answers.
func processOf(t *testing.T, from interface {
	QueryRow(ctx context.Context, query string, args ...any) pgx.Row
},
) (pid int) {
	t.Helper()
	if err := from.QueryRow(context.Background(), "SELECT pg_backend_pid()", pgx.QueryExecModeExec).Scan(&pid); err != nil {
		t.Fatal(err)
	}
	return pid
}
