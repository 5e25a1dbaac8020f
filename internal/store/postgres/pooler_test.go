package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/store"
	"github.com/stranglerfig/strangler/internal/store/pgtest"
	"github.com/stranglerfig/strangler/internal/store/postgres"
	"github.com/stranglerfig/strangler/internal/store/storetest"
)

// pooled is a database behind a PgBouncer in transaction mode.
type pooled struct {
	*pgtest.Pooler
	direct, through string
}

func newPooled(t *testing.T) pooled {
	t.Helper()
	direct := pgtest.URL(t)
	pooler := pgtest.NewPooler(t, direct)
	return pooled{pooler, direct, pooler.Through(t, direct)}
}

// TestConformanceThroughAPooler runs the suite as docs/operations.md advises:
// everything through the pooler, LISTEN beside it.
func TestConformanceThroughAPooler(t *testing.T) {
	anyDatabase := pgtest.URL(t)
	pooler := pgtest.NewPooler(t, anyDatabase)
	server := mustParse(t, anyDatabase).Host
	beside := func(t testing.TB, address string) string {
		t.Helper()
		return pgtest.WithHost(t, address, server)
	}
	storetest.Run(t, storetest.Backend{
		URL:    func(t testing.TB) string { return pooler.Through(t, pgtest.URL(t)) },
		Listen: beside,
		DB:     func(t testing.TB, address string) *sql.DB { return raw(t, beside(t, address)) },
		DayAgo: "seen_at - interval '25 hours'",
	})
}

// TestListeningThroughAPoolerSaysThatItIsDeaf: LISTEN itself succeeds there.
func TestListeningThroughAPoolerSaysThatItIsDeaf(t *testing.T) {
	p := newPooled(t)
	s := open(t, p.through, postgres.Options{})
	err := s.Listen(t.Context(), func() { t.Error("woken over a connection that hears nothing") })
	if !errors.Is(err, fleet.ErrDeaf) || !strings.Contains(err.Error(), "--database-listen") {
		t.Errorf("Listen ended with %v, want ErrDeaf with the way out", err)
	}
	mustAdd(t, s, "a")
}

// TestADirectAddressForAnotherDatabaseIsDeafToo: what is announced in one
// database is not heard in another.
func TestADirectAddressForAnotherDatabaseIsDeafToo(t *testing.T) {
	s := open(t, pgtest.URL(t), postgres.Options{Listen: pgtest.URL(t)})
	if err := s.Listen(t.Context(), func() {}); !errors.Is(err, fleet.ErrDeaf) {
		t.Errorf("Listen ended with %v, want ErrDeaf", err)
	}
}

// TestAChangeArrivesByNotificationBesideThePooler polls once an hour only.
func TestAChangeArrivesByNotificationBesideThePooler(t *testing.T) {
	p := newPooled(t)
	r := follow(t, open(t, p.through, postgres.Options{Listen: p.direct}), time.Hour)
	r.await(t, "the first table", 0)
	r.until(t, "it listens", func() bool { return r.Status().Listening })
	other := open(t, p.through, postgres.Options{})
	for revision := routing.Revision(1); revision <= 3; revision++ {
		mustAdd(t, other, fmt.Sprint("b", revision))
		r.await(t, "the change of another router", revision)
	}
}

// TestAChangeArrivesByPollThroughThePooler has no other way.
func TestAChangeArrivesByPollThroughThePooler(t *testing.T) {
	p := newPooled(t)
	r := follow(t, open(t, p.through, postgres.Options{}), 50*time.Millisecond)
	r.await(t, "the first table", 0)
	r.until(t, "it knows that it hears nothing", func() bool { return errors.Is(r.Status().ListenError, fleet.ErrDeaf) })
	other := open(t, p.through, postgres.Options{})
	for revision := routing.Revision(1); revision <= 3; revision++ {
		mustAdd(t, other, fmt.Sprint("b", revision))
		r.await(t, "the change of another router", revision)
	}
}

