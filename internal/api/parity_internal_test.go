package api

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout/autopilot"
	"github.com/stranglerfig/strangler/internal/rollout/sequential"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow"
)

type exemplars interface {
	Exemplar(ctx context.Context, id string) (shadow.Exemplar, error)
	Exemplars(ctx context.Context, ids []string) ([]shadow.Exemplar, error)
}

// slowly is a store whose evidence takes a while.
type slowly struct {
	exemplars

	takes time.Duration
	err   error
	reads int
}

func (s *slowly) Evidence(ctx context.Context, _ shadow.Query) ([]shadow.Evidence, error) {
	s.reads++
	select {
	case <-time.After(s.takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if s.err != nil {
		return nil, s.err
	}
	tallies := []shadow.Tally{{Route: "orders", Result: shadow.ResultMatch, N: uint64(s.reads)}}
	return []shadow.Evidence{{Route: "orders", Tallies: tallies}}, nil
}

// A reading that takes long holds no status up, and serves the next ones.
func TestAStatusDoesNotWaitForParity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{Config: Config{Evidence: &slowly{takes: 3 * time.Second}, Logger: slog.New(slog.DiscardHandler)}}
		began := time.Now()
		if got := s.parities(t.Context()); got != nil || time.Since(began) != time.Second {
			t.Errorf("%v after %s", got, time.Since(began))
		}
		time.Sleep(2 * time.Second)
		if got := s.parities(t.Context()); got["orders"].Matched != 1 || time.Since(began) != 3*time.Second {
			t.Errorf("%v after %s", got, time.Since(began))
		}
	})
}

// slowJudge takes a while to ask the gates.
type slowJudge struct{ takes time.Duration }

func (j slowJudge) Judge(ctx context.Context, _ []string) (map[string]autopilot.Assessment, error) {
	select {
	case <-time.After(j.takes):
		return map[string]autopilot.Assessment{"orders": {Verdict: sequential.Pass}}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// starting is a router that serves nothing yet.
type starting struct{ Router }

func (starting) Table() *routing.Table { return nil }

// Both are read at once: a status waits a second for both, not for each.
func TestAStatusWaitsForParityAndGatesTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{Config: Config{Evidence: &slowly{takes: 2500 * time.Millisecond}, Gates: slowJudge{1500 * time.Millisecond}, Router: starting{}, Logger: slog.New(slog.DiscardHandler)}}
		began := time.Now()
		if got := s.evidence(t.Context()); got.compared != nil || got.judged != nil || time.Since(began) != time.Second {
			t.Errorf("%v after %s", got, time.Since(began))
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := s.evidence(t.Context()); got.compared["orders"].Matched != 1 || got.judged["orders"].Verdict != sequential.Pass || time.Since(began) != 2500*time.Millisecond {
			t.Errorf("%v after %s", got, time.Since(began))
		}
	})
}

// Whoever watches a status every second reads the evidence of all routes a tenth
// of the time at most.
func TestParityIsNotReadAllTheTime(t *testing.T) {
	for _, c := range []struct {
		name  string
		takes time.Duration
		err   error
		reads int // in a minute
		known bool
	}{
		{name: "quick", takes: time.Millisecond, reads: 30, known: true},
		{name: "slow", takes: 500 * time.Millisecond, reads: 11, known: true},
		{name: "hanging", takes: time.Hour, reads: 1},
		{name: "away", err: errors.New("connection refused"), reads: 30},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &slowly{takes: c.takes, err: c.err}
				s := &server{Config: Config{Evidence: store, Logger: slog.New(slog.DiscardHandler)}}
				for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(100 * time.Millisecond) {
					if got := s.parities(t.Context()); (got["orders"].Matched > 0) != c.known {
						t.Fatalf("%+v", got)
					}
				}
				if store.reads < c.reads*9/10 || store.reads > c.reads {
					t.Errorf("%d reads in a minute, want about %d", store.reads, c.reads)
				}
			})
		})
	}
}
