package store_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/spec"
	"github.com/stranglerfig/strangler/internal/store"
	"github.com/stranglerfig/strangler/internal/store/pgtest"
)

// onBoth runs a test against a new and empty database of each kind.
func onBoth(t *testing.T, test func(t *testing.T, url string)) {
	t.Run("postgres", func(t *testing.T) { test(t, pgtest.URL(t)) })
	t.Run("sqlite", func(t *testing.T) { test(t, "sqlite:"+filepath.Join(t.TempDir(), "s.db")) })
}

// behind runs a statement behind the store's back.
func behind(t *testing.T, url, statement string) {
	t.Helper()
	driver, source := "pgx/v5", url
	if path, isFile := strings.CutPrefix(url, "sqlite:"); isFile {
		driver, source = "sqlite", path
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Exec(statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func open(t *testing.T, url string, options store.Options) store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), url, options)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func seed(ctx context.Context, s store.Store) error {
	_, err := s.Edit(ctx, spec.Edit{Verb: rollout.VerbSeed, Actor: "test"}, func(current spec.Current) (spec.Definitions, error) {
		current.Definitions.Backends = append(current.Definitions.Backends, spec.Backend{Name: "legacy", Endpoints: []string{"http://127.0.0.1:1"}})
		return current.Definitions, nil
	})
	return err
}

func TestMigratorGoesUpAndDown(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		migrator, err := store.Migrate(url)
		if err != nil {
			t.Fatal(err)
		}
		up, err := migrator.Up(t.Context())
		if err != nil || up.Version != up.Latest || up.Latest < 1 || up.Dirty {
			t.Fatalf("up: %+v, %v; want the latest version", up, err)
		}
		if again, err := migrator.Up(t.Context()); err != nil || again != up {
			t.Errorf("up again: %+v, %v; want %+v", again, err, up)
		}
		if err := seed(t.Context(), open(t, url, store.Options{})); err != nil {
			t.Fatal(err)
		}
		for version := up.Latest; version > 0; version-- {
			down, err := migrator.Down(t.Context())
			if err != nil || down.Version != version-1 || down.Dirty {
				t.Fatalf("down from %d: %+v, %v", version, down, err)
			}
		}
		if bottom, err := migrator.Down(t.Context()); err != nil || bottom.Version != 0 {
			t.Errorf("down from nothing: %+v, %v", bottom, err)
		}
		if status, err := migrator.Status(t.Context()); err != nil || status.Version != 0 || status.Latest != up.Latest {
			t.Errorf("status: %+v, %v; want version 0", status, err)
		}
		if _, err := migrator.Up(t.Context()); err != nil {
			t.Errorf("up after down: %v", err)
		}
	})
}

func TestASchemaInUseIsNotTakenDown(t *testing.T) {
	url := pgtest.URL(t)
	s := open(t, url, store.Options{Migrate: true})
	migrator, err := store.Migrate(url)
	if err != nil {
		t.Fatal(err)
	}
	beat := func(name string, signedOff bool) {
		t.Helper()
		if err := s.Heartbeat(t.Context(), fleet.Instance{Name: name, StartedAt: time.Now(), SignedOff: signedOff}); err != nil {
			t.Fatal(err)
		}
	}
	beat("left", true)
	beat("lost", false)
	behind(t, url, "UPDATE instances SET seen_at = seen_at - interval '61 seconds'")
	beat("b:8080", false)
	beat("a:8080", false)
	_, err = migrator.Down(t.Context())
	if !errors.Is(err, store.ErrInUse) || !strings.Contains(err.Error(), "a:8080, b:8080; nothing was changed") {
		t.Errorf("under routers: %v, want ErrInUse with the two that serve", err)
	}
	if status, err := migrator.Status(t.Context()); err != nil || status.Version != status.Latest {
		t.Errorf("%+v, %v; want it as it was", status, err)
	}
	beat("a:8080", true)
	beat("b:8080", true)
	if down, err := migrator.Down(t.Context()); err != nil || down.Version != down.Latest-1 {
		t.Errorf("when all have signed off: %+v, %v", down, err)
	}
}

func TestOldSchemaIsRefusedWithoutMigrate(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		_, err := store.Open(t.Context(), url, store.Options{})
		if !errors.Is(err, store.ErrOutdated) || !strings.Contains(err.Error(), "strangler migrate up") {
			t.Errorf("error %v, want ErrOutdated with the way out", err)
		}
	})
}

