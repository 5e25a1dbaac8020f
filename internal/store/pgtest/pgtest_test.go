package pgtest_test

import (
	"context"
	"os"
	"testing"

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
