package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/spec"
	"github.com/stranglerfig/strangler/internal/store/pgtest"
	"github.com/stranglerfig/strangler/internal/store/postgres"
)

// soon is how long a test waits for what must happen.
const soon = 30 * time.Second

func open(t *testing.T, address string, options postgres.Options) *postgres.Store {
	t.Helper()
	options.Logger, options.Up = slog.New(slog.DiscardHandler), true
	s, err := postgres.Open(t.Context(), address, options)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// add makes the next revision, out of a backend of this name.
func add(ctx context.Context, s *postgres.Store, name string) error {
	_, err := s.Edit(ctx, spec.Edit{Verb: rollout.VerbApply, Actor: "ana"}, func(current spec.Current) (spec.Definitions, error) {
		current.Definitions.Backends = append(current.Definitions.Backends, spec.Backend{Name: name})
		return current.Definitions, nil
	})
	return err
}

func mustAdd(t *testing.T, s *postgres.Store, name string) {
	t.Helper()
	if err := add(t.Context(), s, name); err != nil {
		t.Fatalf("edit: %v", err)
	}
}

// with adds a parameter to an address.
func with(t *testing.T, address, name, value string) string {
	t.Helper()
	u := mustParse(t, address)
	query := u.Query()
	query.Set(name, value)
	u.RawQuery = query.Encode()
	return u.String()
}

func listening(t *testing.T, s *postgres.Store) (wakes <-chan struct{}, ended <-chan error) {
	t.Helper()
	woken, end := make(chan struct{}, 10), make(chan error, 1)
	go func() { end <- s.Listen(t.Context(), func() { woken <- struct{}{} }) }()
	await(t, "the first wake", woken)
	return woken, end
}

func await[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(soon):
		t.Fatalf("%s did not come within %s", what, soon)
		panic("unreachable")
	}
}

func TestCommitsOfAnotherRouterWake(t *testing.T) {
	address := pgtest.URL(t)
	wakes, _ := listening(t, open(t, address, postgres.Options{}))
	mustAdd(t, open(t, address, postgres.Options{}), "a")
	await(t, "the wake", wakes)
}

// TestNotificationsCarryTheRevision listens beside the store: a heartbeat before
// the commit must not have been announced.
func TestNotificationsCarryTheRevision(t *testing.T) {
	address := pgtest.URL(t)
	s := open(t, address, postgres.Options{})
	conn := pgtest.Connect(t, address)
	if _, err := conn.Exec(t.Context(), "LISTEN strangler"); err != nil {
		t.Fatal(err)
	}
	if err := s.Heartbeat(t.Context(), fleet.Instance{Name: "i"}); err != nil {
		t.Fatal(err)
	}
	mustAdd(t, s, "a")
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	heard, err := conn.WaitForNotification(ctx)
	if err != nil || heard.Payload != "1" {
		t.Errorf("the first notification is %+v, %v; want revision 1", heard, err)
	}
}