func TestPoolerGoesAwayAndComesBack(t *testing.T) {
	p := newPooled(t)
	s := open(t, p.through, postgres.Options{Listen: p.direct})
	mustAdd(t, s, "a")

	p.Kill(t)
	_, loadErr := s.Load(t.Context(), nil)
	for what, err := range map[string]error{"load": loadErr, "edit": add(t.Context(), s, "b"), "ping": s.Ping(t.Context())} {
		if !errors.Is(err, rollout.ErrUnavailable) || !strings.Contains(err.Error(), s.URL()) {
			t.Errorf("%s while the pooler is away: %v, want ErrUnavailable naming the store", what, err)
		}
	}

	p.Start(t)
	mustAdd(t, s, "b")
	if snapshot, err := s.Load(t.Context(), nil); err != nil || snapshot.Revision != 2 {
		t.Errorf("after the pooler came back: %v; want revision 2", err)
	}
}

// TestMigratingThroughAPoolerLeavesNoLockBehind: a session's lock would stay
// with the pooler, in nobody's hands.
func TestMigratingThroughAPoolerLeavesNoLockBehind(t *testing.T) {
	p := newPooled(t)
	migrator, err := store.Migrate(p.through)
	if err != nil {
		t.Fatal(err)
	}
	up, err := migrator.Up(t.Context())
	if err != nil || up.Version != up.Latest || up.Dirty {
		t.Fatalf("up: %+v, %v; want the latest version", up, err)
	}
	for version := up.Latest; version > 0; version-- {
		if down, err := migrator.Down(t.Context()); err != nil || down.Version != version-1 || down.Dirty {
			t.Fatalf("down from %d: %+v, %v", version, down, err)
		}
	}
	if again, err := migrator.Up(t.Context()); err != nil || again != up {
		t.Fatalf("up again: %+v, %v; want %+v", again, err, up)
	}
	var locks int
	query := "SELECT count(*) FROM pg_locks JOIN pg_database ON database = pg_database.oid WHERE locktype = 'advisory' AND datname = current_database()"
	if err := pgtest.Connect(t, p.direct).QueryRow(t.Context(), query).Scan(&locks); err != nil || locks != 0 {
		t.Errorf("%d advisory locks left, %v", locks, err)
	}
}

// TestRoutersMigrateOneByOneThroughAPooler starts several at once.
func TestRoutersMigrateOneByOneThroughAPooler(t *testing.T) {
	p := newPooled(t)
	const routers = 4
	errs := make(chan error, routers)
	for range routers {
		go func() {
			s, err := postgres.Open(t.Context(), p.through, postgres.Options{Logger: slog.New(slog.DiscardHandler), Up: true})
			if err == nil {
				_, err = s.Load(t.Context(), nil)
				err = errors.Join(err, s.Close())
			}
			errs <- err
		}()
	}
	for range routers {
		if err := await(t, "a router", errs); err != nil {
			t.Error(err)
		}
	}
}

// follower is a watcher and the revisions that it applies.
type follower struct {
	*fleet.Watcher
	applied chan routing.Revision
}

func follow(t *testing.T, source fleet.Source, poll time.Duration) follower {
	t.Helper()
	f := follower{applied: make(chan routing.Revision, 100)}
	done := make(chan struct{})
	close(done)
	f.Watcher = fleet.NewWatcher(fleet.Config{
		Source: source, Instance: "i", Logger: slog.New(slog.DiscardHandler), PollEvery: poll,
		Apply: func(s *fleet.Snapshot) <-chan struct{} {
			f.applied <- s.Revision
			return done
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := await(t, "the end of the watcher", ended); err != nil {
			t.Error(err)
		}
	})
	return f
}

// await waits for a revision to be applied.
func (f follower) await(t *testing.T, what string, want routing.Revision) {
	t.Helper()
	if got := await(t, what, f.applied); got != want {
		t.Fatalf("%s is revision %d, want %d", what, got, want)
	}
}

// until polls what the watcher says of itself.
func (f follower) until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(soon); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain: %s", soon, what)
		}
	}
}
