// Package storetest is the conformance suite that every kind of store passes:
// what routers and people rely on, whatever database is behind it.
package storetest

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
	"github.com/stranglerfig/strangler/internal/store"
)

// Backend is one kind of database.
type Backend struct {
	URL    func(t testing.TB) string              // of a new and empty database
	Listen func(t testing.TB, url string) string  // the same database for LISTEN; nil: no other address
	DB     func(t testing.TB, url string) *sql.DB // the same database behind the store's back
	DayAgo string                                 // SQL: column seen_at of table instances, 25 hours earlier
}

// Run runs the suite.
func Run(t *testing.T, backend Backend) {
	for _, group := range []struct {
		name string
		run  func(*testing.T, Backend)
	}{
		{"Edit", testEdit},
		{"Change", testChange},
		{"Load", testLoad},
		{"Listen", testListen},
		{"Events", testEvents},
		{"Tokens", testTokens},
		{"Instances", testInstances},
		{"Overrides", testOverrides},
		{"Controls", testControls},
		{"Autopilots", testAutopilots},
		{"Steps", testSteps},
		{"Leases", testLeases},
		{"Dossiers", testDossiers},
		{"Webhooks", testWebhooks},
		{"Counts", testCounts},
		{"Evidence", testEvidence},
		{"Overflow", testOverflow},
		{"Exemplars", testExemplars},
		{"Folding", testFolding},
		{"Windows", testWindows},
		{"Spans", testSpans},
		{"Restore", testRestore},
		{"Storm", testStorm},
		{"Text", testText},
		{"Limits", testLimits},
	} {
		t.Run(group.name, func(t *testing.T) { group.run(t, backend) })
	}
}

// fixture is one test's store.
type fixture struct {
	store.Store
	t       *testing.T
	backend Backend
	url     string
}

func open(t *testing.T, backend Backend) *fixture {
	t.Helper()
	f := &fixture{t: t, backend: backend, url: backend.URL(t)}
	f.Store = f.reopen()
	return f
}

// reopen opens the same database as another router would.
func (f *fixture) reopen() store.Store {
	f.t.Helper()
	options := store.Options{Migrate: true, Logger: slog.New(slog.DiscardHandler)}
	if f.backend.Listen != nil {
		options.DatabaseListen = f.backend.Listen(f.t, f.url)
	}
	s, err := store.Open(f.t.Context(), f.url, options)
	if err != nil {
		f.t.Fatalf("open: %v", err)
	}
	f.t.Cleanup(func() {
		if err := s.Close(); err != nil {
			f.t.Errorf("close: %v", err)
		}
	})
	return s
}

// behind runs a statement behind the store's back.
func (f *fixture) behind(statement string) error {
	f.t.Helper()
	_, err := f.backend.DB(f.t, f.url).ExecContext(f.t.Context(), statement)
	return err
}

func (f *fixture) mustBehind(statement string) {
	f.t.Helper()
	if err := f.behind(statement); err != nil {
		f.t.Fatalf("%s: %v", statement, err)
	}
}

// shop is a small set of definitions: two routes that can move, one that cannot.
func shop() spec.Definitions {
	return spec.Definitions{
		Backends: []spec.Backend{
			{Name: "monolith", Endpoints: []string{"http://127.0.0.1:3000"}},
			{Name: "orders", Endpoints: []string{"http://127.0.0.1:4000"}},
		},
		Groups: []spec.Group{{Name: "users", Salt: "0123", Keys: []spec.Key{{Key: routing.Key{Kind: routing.KeyHeader, Name: "X-User-Id"}}}}},
		Routes: []spec.Route{
			{Name: "cart", Match: spec.Match{Prefix: "/cart"}, Legacy: "monolith", New: "orders", Group: "users"},
			{Name: "orders-get", Match: spec.Match{Path: "/orders/{id}", Methods: []string{"GET"}}, Legacy: "monolith", New: "orders", Salt: "ab"},
			{Name: "rest", Match: spec.Match{Prefix: "/"}, Legacy: "monolith"},
		},
	}
}

// applied is a store that holds shop, at revision 1.
func applied(t *testing.T, backend Backend) *fixture {
	t.Helper()
	f := open(t, backend)
	f.apply(shop())
	return f
}

func (f *fixture) apply(defs spec.Definitions) spec.Edited {
	f.t.Helper()
	edited, err := f.Edit(f.t.Context(), spec.Edit{Verb: rollout.VerbApply, Actor: "ana"}, to(defs))
	if err != nil {
		f.t.Fatalf("edit: %v", err)
	}
	return edited
}

// to is a decision for given definitions.
func to(defs spec.Definitions) func(spec.Current) (spec.Definitions, error) {
	return func(spec.Current) (spec.Definitions, error) { return defs, nil }
}

// at is the state of a route with this weight.
func at(weight routing.Weight) rollout.State {
	return rollout.State{Stage: routing.StageCanary, Weight: weight}
}

// moveTo decides to promote to a state.
func moveTo(next rollout.State) func(rollout.Record) (rollout.Decision, error) {
	return func(rollout.Record) (rollout.Decision, error) {
		return rollout.Decision{Changed: true, Next: next, Event: rollout.Event{
			Verb: rollout.VerbPromote, Actor: "ben", Cause: rollout.CauseOperator,
		}}, nil
	}
}

func only(names ...string) rollout.Selection {
	return rollout.Selection{Routes: names}
}

func (f *fixture) move(route string, next rollout.State) rollout.Committed {
	f.t.Helper()
	done, err := f.Change(f.t.Context(), only(route), moveTo(next))
	if err != nil {
		f.t.Fatalf("change: %v", err)
	}
	return done
}

func (f *fixture) load(known *fleet.Snapshot) *fleet.Snapshot {
	f.t.Helper()
	snapshot, err := f.Load(f.t.Context(), known)
	if err != nil {
		f.t.Fatalf("load: %v", err)
	}
	return snapshot
}

func (f *fixture) events(query rollout.EventQuery) []rollout.Event {
	f.t.Helper()
	events, err := f.Events(f.t.Context(), query)
	if err != nil {
		f.t.Fatalf("events: %v", err)
	}
	return events
}

// state of a route as a fresh reader sees it.
func (f *fixture) state(route string) fleet.RouteState {
	f.t.Helper()
	snapshot := f.load(nil)
	for i, r := range snapshot.Definitions.Routes {
		if r.Name == route {
			return snapshot.Routes[i]
		}
	}
	f.t.Fatalf("route %s is not there", route)
	return fleet.RouteState{}
}

// unchanged fails when anything was committed since want was loaded.
func (f *fixture) unchanged(want *fleet.Snapshot) {
	f.t.Helper()
	got := f.load(nil)
	if got.Digest != want.Digest || got.Revision != want.Revision {
		f.t.Errorf("the store is at revision %d, not %d as before: something was changed", got.Revision, want.Revision)
	}
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// errDecide is what a decision fails with in these tests.
var errDecide = errors.New("decided against it")

func conflict(t *testing.T, err error) *rollout.Conflict {
	t.Helper()
	var c *rollout.Conflict
	if !errors.As(err, &c) {
		t.Fatalf("error %v, want a *rollout.Conflict", err)
	}
	return c
}

func cancelled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
