package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/api"
	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/fleet"
)

// trouble is a breaker that is open on this router, with what goes with it.
func trouble() fleet.Trouble {
	return fleet.Trouble{
		Lanes: []fleet.LaneTrouble{
			{Route: "orders-get", Side: "new", Breaker: "open", Reason: "failure_rate", Failures: 12, Results: 20, For: time.Second, Left: 4 * time.Second, Unhelped: 9},
			{Route: "orders-post", Side: "legacy", Breaker: "closed", Waiting: 2, Rejected: 7, NoRetries: true},
		},
		Backends: []fleet.BackendTrouble{{Backend: "orders", Rejected: 3}},
		Endpoints: []fleet.EndpointTrouble{
			{Backend: "orders", Endpoint: "http://127.0.0.1:4000", Ill: true, Fault: "it answered 503"},
			{Backend: "orders", Endpoint: "http://127.0.0.1:4001", Left: 20 * time.Second},
		},
		LeftOut: 2,
	}
}

// troubled is a house with two more instances, one of which is silent.
func troubled(t *testing.T) *house {
	t.Helper()
	h := openShop(t, reachable(""), func(c *api.Config) { c.Trouble = trouble })
	half := &fleet.Trouble{Lanes: []fleet.LaneTrouble{{Route: "orders-get", Side: "new", Breaker: "half_open", Reason: "slow_calls", Results: 20, For: 2 * time.Second}}}
	h.store.instances = []fleet.Instance{
		{Name: "router-0", Revision: 1, Age: 3 * time.Second, Trouble: half},
		{Name: "router-1", Revision: 1, Trouble: &fleet.Trouble{}}, // this one, as it was at its last heartbeat
		{Name: "router-2", Revision: 1, Age: 2 * time.Minute, Trouble: half},
		{Name: "router-3", Revision: 1}, // does not say
	}
	return h
}

func TestBreakersAreThoseOfTheWholeFleet(t *testing.T) {
	h := troubled(t)
	want := []wire.Breaker{
		{Route: "orders-get", Side: "new", Instance: "router-0", State: "half_open", Reason: "slow_calls", Results: 20, ForS: 5},
		{Route: "orders-get", Side: "new", Instance: "router-1", State: "open", Reason: "failure_rate", Failures: 12, Results: 20, ForS: 1, LeftS: 4},
	}
	if diff := cmp.Diff(want, decode[[]wire.Breaker](h.get("/api/v1/breakers").want(http.StatusOK))); diff != "" {
		t.Error(diff)
	}
	ofRoute := decode[[]wire.Breaker](h.get("/api/v1/breakers?route=orders-get").want(http.StatusOK))
	closed := []wire.Breaker{
		{Route: "orders-get", Side: "legacy", Instance: "router-0", State: "closed"},
		{Route: "orders-get", Side: "legacy", Instance: "router-1", State: "closed"},
	}
	if diff := cmp.Diff(append(closed, want...), ofRoute); diff != "" {
		t.Error(diff)
	}
	if all := decode[[]wire.Breaker](h.get("/api/v1/breakers?all=true")); len(all) != 2*7 {
		t.Errorf("%d breakers, want those of 7 lanes on 2 instances", len(all))
	}
	h.get("/api/v1/breakers?route=nobody").problem(http.StatusNotFound, "unknown_route")
	h.store.away.Store(true)
	if diff := cmp.Diff(want[1:], decode[[]wire.Breaker](h.get("/api/v1/breakers").want(http.StatusOK))); diff != "" {
		t.Errorf("with the store away:\n%s", diff)
	}
}

// An instance names a bounded number of lanes. What it has not named may be open,
// and is not said to be closed.
func TestABreakerThatWasLeftOutIsNotClosed(t *testing.T) {
	for _, test := range []struct {
		leftOut int
		last    string // state of the last one that is named: open ones come first
		want    int    // of the instance, on one route with two sides
	}{
		{0, "open", 2},
		{5, "closed", 2},
		{5, "open", 0},
	} {
		h := openShop(t)
		lanes := make([]fleet.LaneTrouble, fleet.MaxTrouble)
		for i := range lanes {
			lanes[i] = fleet.LaneTrouble{Route: fmt.Sprint("gone-", i), Side: "new", Breaker: "open"}
		}
		lanes[len(lanes)-1].Breaker = test.last
		h.store.instances = []fleet.Instance{{Name: "router-0", Revision: 1, Trouble: &fleet.Trouble{Lanes: lanes, LeftOut: test.leftOut}}}
		got := decode[[]wire.Breaker](h.get("/api/v1/breakers?route=orders-get").want(http.StatusOK))
		if len(got) != test.want {
			t.Errorf("%d left out after one that is %s: %+v, want %d", test.leftOut, test.last, got, test.want)
		}
	}
}

