package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/stats"
	"github.com/stranglerfig/strangler/internal/store/pgtest"
	"github.com/stranglerfig/strangler/internal/store/postgres"
	"github.com/stranglerfig/strangler/internal/store/storetest"
)

func BenchmarkWindows(b *testing.B) {
	storetest.BenchmarkWindows(b, storetest.Backend{URL: pgtest.URL, DB: raw})
}

// window is one of a route that ended minutes ago.
func window(route string, minutes int) stats.LaneWindow {
	to := time.Now().Add(-time.Duration(minutes) * time.Minute)
	w := stats.Window{From: to.Add(-time.Second), To: to}
	w.Classes[0] = 1
	return stats.LaneWindow{Route: route, Side: "legacy", Window: w}
}

// seen is how many windows of a route are in the store.
func seen(ctx context.Context, t *testing.T, s *postgres.Store, route string) int {
	t.Helper()
	windows, _, err := s.Windows(ctx, stats.WindowQuery{Routes: []string{route}})
	if err != nil {
		t.Fatal(err)
	}
	return len(windows)
}

// TestLostAnswerToWindowsIsUncertain breaks the line when the commit is on its way.
func TestLostAnswerToWindowsIsUncertain(t *testing.T) {
	address := pgtest.URL(t)
	direct := open(t, address, postgres.Options{})
	line := newLine(t, address)
	line.last = "commit\x00"
	s := open(t, line.address, postgres.Options{})
	line.armed.Store(true)
	err := s.AddWindows(t.Context(), "a", []stats.LaneWindow{window("orders", 1)})
	if !errors.Is(err, stats.ErrUncertain) || errors.Is(err, rollout.ErrUnavailable) {
		t.Errorf("error %v, want ErrUncertain", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	for seen(ctx, t, direct, "orders") != 1 { // it fails when ctx ends: the commit that arrived was made
	}
}

// TestWhoFoldsWindowsHoldsUpNobodyElse lets another session fold.
func TestWhoFoldsWindowsHoldsUpNobodyElse(t *testing.T) {
	address := pgtest.URL(t)
	s := open(t, with(t, address, "lock_timeout", "50ms"), postgres.Options{})
	other, err := pgtest.Connect(t, address).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec(t.Context(), "SELECT 1 FROM lane_folding FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"a verb":  add(t.Context(), s, "a"),
		"windows": s.AddWindows(t.Context(), "a", []stats.LaneWindow{window("orders", 5)}),
	} {
		if err != nil {
			t.Errorf("%s: %v, want it not to wait", what, err)
		}
	}
	if n := seen(t.Context(), t, s, "orders"); n != 1 {
		t.Errorf("a reader sees %d windows, want 1 without waiting", n)
	}
	if err := s.FoldWindows(t.Context()); !errors.Is(err, rollout.ErrUnavailable) {
		t.Errorf("folding: %v, want ErrUnavailable", err)
	}
	if err := other.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.FoldWindows(t.Context()); err != nil {
		t.Errorf("folding when the other has ended: %v", err)
	}
	totals, err := s.Totals(t.Context(), []string{"orders"}, time.Time{})
	if err != nil || totals["orders"].Requests != 1 {
		t.Errorf("%+v, %v; want one request", totals, err)
	}
}
