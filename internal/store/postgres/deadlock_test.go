package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/notify"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/spec"
	"github.com/stranglerfig/strangler/internal/store/pgtest"
)

// TestAWebhookIsToldWhileItIsRemoved holds the edit up where it waits for those who
// write by the lease. It may have nothing then that those need: or each waits for
// the other, and the database breaks one of them off.
func TestAWebhookIsToldWhileItIsRemoved(t *testing.T) {
	address := pgtest.URL(t)
	s, lease := grouped(t, address)
	defs := func(webhooks ...spec.Webhook) func(spec.Current) (spec.Definitions, error) {
		return func(current spec.Current) (spec.Definitions, error) {
			current.Definitions.Webhooks = webhooks
			if len(webhooks) == 0 {
				current.Definitions.Routes = current.Definitions.Routes[:1]
			}
			return current.Definitions, nil
		}
	}
	edit := spec.Edit{Verb: rollout.VerbApply, Actor: "ana"}
	if _, err := s.Edit(t.Context(), edit, defs(spec.Webhook{Name: "oncall", URL: "https://hooks.example.com/x"})); err != nil {
		t.Fatal(err)
	}
	other, err := pgtest.Connect(t, address).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec(t.Context(), "SELECT 1 FROM autopilot_lease FOR SHARE"); err != nil {
		t.Fatal(err)
	}
	db := raw(t, address)
	removed := make(chan error, 1)
	go func() {
		_, err := s.Edit(t.Context(), edit, defs())
		removed <- err
	}()
	awaitWaiting(t, db)
	if err := s.KeepPlace(t.Context(), lease.Fence, notify.Place{Webhook: "oncall", Event: 9}); err != nil {
		t.Errorf("the place of a webhook that is being removed: %v, want it not to wait", err)
	}
	if err := other.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-removed; err != nil {
		t.Errorf("the edit: %v", err)
	}
}

// TestWhoWaitsForTheLeaseHoldsUpNobodyForLong lets a router stall while it takes the
// lease: until the server notices, whoever needs the lease for a change has the lock
// that everybody's changes need.
func TestWhoWaitsForTheLeaseHoldsUpNobodyForLong(t *testing.T) {
	address := pgtest.URL(t)
	s, lease := grouped(t, address)
	stalled, err := pgtest.Connect(t, address).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stalled.Exec(t.Context(), "SELECT 1 FROM autopilot_lease FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	db := raw(t, address)
	fewer := func(current spec.Current) (spec.Definitions, error) {
		current.Definitions.Routes = current.Definitions.Routes[:1]
		return current.Definitions, nil
	}
	for what, do := range map[string]func() error{
		"a step": func() error { return stepped(t, s, lease.Fence, func() {}) },
		"an edit": func() error {
			_, err := s.Edit(t.Context(), spec.Edit{Verb: rollout.VerbApply, Actor: "ana"}, fewer)
			return err
		},
	} {
		done := make(chan error, 1)
		go func() { done <- do() }()
		awaitWaiting(t, db)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		if err := add(ctx, s, what); err != nil {
			t.Errorf("a verb beside %s: %v", what, err)
		}
		cancel()
		if err := <-done; !errors.Is(err, rollout.ErrUnavailable) || errors.Is(err, rollout.ErrUncertain) {
			t.Errorf("%s: %v, want ErrUnavailable", what, err)
		}
	}
}

// awaitWaiting waits until a session of a database waits for a lock.
func awaitWaiting(t *testing.T, db *sql.DB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	for n := 0; n == 0; { // it fails when ctx ends
		err := db.QueryRowContext(ctx, `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&n)
		if err != nil {
			t.Fatalf("nobody waits for a lock: %v", err)
		}
	}
}
