package telemetry_test

import (
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/telemetry"
)

func TestComparisonsAreCountedByRoute(t *testing.T) {
	m := telemetry.New("")
	m.SetTable(1, table(map[string]routing.Weight{"orders": 0, "quiet": 0}))
	m.Shadow("quiet")
	shadow := m.Shadow("orders")
	for range 3 {
		shadow.Compared("match")
	}
	shadow.Compared("mismatch")
	shadow.Skipped("method")
	shadow.Skipped("too_large")
	shadow.Skipped("method")
	shadow.Took(routing.New, 2*time.Second)
	shadow.Took(routing.New, 1*time.Second)

	want := always(1, 0)
	want[`strangler_route_weight_ratio{route="orders"}`] = 0
	want[`strangler_route_weight_ratio{route="quiet"}`] = 0
	want[`strangler_shadow_comparisons_total{result="match",route="orders"}`] = 3
	want[`strangler_shadow_comparisons_total{result="mismatch",route="orders"}`] = 1
	want[`strangler_shadow_comparisons_total{result="skipped",route="orders"}`] = 3
	want[`strangler_shadow_skipped_total{reason="method",route="orders"}`] = 2
	want[`strangler_shadow_skipped_total{reason="too_large",route="orders"}`] = 1
	want[`strangler_shadow_request_duration_seconds_sum{route="orders",side="new"}`] = 3
	want[`strangler_shadow_request_duration_seconds_count{route="orders",side="new"}`] = 2
	wantSeries(t, m, want)
}

// A shadow request may outlive its route, and the route may come back.
func TestComparisonsGoWithTheirRoute(t *testing.T) {
	m := telemetry.New("")
	with := map[string]routing.Weight{"orders": 0}
	m.SetTable(1, table(with))
	shadow := m.Shadow("orders")
	everything := func() {
		shadow.Compared("match")
		shadow.Skipped("dropped")
		shadow.Took(routing.Legacy, time.Second)
	}
	everything()
	m.SetTable(2, table(nil))
	everything()
	if page := text(t, m); strings.Contains(page, `"orders"`) {
		t.Errorf("the route is gone, and there are still series of it:\n%s", page)
	}
	m.SetTable(3, table(with))
	everything()
	if m.Shadow("orders") != shadow {
		t.Error("other counters for the same route")
	}
	if n := scrape(t, m)[`strangler_shadow_comparisons_total{result="match",route="orders"}`]; n != 1 {
		t.Errorf("%v matches, want a fresh count with one", n)
	}
}

func TestCountingComparisonsAllocatesNothing(t *testing.T) {
	m := telemetry.New("")
	m.SetTable(1, table(map[string]routing.Weight{"orders": 0}))
	shadow := m.Shadow("orders")
	count := func() {
		shadow.Compared("match")
		shadow.Skipped("method")
		shadow.Took(routing.New, time.Millisecond)
	}
	count()
	if n := testing.AllocsPerRun(100, count); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestComparisonsAndTablesAtOnce(t *testing.T) {
	m := telemetry.New("")
	with, without := map[string]routing.Weight{"r": 0, "s": 0}, map[string]routing.Weight{"s": 0}
	m.SetTable(1, table(with))
	const workers, each = 4, 1000
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range each {
				for _, route := range []string{"r", "s"} {
					shadow := m.Shadow(route)
					shadow.Compared("mismatch")
					shadow.Skipped("memory")
					shadow.Took(routing.New, time.Millisecond)
				}
			}
		})
	}
	wg.Go(func() {
		for i := range 200 {
			m.SetTable(routing.Revision(i+2), table([]map[string]routing.Weight{with, without}[i%2]))
			runtime.Gosched()
		}
	})
	wg.Wait()
	m.SetTable(300, table(without))
	got := scrape(t, m)
	for name, want := range map[string]float64{
		`strangler_shadow_comparisons_total{result="mismatch",route="s"}`:          workers * each,
		`strangler_shadow_comparisons_total{result="skipped",route="s"}`:           workers * each,
		`strangler_shadow_skipped_total{reason="memory",route="s"}`:                workers * each,
		`strangler_shadow_request_duration_seconds_count{route="s",side="new"}`:    workers * each,
		`strangler_shadow_request_duration_seconds_count{route="s",side="legacy"}`: 0,
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	if page := text(t, m); strings.Contains(page, `route="r"`) {
		t.Errorf("left behind:\n%s", page)
	}
}

func TestScrapeShowsTheShadowLanes(t *testing.T) {
	m := telemetry.New("")
	m.Shadow("orders").Compared("match")
	m.Shadow("quiet")
	m.ShadowState(func() telemetry.ShadowState {
		return telemetry.ShadowState{Copied: 1000, Limit: 64 << 20, Lanes: []telemetry.ShadowLane{
			{Route: "orders", InFlight: 16, Queued: 200, Breakers: [2]guard.State{routing.Legacy: guard.HalfOpen, routing.New: guard.Open}},
			{Route: "quiet"},
			{Route: "unknown"},
		}}
	})
	want := always(0, 0)
	want[`strangler_shadow_comparisons_total{result="match",route="orders"}`] = 1
	want["strangler_shadow_copied_bytes"] = 1000
	want["strangler_shadow_copied_limit_bytes"] = 67108864
	want[`strangler_shadow_breaker_state{route="orders",side="new"}`] = 2
	want[`strangler_shadow_breaker_state{route="orders",side="legacy"}`] = 1
	want[`strangler_shadow_in_flight{route="orders"}`] = 16
	want[`strangler_shadow_queued{route="orders"}`] = 200
	wantSeries(t, m, want)
}
