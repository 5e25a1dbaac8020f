package stats_test

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/stats"
)

func sorted(counts []stats.Count) []stats.Count {
	return slices.SortedFunc(slices.Values(counts), func(a, b stats.Count) int {
		return cmp.Or(cmp.Compare(a.Route, b.Route), cmp.Compare(a.Side, b.Side))
	})
}

func equal(t *testing.T, got, want []stats.Count) {
	t.Helper()
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

func TestMethodsThatMayChangeSomethingAreUnsafe(t *testing.T) {
	counts := stats.New()
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "TRACE", "POST", "PUT", "PATCH", "DELETE", "PROPFIND", "get"} {
		counts.Lane("orders", "new").Add(method)
	}
	counts.Lane("orders", "legacy").Add("GET")
	counts.Lane("quiet", "new")
	equal(t, sorted(counts.Drain()), []stats.Count{
		{Route: "orders", Side: "legacy", Requests: 1},
		{Route: "orders", Side: "new", Requests: 10, Unsafe: 6},
	})
	equal(t, counts.Drain(), nil)
}

func TestNothingIsLostBetweenDrains(t *testing.T) {
	counts := stats.New()
	var adding sync.WaitGroup
	for range 4 {
		adding.Go(func() {
			for range 1000 {
				counts.Lane("orders", "new").Add("POST")
			}
		})
	}
	var requests, unsafe uint64
	for range 100 {
		for _, c := range counts.Drain() {
			requests, unsafe = requests+c.Requests, unsafe+c.Unsafe
		}
	}
	adding.Wait()
	for _, c := range counts.Drain() {
		requests, unsafe = requests+c.Requests, unsafe+c.Unsafe
	}
	if requests != 4000 || unsafe != 4000 {
		t.Errorf("%d requests and %d unsafe ones, want 4000 of each", requests, unsafe)
	}
}

func TestCountingAllocatesNothing(t *testing.T) {
	lane := stats.New().Lane("orders", "new")
	if n := testing.AllocsPerRun(100, func() { lane.Add("POST") }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// sink is a store whose errors a test chooses.
type sink struct {
	errs   []error // of one call after the other; then none
	calls  [][]stats.Count
	folded int
}

func (s *sink) AddCounts(_ context.Context, instance string, counts []stats.Count) error {
	if instance != "router-1" {
		return errors.New("another instance")
	}
	s.calls = append(s.calls, sorted(counts))
	if n := len(s.calls); n <= len(s.errs) {
		return s.errs[n-1]
	}
	return nil
}

func (s *sink) FoldCounts(context.Context) error {
	s.folded++
	return nil
}

// running runs a flusher for as long as the test.
func running(t *testing.T, to *sink) (counts *stats.Counts, stop func()) {
	t.Helper()
	counts = stats.New()
	flusher := &stats.Flusher{Counts: counts, Sink: to, Instance: "router-1", Logger: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { flusher.Run(ctx); close(done) }()
	return counts, func() { cancel(); <-done }
}

func TestCountsAreWrittenEveryFiveSecondsAndAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &sink{}
		counts, stop := running(t, to)
		lane := counts.Lane("orders", "new")
		lane.Add("POST")
		time.Sleep(6 * time.Second)
		time.Sleep(5 * time.Second) // nothing was counted: nothing is written
		lane.Add("GET")
		stop()
		want := [][]stats.Count{{{Route: "orders", Side: "new", Requests: 1, Unsafe: 1}}, {{Route: "orders", Side: "new", Requests: 1}}}
		if diff := gocmp.Diff(want, to.calls); diff != "" {
			t.Errorf("writes (-want +got):\n%s", diff)
		}
	})
}

func TestWhatWasNotWrittenIsWrittenLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		away := errors.New("away")
		to := &sink{errs: []error{away, away, stats.ErrUncertain}}
		counts, stop := running(t, to)
		counts.Lane("orders", "new").Add("POST")
		time.Sleep(6 * time.Second)
		counts.Lane("orders", "new").Add("GET")
		time.Sleep(10 * time.Second)
		stop()
		if len(to.calls) != 3 {
			t.Fatalf("%d writes, want 3: after the uncertain one nothing is left", len(to.calls))
		}
		equal(t, to.calls[2], []stats.Count{{Route: "orders", Side: "new", Requests: 2, Unsafe: 1}})
	})
}

func TestOldCountsAreFoldedEveryHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &sink{}
		_, stop := running(t, to)
		time.Sleep(150 * time.Minute)
		stop()
		if to.folded != 2 {
			t.Errorf("folded %d times in two and a half hours, want 2", to.folded)
		}
	})
}