func TestInstancesTellTheirTrouble(t *testing.T) {
	instances := decode[[]wire.Instance](troubled(t).get("/api/v1/instances").want(http.StatusOK))
	want := &wire.Trouble{
		Lanes: []wire.LaneTrouble{
			{Route: "orders-get", Side: "new", Breaker: "open", Unhelped: 9},
			{Route: "orders-post", Side: "legacy", Breaker: "closed", Waiting: 2, Rejected: 7, NoRetries: true},
		},
		Backends: []wire.BackendTrouble{{Backend: "orders", Rejected: 3}},
		Endpoints: []wire.EndpointTrouble{
			{Backend: "orders", Endpoint: "http://127.0.0.1:4000", Ill: true, Fault: "it answered 503"},
			{Backend: "orders", Endpoint: "http://127.0.0.1:4001", LeftS: 20},
		},
		LeftOut: 2,
	}
	if diff := cmp.Diff(want, instances[1].Trouble); diff != "" {
		t.Error(diff)
	}
	if instances[0].Trouble == nil || instances[2].Trouble != nil || instances[3].Trouble != nil {
		t.Errorf("%+v", instances)
	}
}

func TestABreakerIsResetForTheFleet(t *testing.T) {
	h := openShop(t)
	reset := decode[wire.BreakerReset](h.post("/api/v1/breakers/orders-get/reset", `{"reason": "mended"}`, as(h.secrets[auth.Operator])).want(http.StatusOK))
	if fmt.Sprint(reset.Sides) != "[legacy new]" || reset.Revision != 2 || reset.PreviousRevision != 1 || reset.Actor != "olga" {
		t.Errorf("%+v", reset)
	}
	again := decode[wire.BreakerReset](h.post("/api/v1/breakers/orders-get/reset", `{"side": "new"}`).want(http.StatusOK))
	if fmt.Sprint(again.Sides) != "[new]" || again.Revision != 3 {
		t.Errorf("%+v", again)
	}
	want := []fleet.Reset{{Route: "orders-get", Side: "legacy", Generation: 2}, {Route: "orders-get", Side: "new", Generation: 3}}
	if diff := cmp.Diff(want, h.router.Snapshot().Controls.Resets); diff != "" {
		t.Error(diff)
	}
	event := decode[[]wire.Event](h.get("/api/v1/events?route=orders-get&limit=3"))[2]
	if event.Verb != "breaker_reset" || event.Kind != "breaker" || event.Reason != "mended" {
		t.Errorf("%+v", event)
	}
	if dry := decode[wire.BreakerReset](h.post("/api/v1/breakers/orders-get/reset?dry_run=true", "")); dry.Revision != 3 || !dry.DryRun {
		t.Errorf("%+v", dry)
	}
	h.post("/api/v1/breakers/nobody/reset", "").problem(http.StatusNotFound, "unknown_route")
	h.post("/api/v1/breakers/everything/reset", `{"side": "new"}`).problem(http.StatusConflict, "no_such_side")
	h.post("/api/v1/breakers/orders-get/reset", `{"side": "both"}`).problem(http.StatusBadRequest, "bad_side")
}

func TestDoctorTellsWhatTheGuardDoes(t *testing.T) {
	h := troubled(t)
	fault := h.fault(slowFault)
	h.post("/api/v1/backends/orders/drain", `{"endpoint": "http://127.0.0.1:4000"}`).want(http.StatusOK)
	var told []string
	for _, check := range decode[[]wire.Check](h.get("/api/v1/doctor").want(http.StatusOK)) {
		switch check.Code {
		case "fault_running", "breaker_open", "fallback_refused", "bulkhead_rejecting", "retry_budget_exhausted", "endpoint_drained", "endpoint_ejected", "backend_full", "more_trouble":
			message, _, _ := strings.Cut(check.Message, ", is injected for another")
			message, _, _ = strings.Cut(message, " since 20")
			told = append(told, string(check.Group)+" "+string(check.Level)+" "+check.Code+": "+message)
		}
	}
	want := []string{
		"backends warn endpoint_drained: orders: http://127.0.0.1:4000 gets no new requests, by ada",
		"backends warn endpoint_ejected: orders: http://127.0.0.1:4000 gets no requests from router-1, because its health check fails: it answered 503",
		"backends warn endpoint_ejected: orders: http://127.0.0.1:4001 gets no requests from router-1, after failures in a row",
		"backends warn backend_full: orders: requests find no room on router-1, 3 since the router began",
		"backends warn more_trouble: router-1: 2 more lanes, backends and endpoints are in trouble than it can name",
		fmt.Sprintf("routes warn fault_running: orders-get, side new: fault %d, by ada", fault.ID),
		"routes warn breaker_open: orders-get, side new, on router-0: the breaker is half-open (slow calls)",
		"routes warn breaker_open: orders-get, side new, on router-1: the breaker is open (failure rate), 12 of 20 failed",
		"routes warn fallback_refused: orders-get, side new, on router-1: requests that it fails find no room at legacy, 9 since the router began",
		"routes warn bulkhead_rejecting: orders-post, side legacy, on router-1: requests find no room, 7 since the router began",
		"routes warn retry_budget_exhausted: orders-post, side legacy, on router-1: the budget for retries is used up",
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
}
