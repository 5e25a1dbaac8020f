package test_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stranglerfig/strangler/internal/store/pgtest"
)

// listener names the LISTEN connections, so that the test can find them.
const listener = "strangler-listener"

func TestAKilledNotificationConnectionDelaysNothingForLong(t *testing.T) {
	database := pgtest.URL(t)
	s := openShop(t, database, "--database-listen", database+"?application_name="+listener)
	v := newVisitor(t, s.app, 4)
	conn := pgtest.Connect(t, database)
	var before []int
	eventually(t, "both routers listen", func() bool {
		before = listeners(t, conn)
		return len(before) == 2
	})

	if _, err := conn.Exec(context.Background(),
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", listener); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	s.ctl.must("promote", "orders", "--to", "25", "--wait=20s")
	// The poll comes every two seconds.
	if took := time.Since(began); took > 3*time.Second+slack() {
		t.Errorf("the promotion needed %s without notifications, want at most 3 s", took)
	}
	for _, r := range s.routers() {
		checkSides(t, v.everyone(t, 100, func(int) *router { return r }), 2500)
	}
	eventually(t, "both routers listen again, over new connections", func() bool {
		now := listeners(t, conn)
		return len(now) == 2 && !slices.ContainsFunc(now, func(pid int) bool { return slices.Contains(before, pid) })
	})
}

// listeners are the server processes of connections that have asked to listen.
func listeners(t *testing.T, conn *pgx.Conn) []int {
	t.Helper()
	rows, err := conn.Query(context.Background(),
		"SELECT pid FROM pg_stat_activity WHERE application_name = $1 AND query <> ''", listener)
	if err != nil {
		t.Fatal(err)
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		t.Fatal(err)
	}
	return pids
}

// slack is what a busy machine may add to a time that is promised.
func slack() time.Duration {
	if raceEnabled {
		return 7 * time.Second
	}
	return 2 * time.Second
}