func TestKilledListenerSaysSoAndCanListenAgain(t *testing.T) {
	address := pgtest.URL(t)
	s := open(t, address, postgres.Options{})
	_, ended := listening(t, s)
	pgtest.Exec(t, address, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query = 'LISTEN strangler'")
	if err := await(t, "the end of Listen", ended); !errors.Is(err, rollout.ErrUnavailable) {
		t.Errorf("Listen ended with %v, want ErrUnavailable", err)
	}
	wakes, _ := listening(t, s)
	mustAdd(t, s, "a")
	await(t, "the wake after listening again", wakes)
}

// TestSilentlyDeadListenerIsNoticed cuts the line without closing it.
func TestSilentlyDeadListenerIsNoticed(t *testing.T) {
	address := pgtest.URL(t)
	line := newLine(t, address)
	s := open(t, address, postgres.Options{Listen: line.address, Quiet: 300 * time.Millisecond})
	wakes, ended := listening(t, s)
	mustAdd(t, s, "a")
	await(t, "the wake through the line", wakes)
	line.cut.Store(true)
	if err := await(t, "the end of Listen", ended); !errors.Is(err, rollout.ErrUnavailable) {
		t.Errorf("Listen ended with %v, want ErrUnavailable", err)
	}
}

// TestServersDefaultsDoNotBreakWriters opens stores whose sessions would start
// serializable transactions, in which whoever waits for the lock fails.
func TestServersDefaultsDoNotBreakWriters(t *testing.T) {
	address := with(t, pgtest.URL(t), "default_transaction_isolation", "serializable")
	const writers = 8
	errs := make(chan error, writers)
	stores := []*postgres.Store{open(t, address, postgres.Options{}), open(t, address, postgres.Options{})}
	for i := range writers {
		go func() { errs <- add(t.Context(), stores[i%2], fmt.Sprint("b", i)) }()
	}
	for range writers {
		if err := await(t, "a writer", errs); err != nil {
			t.Error(err)
		}
	}
	if snapshot, err := stores[0].Load(t.Context(), nil); err != nil || snapshot.Revision != writers {
		t.Errorf("the store is at %+v, %v; want revision %d", snapshot, err, writers)
	}
}

func TestAPoolOfOneConnectionIsEnoughToMigrate(t *testing.T) {
	mustAdd(t, open(t, with(t, pgtest.URL(t), "pool_max_conns", "1"), postgres.Options{}), "a")
}

// TestLockTimeoutOfTheRoleIsUnavailable lets another session hold the lock.
func TestLockTimeoutOfTheRoleIsUnavailable(t *testing.T) {
	address := pgtest.URL(t)
	s := open(t, with(t, address, "lock_timeout", "50ms"), postgres.Options{})
	other, err := pgtest.Connect(t, address).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec(t.Context(), "SELECT 1 FROM store FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	if err := add(t.Context(), s, "a"); !errors.Is(err, rollout.ErrUnavailable) {
		t.Errorf("while the lock is held: %v, want ErrUnavailable", err)
	}
	if err := other.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustAdd(t, s, "a")
}

// TestLostAnswerToACommitIsUncertain breaks the line when the commit is on its way.
func TestLostAnswerToACommitIsUncertain(t *testing.T) {
	address := pgtest.URL(t)
	direct := open(t, address, postgres.Options{})
	line := newLine(t, address)
	line.last = "commit\x00"
	s := open(t, line.address, postgres.Options{})
	line.armed.Store(true)
	err := add(t.Context(), s, "a")
	if !errors.Is(err, rollout.ErrUncertain) || errors.Is(err, rollout.ErrUnavailable) || !strings.Contains(err.Error(), "history") {
		t.Errorf("error %v, want ErrUncertain", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	for {
		snapshot, err := direct.Load(ctx, nil)
		if err != nil {
			t.Fatalf("the commit that arrived was not made: %v", err)
		}
		if snapshot.Revision == 1 {
			return
		}
	}
}

func TestServerGoesAwayAndComesBack(t *testing.T) {
	server := pgtest.New(t)
	s := open(t, server.URL("postgres"), postgres.Options{})
	mustAdd(t, s, "a")
	before, err := s.Load(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, ended := listening(t, s)

	server.Stop(t)
	if err := await(t, "the end of Listen", ended); !errors.Is(err, rollout.ErrUnavailable) {
		t.Errorf("Listen ended with %v, want ErrUnavailable", err)
	}
	_, loadErr := s.Load(t.Context(), before)
	_, changeErr := s.Change(t.Context(), rollout.Selection{All: true}, nil)
	for what, err := range map[string]error{
		"load": loadErr, "change": changeErr, "edit": add(t.Context(), s, "b"), "ping": s.Ping(t.Context()),
		"heartbeat": s.Heartbeat(t.Context(), fleet.Instance{Name: "i"}), "listen": s.Listen(t.Context(), func() {}),
	} {
		if !errors.Is(err, rollout.ErrUnavailable) || !strings.Contains(err.Error(), s.URL()) {
			t.Errorf("%s while the server is away: %v, want ErrUnavailable naming the store", what, err)
		}
	}

	server.Start(t)
	if after, err := s.Load(t.Context(), before); err != nil || after != before {
		t.Errorf("after the server came back: %v; want the snapshot of before", err)
	}
	mustAdd(t, s, "b")
}

func TestStoreOpensWhileTheServerIsAway(t *testing.T) {
	server := pgtest.New(t)
	server.Stop(t)
	s := open(t, server.URL("postgres"), postgres.Options{})
	if err := s.Ping(t.Context()); !errors.Is(err, rollout.ErrUnavailable) {
		t.Errorf("ping: %v, want ErrUnavailable", err)
	}
	server.Start(t)
	mustAdd(t, s, "a") // the schema is made on the way
}

func TestRoleThatMayOnlyReadIsToldSo(t *testing.T) {
	address := pgtest.URL(t)
	mustAdd(t, open(t, address, postgres.Options{}), "a")
	role := "reader_" + strings.TrimPrefix(mustParse(t, address).Path, "/test_")
	pgtest.Exec(t, address, "CREATE ROLE "+role+" LOGIN PASSWORD 'p'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO "+role)
	t.Cleanup(func() { pgtest.Exec(t, address, "DROP OWNED BY "+role+"; DROP ROLE "+role) })

	s := open(t, pgtest.WithUser(t, address, role, "p"), postgres.Options{})
	if snapshot, err := s.Load(t.Context(), nil); err != nil || snapshot.Revision != 1 {
		t.Errorf("reading: %v", err)
	}
	if err := add(t.Context(), s, "b"); !errors.Is(err, rollout.ErrUnavailable) || !strings.Contains(err.Error(), "grant this role") {
		t.Errorf("writing: %v, want ErrUnavailable with the grants", err)
	}
}

func TestReadOnlyReplicaIsToldSo(t *testing.T) {
	address := pgtest.URL(t)
	mustAdd(t, open(t, address, postgres.Options{}), "a")
	replica := address + "?default_transaction_read_only=on"
	s := open(t, replica, postgres.Options{})
	if _, err := s.Load(t.Context(), nil); err != nil {
		t.Errorf("reading: %v", err)
	}
	for what, err := range map[string]error{"edit": add(t.Context(), s, "b"), "heartbeat": s.Heartbeat(t.Context(), fleet.Instance{Name: "i"})} {
		if !errors.Is(err, rollout.ErrUnavailable) || !strings.Contains(err.Error(), "read-only replica") {
			t.Errorf("%s: %v, want ErrUnavailable about a replica", what, err)
		}
	}
}

func TestLockedStoreIsUnavailableInTime(t *testing.T) {
	address := pgtest.URL(t)
	s := open(t, address, postgres.Options{})
	conn := pgtest.Connect(t, address)
	if _, err := conn.Exec(t.Context(), "BEGIN; SELECT 1 FROM store FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := add(ctx, s, "a"); !errors.Is(err, rollout.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("behind a lock: %v, want ErrUnavailable by the deadline", err)
	}
	if _, err := s.Load(t.Context(), nil); err != nil {
		t.Errorf("reading beside the lock: %v", err)
	}
	if _, err := conn.Exec(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	mustAdd(t, s, "a")
}

func mustParse(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
