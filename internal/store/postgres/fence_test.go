package postgres_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/notify"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/rollout/autopilot"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
	"github.com/stranglerfig/strangler/internal/store/pgtest"
	"github.com/stranglerfig/strangler/internal/store/postgres"
	"github.com/stranglerfig/strangler/internal/store/storetest"
)

func BenchmarkDossiers(b *testing.B) {
	storetest.BenchmarkDossiers(b, storetest.Backend{URL: pgtest.URL, DB: raw})
}

// grouped is a store with two routes, and the lease of a.
func grouped(t *testing.T, address string) (*postgres.Store, autopilot.Lease) {
	t.Helper()
	s := open(t, address, postgres.Options{})
	_, err := s.Edit(t.Context(), spec.Edit{Verb: rollout.VerbSeed, Actor: "ana"}, func(spec.Current) (spec.Definitions, error) {
		return spec.Definitions{Routes: []spec.Route{
			{Name: "cart", Legacy: "monolith", New: "orders", Group: "users"}, {Name: "till", Legacy: "monolith", New: "orders", Group: "users"},
		}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	lease, err := s.Lease(t.Context(), "a", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return s, lease
}

// stepped is a step of the whole group; at its second route it calls meanwhile.
func stepped(t *testing.T, s *postgres.Store, fence rollout.Fence, meanwhile func()) error {
	t.Helper()
	_, err := s.Change(t.Context(), rollout.Selection{Group: "users", Fence: &fence}, func(r rollout.Record) (rollout.Decision, error) {
		if r.Route == "till" {
			meanwhile()
		}
		return rollout.Decision{
			Changed: true, Next: rollout.State{Stage: routing.StageCanary, Weight: 500},
			Event: rollout.Event{Verb: rollout.VerbPromote, Actor: "autopilot", Cause: rollout.CauseAutopilot},
		}, nil
	})
	return err
}

// weights of both routes, and how many events tell of steps.
func weights(t *testing.T, s *postgres.Store) (cart, till routing.Weight, events int) {
	t.Helper()
	snapshot, err := s.Load(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	history, err := s.Events(t.Context(), rollout.EventQuery{After: 2})
	if err != nil {
		t.Fatal(err)
	}
	return snapshot.Routes[0].Weight, snapshot.Routes[1].Weight, len(history)
}

func TestAServerStoppedInTheMiddleOfAStepLeavesNothingOfIt(t *testing.T) {
	server := pgtest.New(t)
	s, lease := grouped(t, server.URL("postgres"))
	err := stepped(t, s, lease.Fence, func() { server.Stop(t) })
	if !errors.Is(err, rollout.ErrUnavailable) || errors.Is(err, rollout.ErrUncertain) || errors.Is(err, rollout.ErrFenced) {
		t.Errorf("error %v, want ErrUnavailable", err)
	}
	_, leaseErr := s.Lease(t.Context(), "a", time.Hour)
	_, currentErr := s.CurrentLease(t.Context())
	_, dossiersErr := s.Dossiers(t.Context(), nil)
	_, placesErr := s.Places(t.Context())
	for what, err := range map[string]error{
		"lease": leaseErr, "current lease": currentErr, "dossiers": dossiersErr, "places": placesErr, "release": s.Release(t.Context(), lease.Fence),
		"keep dossiers": s.KeepDossiers(t.Context(), lease.Fence, []autopilot.Dossier{{Route: "cart"}}),
		"keep place":    s.KeepPlace(t.Context(), lease.Fence, notify.Place{Webhook: "oncall"}),
	} {
		if !errors.Is(err, rollout.ErrUnavailable) {
			t.Errorf("%s while the server is away: %v, want ErrUnavailable", what, err)
		}
	}
	server.Start(t)
	if cart, till, events := weights(t, s); cart != 0 || till != 0 || events != 0 {
		t.Errorf("cart at %s, till at %s, %d events: want nothing", cart, till, events)
	}
	if err := stepped(t, s, lease.Fence, func() {}); err != nil {
		t.Errorf("by the same lease afterwards: %v", err)
	}
	if cart, till, events := weights(t, s); cart != 500 || till != 500 || events != 2 {
		t.Errorf("cart at %s, till at %s, %d events: want one step of both", cart, till, events)
	}
}

// TestAStepWithoutAnAnswerIsThereAsAWhole breaks the line when the commit is on
// its way.
func TestAStepWithoutAnAnswerIsThereAsAWhole(t *testing.T) {
	address := pgtest.URL(t)
	direct, lease := grouped(t, address)
	line := newLine(t, address)
	line.last = "commit\x00"
	s := open(t, line.address, postgres.Options{})
	if err := stepped(t, s, lease.Fence, func() { line.armed.Store(true) }); !errors.Is(err, rollout.ErrUncertain) {
		t.Errorf("error %v, want ErrUncertain", err)
	}
	// Whoever takes the lease over waits for what is under way.
	if err := direct.Release(t.Context(), lease.Fence); err != nil {
		t.Fatal(err)
	}
	if cart, till, events := weights(t, direct); cart != 500 || till != 500 || events != 2 {
		t.Errorf("cart at %s, till at %s, %d events: want the whole step", cart, till, events)
	}
}
