package proxy_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/shadow/redact"
)

// shadower is a router that shadows route orders.
type shadower struct {
	*router
	engine    *shadow.Engine
	collector *shadow.Collector
}

// startShadower runs a router that shadows by a policy, which change may be nil for.
func startShadower(t testing.TB, backends map[string]string, change func(*shadow.Policy), opts ...option) *shadower {
	t.Helper()
	collector := shadow.NewCollector(shadow.CollectorConfig{Instance: "router-1"})
	redactor, err := redact.New(new(auth.RedactionKeys), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	collector.SetRoutes(map[string]shadow.RouteSettings{"orders": {Redactor: redactor}})
	engine := shadow.NewEngine(shadow.Config{
		Budget: shadow.NewBudget(shadow.DefaultBudget), Collector: collector, Logger: slog.New(slog.DiscardHandler),
	})
	policy := shadow.DefaultPolicy()
	if change != nil {
		change(&policy)
	}
	opts = append([]option{func(s *settings) { s.options.Shadows, s.limits.Shadow = engine, &policy }}, opts...)
	t.Cleanup(engine.Close) // after the server, which start ends
	return &shadower{router: start(t, backends, opts...), engine: engine, collector: collector}
}

// shadowing is route orders, in a stage.
func shadowing(stage routing.Stage, weight routing.Weight) routing.Definition {
	d := canary("/", weight)
	d.Assigned.Stage = stage
	return d
}

// want waits for what is under way and checks what was counted.
func (s *shadower) want(want map[string]uint64) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.engine.Settle(ctx); err != nil {
		s.t.Fatalf("not settled: %v", err)
	}
	got := make(map[string]uint64)
	for _, tally := range s.collector.Drain().Tallies {
		switch {
		case strings.HasPrefix(tally.Result, shadow.PrefixSet):
			got["mismatch"] += tally.N
		case !strings.HasPrefix(tally.Result, shadow.PrefixSignature):
			got[strings.TrimPrefix(tally.Result, shadow.PrefixSkipped)] += tally.N
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Errorf("results (-want +got):\n%s", diff)
	}
	if used := s.engine.Budget().Used(); used != 0 {
		s.t.Errorf("%d bytes are still reserved", used)
	}
}

// received is a backend that answers with a body, and keeps what reached it.
type received struct {
	mu       sync.Mutex
	requests []*http.Request // guarded by mu
	bodies   []string        // guarded by mu
}

func (r *received) serve(answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		r.requests, r.bodies = append(r.requests, req), append(r.bodies, string(body))
		r.mu.Unlock()
		answer(w, req)
	}
}

// all returns what reached it so far.
func (r *received) all() ([]*http.Request, []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests), slices.Clone(r.bodies)
}

func plainly(contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, body)
	}
}