func TestNewerSchemaIsServedAndNotMigrated(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		if err := open(t, url, store.Options{Migrate: true}).Close(); err != nil {
			t.Fatal(err)
		}
		behind(t, url, "UPDATE strangler_migrations SET version = 99")
		behind(t, url, "ALTER TABLE routes ADD COLUMN colour text NOT NULL DEFAULT 'blue'")

		for _, migrate := range []bool{true, false} {
			if _, err := open(t, url, store.Options{Migrate: migrate}).Load(t.Context(), nil); err != nil {
				t.Errorf("a newer schema is not served: %v", err)
			}
		}
		migrator, err := store.Migrate(url)
		if err != nil {
			t.Fatal(err)
		}
		if up, err := migrator.Up(t.Context()); err != nil || up.Version != 99 {
			t.Errorf("up: %+v, %v; want version 99 to stay", up, err)
		}
		if down, err := migrator.Down(t.Context()); !errors.Is(err, store.ErrNewer) || down.Version != 99 {
			t.Errorf("down: %+v, %v; want ErrNewer", down, err)
		}
	})
}

func TestDirtySchemaExplainsTheWayOut(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		migrator, err := store.Migrate(url)
		if err != nil {
			t.Fatal(err)
		}
		up, err := migrator.Up(t.Context())
		for err == nil && up.Version > 1 {
			up, err = migrator.Down(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		behind(t, url, "UPDATE strangler_migrations SET dirty = true")

		_, openErr := store.Open(t.Context(), url, store.Options{Migrate: true})
		_, plainErr := store.Open(t.Context(), url, store.Options{})
		_, upErr := migrator.Up(t.Context())
		_, downErr := migrator.Down(t.Context())
		for what, err := range map[string]error{"open": openErr, "open without migrate": plainErr, "up": upErr, "down": downErr} {
			if !errors.Is(err, store.ErrDirty) || !strings.Contains(err.Error(), "UPDATE strangler_migrations SET dirty = false") ||
				!strings.Contains(err.Error(), "DELETE FROM strangler_migrations") || !strings.Contains(err.Error(), "strangler migrate up") {
				t.Errorf("%s: %v, want ErrDirty with the commands", what, err)
			}
		}
		if status, err := migrator.Status(t.Context()); err != nil || !status.Dirty || status.Version != 1 {
			t.Errorf("status: %+v, %v; want dirty at 1", status, err)
		}
		behind(t, url, "UPDATE strangler_migrations SET dirty = false") // what the message says
		open(t, url, store.Options{Migrate: true})
	})
}

// Routes that are there already stand where they stand since their last change, as
// far as anybody knows.
func TestRoutesOfAnOlderSchemaHaveAStep(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		s := open(t, url, store.Options{Migrate: true})
		if err := seed(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		edited, err := s.Edit(t.Context(), spec.Edit{Verb: rollout.VerbApply, Actor: "test"}, func(current spec.Current) (spec.Definitions, error) {
			current.Definitions.Routes = []spec.Route{{Name: "all", Match: spec.Match{Prefix: "/"}, Legacy: "legacy"}}
			return current.Definitions, nil
		})
		if err != nil || s.Close() != nil {
			t.Fatal(err)
		}
		migrator, err := store.Migrate(url)
		if err != nil {
			t.Fatal(err)
		}
		for version := uint(6); version > 5; {
			down, err := migrator.Down(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			version = down.Version
		}
		loaded, err := open(t, url, store.Options{Migrate: true}).Load(t.Context(), nil)
		if err != nil || loaded.Routes[0].StepRevision != 2 || !loaded.Routes[0].StepAt.Equal(edited.At) {
			t.Errorf("%+v, %v; want step 2 since %s", loaded.Routes, err, edited.At)
		}
	})
}

func TestInterruptedMigrationLeavesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		behind(t, url, "CREATE TABLE tokens (mine int)") // stands in the way of migration 1
		if _, err := store.Open(t.Context(), url, store.Options{Migrate: true}); err == nil || strings.Contains(err.Error(), "CREATE TABLE") {
			t.Fatalf("error %v, want the cause without the text of the migration", err)
		}
		behind(t, url, "DROP TABLE tokens")
		behind(t, url, "DELETE FROM strangler_migrations") // what the message of ErrDirty says
		if _, err := open(t, url, store.Options{Migrate: true}).Load(t.Context(), nil); err != nil {
			t.Errorf("after the way out: %v", err)
		}
	})
}

func TestFourRoutersOpenOneEmptyDatabase(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var all sync.WaitGroup
		ids := make([]string, 4)
		for i := range ids {
			all.Go(func() {
				s, err := store.Open(ctx, url, store.Options{Migrate: true})
				if err != nil {
					t.Errorf("router %d: %v", i, err)
					return
				}
				defer func() { _ = s.Close() }()
				snapshot, err := s.Load(ctx, nil)
				if err != nil {
					t.Errorf("router %d: %v", i, err)
					return
				}
				ids[i] = snapshot.StoreID
			})
		}
		all.Wait()
		for _, id := range ids {
			if id == "" || id != ids[0] {
				t.Errorf("store ids %q, want one and the same", ids)
			}
		}
	})
}
