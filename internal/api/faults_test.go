package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/auth"
)

const slowFault = `{"route": "orders-get", "side": "new", "latency": "300ms", "jitter": "100ms", "percent_bp": 2000, "status": 503,
	"header": "X-Test", "value": "1", "for": "5m", "reason": "game day"}`

func (h *house) fault(body string) wire.Fault {
	h.t.Helper()
	change := decode[wire.FaultChange](h.post("/api/v1/faults", body).want(http.StatusOK))
	if len(change.Faults) != 1 || !change.Changed || change.Revision != change.PreviousRevision+1 {
		h.t.Fatalf("%+v", change)
	}
	return change.Faults[0]
}

func TestAFaultIsStartedAndStopped(t *testing.T) {
	h := openShop(t)
	change := decode[wire.FaultChange](h.post("/api/v1/faults", slowFault, as(h.secrets[auth.Operator])).want(http.StatusOK))
	started := change.Faults[0]
	want := wire.Fault{
		ID: started.ID, Route: "orders-get", Side: "new", Latency: "300ms", Jitter: "100ms", PercentBp: 2000, Status: 503,
		Header: "X-Test", Value: "1", StartedAt: change.At, EndsAt: change.At.Add(5 * time.Minute), LeftS: 300, Actor: "olga", Reason: "game day",
	}
	if started != want || !change.Changed || change.PreviousRevision != 1 || change.Revision != 2 || change.Actor != "olga" {
		t.Errorf("%+v", change)
	}
	listed := decode[[]wire.Fault](h.get("/api/v1/faults").want(http.StatusOK))
	served := decode[wire.Status](h.get("/api/v1/status").want(http.StatusOK)).Faults
	for what, list := range map[string][]wire.Fault{"listed": listed, "served": served} {
		if len(list) != 1 || list[0].ID != started.ID || list[0].LeftS > 300 || list[0].LeftS < 200 {
			t.Errorf("%s: %+v", what, list)
		}
	}
	event := decode[[]wire.Event](h.get("/api/v1/events?route=orders-get&limit=1"))[0]
	if event.Verb != "fault_start" || event.Kind != "fault" || event.Subject != "orders-get" || event.ID != started.ID || event.Reason != "game day" {
		t.Errorf("the history of the route: %+v", event)
	}

	path := fmt.Sprintf("/api/v1/faults/%d?reason=enough", started.ID)
	if would := decode[wire.FaultChange](h.delete(path + "&dry_run=true").want(http.StatusOK)); !would.Changed || would.Revision != 2 || len(would.Faults) != 1 {
		t.Errorf("a dry run: %+v", would)
	}
	stopped := decode[wire.FaultChange](h.delete(path).want(http.StatusOK))
	if len(stopped.Faults) != 1 || stopped.Faults[0].ID != started.ID || stopped.Revision != 3 {
		t.Errorf("stopped: %+v", stopped)
	}
	again := decode[wire.FaultChange](h.delete(path).want(http.StatusOK))
	if again.Changed || again.Revision != 3 || len(again.Faults) != 0 || again.Note != fmt.Sprintf("fault %d has ended already", started.ID) {
		t.Errorf("stopped again: %+v", again)
	}
	if list := decode[[]wire.Fault](h.get("/api/v1/faults")); len(list) != 0 {
		t.Errorf("%+v", list)
	}
}

func TestFaultsAreStoppedTogether(t *testing.T) {
	h := openShop(t)
	const reset = `{"route": %q, "side": "legacy", "reset": true, "for": "1h"}`
	get, post := h.fault(fmt.Sprintf(reset, "orders-get")), h.fault(fmt.Sprintf(reset, "orders-post"))
	if get.PercentBp != 10000 {
		t.Errorf("%+v: want all of it when nothing is said", get)
	}
	ofRoute := decode[wire.FaultChange](h.delete("/api/v1/faults?route=orders-post").want(http.StatusOK))
	if len(ofRoute.Faults) != 1 || ofRoute.Faults[0].ID != post.ID {
		t.Errorf("of one route: %+v", ofRoute)
	}
	all := decode[wire.FaultChange](h.delete("/api/v1/faults").want(http.StatusOK))
	if len(all.Faults) != 1 || all.Faults[0].ID != get.ID {
		t.Errorf("all: %+v", all)
	}
	if none := decode[wire.FaultChange](h.delete("/api/v1/faults").want(http.StatusOK)); none.Changed || none.Note != "no fault runs" {
		t.Errorf("none: %+v", none)
	}
	h.delete("/api/v1/faults?route=nobody").problem(http.StatusNotFound, "unknown_route")
	h.delete("/api/v1/faults/1").problem(http.StatusNotFound, "unknown_fault")
	h.delete("/api/v1/faults/999").problem(http.StatusNotFound, "unknown_fault")
}

func TestFaultsThatAreRefused(t *testing.T) {
	h := openShop(t)
	for _, bad := range []struct {
		change, code, says string
		status             int
	}{
		{`"for": ""`, "bad_fault", `for is ""`, 400},
		{`"for": "-1s"`, "bad_fault", `for is "-1s"`, 400},
		{`"for": "soon"`, "bad_fault", `for is "soon"`, 400},
		{`"for": "61m"`, "bad_fault", "it would last 1h1m0s; the longest is 1h0m0s", 400},
		{`"latency": "2m"`, "bad_fault", "latency is 2m0s", 400},
		{`"latency": "quick"`, "bad_fault", `latency is "quick"`, 400},
		{`"jitter": "1s"`, "bad_fault", "jitter is 1s", 400},
		{`"percent_bp": 0`, "bad_fault", "percent is 0", 400},
		{`"percent_bp": 10001`, "bad_fault", "percent is 10001", 400},
		{`"status": 200`, "bad_fault", "status is 200", 400},
		{`"reset": true`, "bad_fault", "both status 503 and a reset", 400},
		{`"latency": "", "jitter": "", "status": 0`, "bad_fault", "it does nothing", 400},
		{`"header": "a b"`, "bad_fault", `header is "a b"`, 400},
		{`"header": "host"`, "bad_fault", `header is "host"`, 400},
		{`"header": "Cookie"`, "bad_fault", `header is "Cookie": its values are secrets`, 400},
		{`"header": ""`, "bad_fault", `the value "1" of a header without a name`, 400},
		{`"side": "both"`, "bad_fault", `side is "both"`, 400},
		{`"route": "order-get"`, "unknown_route", "order-get", 404},
		{`"route": "everything"`, "no_such_side", "route everything has no side new", 409},
	} {
		body := strings.TrimSuffix(slowFault, "}") + ", " + bad.change + "}"
		if p := h.post("/api/v1/faults", body).problem(bad.status, bad.code); !strings.Contains(p.Detail, bad.says) || !strings.Contains(p.Detail, "nothing was changed") {
			t.Errorf("%s: %q", bad.change, p.Detail)
		}
	}
	h.post("/api/v1/routes/orders-get/promote", `{"to": "100%"}`).want(http.StatusOK)
	h.post("/api/v1/routes/orders-get/retire", `{"force": true, "reason": "done"}`).want(http.StatusOK)
	if p := h.post("/api/v1/faults", slowFault).problem(http.StatusConflict, "retired"); !strings.Contains(p.Detail, "orders-get is retired") {
		t.Errorf("%q", p.Detail)
	}
	if list := decode[[]wire.Fault](h.get("/api/v1/faults")); len(list) != 0 {
		t.Errorf("%+v", list)
	}
}
