package telemetry_test

import (
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/telemetry"
)

func TestQuietLanesHaveNoSeries(t *testing.T) {
	m := telemetry.New("")
	for i := range 1000 {
		m.Lane("route-"+strconv.Itoa(i), routing.New)
	}
	wantSeries(t, m, always(0, 0))
}

func TestVanishedRouteLeavesNothingBehind(t *testing.T) {
	m := telemetry.New("")
	both := map[string]routing.Weight{"kept": 10000, "gone": 1}
	m.SetTable(1, table(both))
	for _, route := range []string{"kept", "gone"} {
		for _, side := range []routing.Side{routing.Legacy, routing.New} {
			pass(m.Lane(route, side), served())
		}
	}
	m.SetTable(2, table(map[string]routing.Weight{"kept": 10000}))
	page := text(t, m)
	if strings.Contains(page, `"gone"`) {
		t.Errorf("there are still series of the route:\n%s", page)
	}
	if n := scrape(t, m)[`strangler_requests_total{code="200",method="GET",route="kept",side="new"}`]; n != 1 {
		t.Errorf("the other route's count is %v", n)
	}
}

// An exchange may outlive its route; and the route may come back meanwhile.
func TestExchangeThatOutlivesItsRoute(t *testing.T) {
	m := telemetry.New("")
	with, without := map[string]routing.Weight{"r": 100}, map[string]routing.Weight{}
	m.SetTable(1, table(with))
	lane := m.Lane("r", routing.New)
	pass(lane, served())
	lane.Begin()
	lane.Begin()

	m.SetTable(2, table(without))
	lane.End(served())
	page := scrape(t, m)
	if n := page[`strangler_requests_in_flight{route="r",side="new"}`]; n != 1 {
		t.Errorf("%v in flight, want the one that is still under way", n)
	}
	delete(page, `strangler_requests_in_flight{route="r",side="new"}`)
	if len(page) != 2 {
		t.Errorf("the exchange brought series back: %v", page)
	}

	m.SetTable(3, table(with))
	if m.Lane("r", routing.New) != lane {
		t.Error("another lane for the same pair")
	}
	lane.End(served())
	page = scrape(t, m)
	if n := page[`strangler_requests_total{code="200",method="GET",route="r",side="new"}`]; n != 1 {
		t.Errorf("%v requests, want a fresh count with one", n)
	}
	if n := page[`strangler_requests_in_flight{route="r",side="new"}`]; n != 0 {
		t.Errorf("%v in flight", n)
	}
}

// The proxy keeps its lanes when only weights move, and so calls Lane no more.
func TestRouteThatComesBackIsCountedWithoutAskingForItsLane(t *testing.T) {
	m := telemetry.New("")
	with := map[string]routing.Weight{"r": 100}
	m.SetTable(1, table(with))
	lane := m.Lane("r", routing.New)
	m.SetTable(2, table(nil))
	m.SetTable(3, table(with))
	pass(lane, served())
	if n := scrape(t, m)[`strangler_requests_total{code="200",method="GET",route="r",side="new"}`]; n != 1 {
		t.Errorf("%v requests", n)
	}
}

func TestLanesAndTablesAtOnce(t *testing.T) {
	m := telemetry.New("")
	with, without := map[string]routing.Weight{"r": 100, "s": 0}, map[string]routing.Weight{"s": 0}
	const workers, each = 4, 2000
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := range each {
				for _, lane := range []*telemetry.Lane{m.Lane("s", routing.Legacy), m.Lane("r", routing.New)} {
					x := served()
					x.Status = 200 + i%50
					pass(lane, x)
				}
			}
		})
	}
	wg.Go(func() {
		for i := range 200 {
			m.SetTable(routing.Revision(i), table([]map[string]routing.Weight{with, without}[i%2]))
			runtime.Gosched()
		}
	})
	wg.Wait()
	m.SetTable(201, table(without))
	total := 0.0
	for name, value := range scrape(t, m) {
		if strings.Contains(name, `route="r"`) || strings.Contains(name, "in_flight") && value != 0 {
			t.Errorf("left behind: %s %v", name, value)
		}
		if strings.HasPrefix(name, "strangler_requests_total{") {
			total += value
		}
	}
	if total != workers*each {
		t.Errorf("%v requests of the route that stayed, want %d", total, workers*each)
	}
}
