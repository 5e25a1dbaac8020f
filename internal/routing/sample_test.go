package routing_test

import (
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"testing"

	"github.com/stranglerfig/strangler/internal/routing"
)

// sampled compiles one route in canary whose cohorts go by X-User.
func sampled(t *testing.T, keys ...routing.Key) (*routing.Table, *routing.Route) {
	t.Helper()
	table := routing.Compile(1, []routing.Definition{{
		Name: "r", Match: routing.Match{Prefix: "/"}, Legacy: "a", New: "b",
		Group:    routing.Group{Name: "r", Salt: "s", Keys: keys},
		Assigned: routing.Assigned{Stage: routing.StageCanary, Weight: 5000},
	}})
	route := table.Match(&routing.Request{Method: "GET", Path: "/"})
	if route == nil {
		t.Fatalf("the route is invalid: %v", table.Invalid())
	}
	return table, route
}

func TestASampleIsFairAndHasNothingToDoWithTheWeight(t *testing.T) {
	table, route := sampled(t, routing.Key{Kind: routing.KeyHeader, Name: "X-User"})
	const visitors, share = 20000, 1000 // 10 %
	var taken, onNew int
	for i := range visitors {
		req := routing.Request{Method: "GET", Path: "/", Header: http.Header{"X-User": {strconv.Itoa(i)}}}
		if route.SamplePoint(&req) >= share {
			continue
		}
		taken++
		if table.Assign(route, &req).Side == routing.New {
			onNew++
		}
	}
	// Four standard deviations of a binomial distribution.
	if off := math.Abs(float64(taken) - visitors/10); off > 4*math.Sqrt(visitors*0.09) {
		t.Errorf("%d of %d visitors are in a sample of 10 %%", taken, visitors)
	}
	if off := math.Abs(float64(onNew) - float64(taken)/2); off > 4*math.Sqrt(float64(taken)/4) {
		t.Errorf("%d of the %d sampled are on new, want half of them", onNew, taken)
	}
}

func TestASampleHangsOnTheKeyElseOnTheAddress(t *testing.T) {
	_, route := sampled(t, routing.Key{Kind: routing.KeyHeader, Name: "X-User"})
	at := func(user, address string) int {
		req := routing.Request{Method: "GET", Path: "/", Client: netip.MustParseAddr(address)}
		if user != "" {
			req.Header = http.Header{"X-User": {user}}
		}
		return route.SamplePoint(&req)
	}
	if a, b := at("ana", "192.0.2.1"), at("ana", "192.0.2.77"); a != b {
		t.Errorf("one visitor at two addresses: %d and %d", a, b)
	}
	if a, b := at("", "192.0.2.1"), at("", "192.0.2.1"); a != b {
		t.Errorf("one address twice: %d and %d", a, b)
	}
	points := make(map[int]bool)
	for i := range 20 {
		points[at("", "192.0.2."+strconv.Itoa(i+1))] = true
	}
	if len(points) < 15 {
		t.Errorf("20 addresses have %d points", len(points))
	}
}
