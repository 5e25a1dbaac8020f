package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/store/pgtest"
	"github.com/stranglerfig/strangler/internal/store/postgres"
	"github.com/stranglerfig/strangler/internal/store/storetest"
)

func BenchmarkEvidence(b *testing.B) {
	storetest.BenchmarkEvidence(b, storetest.Backend{URL: pgtest.URL, DB: raw})
}

// matches is a batch of one match of each route.
func matches(routes ...string) shadow.Batch {
	var batch shadow.Batch
	for _, route := range routes {
		batch.Epochs = append(batch.Epochs, shadow.Epoch{Route: route, ID: "e1", Began: time.Now(), Last: time.Now()})
		batch.Tallies = append(batch.Tallies, shadow.Tally{Route: route, Epoch: "e1", Result: shadow.ResultMatch, N: 1})
	}
	return batch
}

// matched is how many matches of a route are in the store.
func matched(ctx context.Context, t *testing.T, s *postgres.Store, route string) (n uint64) {
	t.Helper()
	found, err := s.Evidence(ctx, shadow.Query{Routes: []string{route}})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range found {
		for _, tally := range e.Tallies {
			n += tally.N
		}
	}
	return n
}

// TestLostAnswerToEvidenceIsUncertain breaks the line when the commit is on its way.
func TestLostAnswerToEvidenceIsUncertain(t *testing.T) {
	address := pgtest.URL(t)
	direct := open(t, address, postgres.Options{})
	line := newLine(t, address)
	line.last = "commit\x00"
	s := open(t, line.address, postgres.Options{})
	line.armed.Store(true)
	err := s.AddEvidence(t.Context(), matches("orders"))
	if !errors.Is(err, shadow.ErrUncertain) || errors.Is(err, rollout.ErrUnavailable) {
		t.Errorf("error %v, want ErrUncertain", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	for matched(ctx, t, direct, "orders") != 1 { // it fails when ctx ends: the commit that arrived was made
	}
}

// TestWhoWritesEvidenceHoldsUpNobodyElse lets another session hold a route.
func TestWhoWritesEvidenceHoldsUpNobodyElse(t *testing.T) {
	address := pgtest.URL(t)
	s := open(t, with(t, address, "lock_timeout", "50ms"), postgres.Options{})
	if err := s.AddEvidence(t.Context(), matches("cart", "orders")); err != nil {
		t.Fatal(err)
	}
	other, err := pgtest.Connect(t, address).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec(t.Context(), "SELECT 1 FROM shadow_routes WHERE route = 'orders' FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"a verb":                    add(t.Context(), s, "a"),
		"evidence of another route": s.AddEvidence(t.Context(), matches("cart")),
	} {
		if err != nil {
			t.Errorf("%s: %v, want it not to wait", what, err)
		}
	}
	if n := matched(t.Context(), t, s, "orders"); n != 1 {
		t.Errorf("a reader sees %d matches, want 1 without waiting", n)
	}
	for what, err := range map[string]error{"evidence": s.AddEvidence(t.Context(), matches("cart", "orders")), "folding": s.FoldEvidence(t.Context())} {
		if !errors.Is(err, rollout.ErrUnavailable) || errors.Is(err, shadow.ErrUncertain) {
			t.Errorf("%s of the same route: %v, want ErrUnavailable", what, err)
		}
	}
	if err := other.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := matched(t.Context(), t, s, "cart"); n != 2 {
		t.Errorf("%d matches, want 2: of a batch that failed nothing is there", n)
	}
}
