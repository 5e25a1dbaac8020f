package shadow_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow"
)

// asking is a side whose answers a test chooses.
type asking func(ctx context.Context, r *shadow.Request, body *shadow.Copy) shadow.Reply

func (a asking) Ask(ctx context.Context, r *shadow.Request, body *shadow.Copy) shadow.Reply {
	return a(ctx, r, body)
}

// says answers every request with a status and a JSON body.
func says(body string) asking {
	return func(_ context.Context, r *shadow.Request, copied *shadow.Copy) shadow.Reply {
		if r.Method != "HEAD" {
			_, _ = copied.Write([]byte(body))
		}
		return shadow.Reply{Status: 200, Header: header("Content-Type", "application/json")}
	}
}

func header(name, value string) map[string][]string { return map[string][]string{name: {value}} }

// meter counts by word.
type meter struct {
	mu    sync.Mutex
	words map[string]int // guarded by mu
}

func (m *meter) add(word string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.words[word]++
}
func (m *meter) Compared(result string)           { m.add(result) }
func (m *meter) Skipped(reason string)            { m.add(reason) }
func (m *meter) Took(routing.Side, time.Duration) {}

// stand is an engine with one route in service.
type stand struct {
	t         *testing.T
	engine    *shadow.Engine
	collector *shadow.Collector
	meter     *meter
	lane      *shadow.Lane
	sides     shadow.Sides
}

// setUp makes an engine; change may be nil.
func setUp(t *testing.T, sides shadow.Sides, change func(*shadow.Policy)) *stand {
	t.Helper()
	s := &stand{t: t, collector: shadow.NewCollector(shadow.CollectorConfig{Instance: "router-1"}), meter: &meter{words: make(map[string]int)}, sides: sides}
	s.collector.SetRoutes(map[string]shadow.RouteSettings{"orders": {Redactor: hider{}}})
	s.engine = shadow.NewEngine(shadow.Config{Budget: shadow.NewBudget(1 << 20), Collector: s.collector, Logger: slog.New(slog.DiscardHandler)})
	t.Cleanup(s.engine.Close)
	s.use(change)
	return s
}

// use puts another policy into service.
func (s *stand) use(change func(*shadow.Policy)) {
	policy := shadow.DefaultPolicy()
	if change != nil {
		change(&policy)
	}
	s.lane = s.engine.Lane(shadow.Settings{
		Route: "orders", Policy: policy, Meter: s.meter,
		Breakers: [2]guard.BreakerPolicy{guard.LegacyBreaker(), guard.NewSideBreaker()},
	})
	s.engine.Adopt([]shadow.Adopted{{Lane: s.lane, Sides: [2]shadow.Sides{s.sides, s.sides}}})
}

// get is a request that legacy serves.
func get(path string) *shadow.Head { return &shadow.Head{Method: "GET", Path: path} }

// serve has a client served with a body, and the request shadowed.
func (s *stand) serve(head *shadow.Head, body string) {
	job := s.begin(head)
	job.Answered(200, header("Content-Type", "application/json"), int64(len(body)))
	job.Write([]byte(body))
	job.Served("", time.Now())
}

func (s *stand) begin(head *shadow.Head) *shadow.Job {
	job := s.lane.Begin(head, &s.sides, time.Now())
	job.Offer(shadow.Request{Method: head.Method, Scheme: "http", Host: "shop.example", Target: head.Path, Header: head.Header})
	return job
}

// settle waits for what is under way, and checks that every byte came back.
func (s *stand) settle() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer cancel()
	if err := s.engine.Settle(ctx); err != nil {
		s.t.Fatalf("not settled: %v", err)
	}
	if used := s.engine.Budget().Used(); used != 0 {
		s.t.Errorf("%d bytes are still reserved", used)
	}
}

// results is what was counted of the route, signatures left out.
func (s *stand) results() map[string]uint64 {
	got := make(map[string]uint64)
	for _, tally := range s.collector.Drain().Tallies {
		switch {
		case strings.HasPrefix(tally.Result, shadow.PrefixSet):
			got["mismatch"] += tally.N
		case !strings.HasPrefix(tally.Result, shadow.PrefixSignature):
			got[tally.Result] += tally.N
		}
	}
	return got
}

func (s *stand) want(want map[string]uint64) {
	s.t.Helper()
	s.settle()
	if diff := cmp.Diff(want, s.results()); diff != "" {
		s.t.Errorf("results (-want +got):\n%s", diff)
	}
}
