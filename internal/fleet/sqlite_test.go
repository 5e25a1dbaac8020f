package fleet_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
	"github.com/stranglerfig/strangler/internal/store"
)

const patience = 10 * time.Second // of tests over a real store, before they give up

// openSQLite opens a store in a file, with the definitions of snapshot in it.
func openSQLite(t *testing.T) store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "strangler.db"), store.Options{Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	_, err = s.Edit(t.Context(), spec.Edit{Verb: rollout.VerbApply, Actor: "ana"}, func(spec.Current) (spec.Definitions, error) {
		return snapshot(1, 0).Definitions, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// move puts the route at a weight and returns the revision of that.
func move(t *testing.T, s store.Store, weight routing.Weight) routing.Revision {
	t.Helper()
	next := rollout.State{Stage: routing.StageCanary, Weight: weight, Hold: rollout.Hold{
		Kind: rollout.HoldPaused, Reason: "<b>&\u2028", Evidence: json.RawMessage(`{"a": [1, 2], "b": "<&>"}`),
	}}
	done, err := s.Change(t.Context(), rollout.Selection{Routes: []string{"orders-get"}}, func(rollout.Record) (rollout.Decision, error) {
		return rollout.Decision{Changed: true, Next: next, Event: rollout.Event{Verb: rollout.VerbPromote, Actor: "ana", Cause: rollout.CauseOperator}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return done.Revision
}

// watching is a watcher over a real store; applied has what reached the data plane.
type watching struct {
	*fleet.Watcher
	applied chan *fleet.Snapshot
	stop    func()
}

func watchStore(t *testing.T, source fleet.Source, folder string) *watching {
	t.Helper()
	w := &watching{applied: make(chan *fleet.Snapshot, 100)}
	w.Watcher = fleet.NewWatcher(fleet.Config{
		Source: source, StateDir: folder, Instance: "shop-1:8080", Version: "1.2.3", Logger: slog.New(slog.DiscardHandler),
		Apply: func(s *fleet.Snapshot) <-chan struct{} {
			w.applied <- s
			done := make(chan struct{})
			close(done)
			return done
		},
		PollEvery: time.Hour, // what arrives was notified
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	w.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	return w
}

func (w *watching) receive(t *testing.T, want routing.Revision) *fleet.Snapshot {
	t.Helper()
	select {
	case s := <-w.applied:
		if s.Revision != want {
			t.Fatalf("revision %d was applied, want %d", s.Revision, want)
		}
		return s
	case <-time.After(patience):
		t.Fatalf("revision %d did not arrive; status %+v", want, w.Status())
		return nil
	}
}

// instance waits until the store knows the one instance to be as wanted.
func instance(t *testing.T, s store.Store, wanted func(fleet.Instance) bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		instances, err := s.Instances(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(instances) == 1 && wanted(instances[0]) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("instances %+v", instances)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestOverSQLite(t *testing.T) {
	s, folder := openSQLite(t), t.TempDir()
	w := watchStore(t, s, folder)
	w.receive(t, 1)
	for weight := routing.Weight(1); weight <= 20; weight++ {
		revision := move(t, s, weight)
		if got := w.receive(t, revision).Routes[0].Weight; got != weight {
			t.Fatalf("weight %d at revision %d, want %d", got, revision, weight)
		}
	}
	instance(t, s, func(i fleet.Instance) bool { return i.Revision == 21 && !i.SignedOff && i.Version == "1.2.3" })
	w.stop()
	instance(t, s, func(i fleet.Instance) bool { return i.SignedOff })
	if kept := recall(t, folder); kept.Identity() != w.Current().Identity() {
		t.Errorf("kept %+v, served %+v", kept.Identity(), w.Current().Identity())
	}
}

// However a table came to be, read whole, revision by revision, or from the
// file, its identity is the same: otherwise restarts would raise alarms.
func TestIdentityDoesNotDependOnTheWayOfReading(t *testing.T) {
	s, folder := openSQLite(t), t.TempDir()
	built, err := s.Load(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for weight := routing.Weight(1); weight <= 5; weight++ {
		move(t, s, weight)
		keep(t, folder, built)
		if built, err = s.Load(t.Context(), recall(t, folder)); err != nil {
			t.Fatal(err)
		}
		whole, err := s.Load(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if built.Identity() != whole.Identity() {
			t.Errorf("built from the file and what changed: %+v, read whole: %+v", built.Identity(), whole.Identity())
		}
	}
}
