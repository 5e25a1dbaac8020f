package proxy_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/proxy"
	"github.com/stranglerfig/strangler/internal/routing"
)

// faulty is a fault of the route orders' new side that meets every try.
func faulty(change func(*guard.Fault)) proxy.Controls {
	fault := guard.Fault{ID: 7, Route: "orders", Side: "new", Percent: 10_000, Until: time.Now().Add(time.Hour)}
	change(&fault)
	return proxy.Controls{Faults: []guard.Fault{fault}}
}

// TestFaultsAreTakenForReal: what a fault does is retried, blamed and fallen
// back from as if the backend had done it, and the backend hears nothing of it.
func TestFaultsAreTakenForReal(t *testing.T) {
	for name, test := range map[string]struct {
		method   string
		fault    func(*guard.Fault)
		status   int
		body     string
		failures int
	}{
		"status":               {"GET", func(f *guard.Fault) { f.Status = 503 }, 200, "legacy", 3},
		"status of a POST":     {"POST", func(f *guard.Fault) { f.Status = 503 }, 503, "injected by fault 7\n", 1},
		"reset":                {"GET", func(f *guard.Fault) { f.Reset = true }, 200, "legacy", 3},
		"reset of a POST":      {"POST", func(f *guard.Fault) { f.Reset = true }, 502, "upstream_closed", 1},
		"too late":             {"GET", func(f *guard.Fault) { f.Latency = time.Minute }, 200, "legacy", 3},
		"too late for a POST":  {"POST", func(f *guard.Fault) { f.Latency = time.Minute }, 504, "upstream_timeout", 1},
		"a moment late":        {"POST", func(f *guard.Fault) { f.Latency = time.Millisecond }, 200, "new", 0},
		"over":                 {"GET", func(f *guard.Fault) { f.Status, f.Until = 503, time.Now() }, 200, "new", 0},
		"for others":           {"GET", func(f *guard.Fault) { f.Status, f.Header = 503, "X-Test" }, 200, "new", 0},
		"for this request":     {"GET", func(f *guard.Fault) { f.Status, f.Header = 503, "X-User-Id" }, 200, "legacy", 3},
		"for the other side":   {"GET", func(f *guard.Fault) { f.Status, f.Side = 503, "legacy" }, 200, "new", 0},
		"for some other route": {"GET", func(f *guard.Fault) { f.Status, f.Route = 503, "users" }, 200, "new", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			policies := staged(true)
			policies.New.Timeouts.Read, policies.New.Timeouts.Write = 200*time.Millisecond, 200*time.Millisecond
			if test.failures == 0 { // nothing may depend on how busy the machine is
				policies = staged(true)
			}
			r := start(t, map[string]string{"legacy": named(t, "legacy"), "new": named(t, "new")}, limited(policies))
			r.install(1, canary("/orders", routing.FullWeight))
			r.proxy.SetControls(faulty(test.fault))
			res, body := r.do(test.method, "/orders/1", http.Header{"X-User-Id": {"1"}}, nil)
			if res.StatusCode != test.status || !strings.Contains(body, test.body) {
				t.Errorf("%d %q, want %d with %q", res.StatusCode, body, test.status, test.body)
			}
			entry := r.log.entries(t, 1)[0]
			attempts := 0.0 // that reached a backend
			if test.status == 200 {
				attempts = 1
			}
			if entry["strangler.attempts"] != attempts {
				t.Errorf("%v attempts are logged, want %v", entry["strangler.attempts"], attempts)
			}
			if b := laneOf(t, r.proxy, routing.New).Breaker; b.Failures != test.failures {
				t.Errorf("%d failures of %d, want %d", b.Failures, b.Total, test.failures)
			}
			atRest(t, r.proxy)
		})
	}
}

// TestRollbackMeetsAnInjectedDelay: whoever a fault holds up holds no table
// back, and does not start on new afterwards.
func TestRollbackMeetsAnInjectedDelay(t *testing.T) {
	r := start(t, map[string]string{"legacy": named(t, "legacy"), "new": named(t, "new")}, limited(staged(true)))
	r.install(1, canary("/orders", routing.FullWeight))
	r.proxy.SetControls(faulty(func(f *guard.Fault) { f.Latency = time.Second }))
	answer := make(chan string)
	go func() {
		_, body := r.do("POST", "/orders/1", nil, strings.NewReader("amount=1"))
		answer <- body
	}()
	for laneOf(t, r.proxy, routing.New).InUse == 0 {
		time.Sleep(time.Millisecond) // until the router has read the request
	}
	r.install(2, canary("/orders", 0))
	select {
	case body := <-answer:
		t.Fatalf("the delayed one was answered %q before the table changed", body)
	default:
	}
	if body := <-answer; body != "legacy" {
		t.Errorf("the delayed one was served by %q, want legacy", body)
	}
	atRest(t, r.proxy)
}

// TestResetClosesTheBreaker: that of the lane that was named, by each new
// generation once, and not by what was there when the router began.
func TestResetClosesTheBreaker(t *testing.T) {
	policies := staged(false)
	policies.New.Retry.Attempts, policies.New.Breaker.InARow = 1, 1
	r := start(t, map[string]string{"legacy": named(t, "legacy"), "new": "http://" + reserve(t).address}, limited(policies))
	r.install(1, canary("/orders", routing.FullWeight))
	reset := func(generation int64) proxy.Controls {
		return proxy.Controls{Resets: map[proxy.LaneID]int64{{Route: "orders", Side: routing.New}: generation}}
	}
	for _, step := range []struct {
		generation int64
		want       guard.State
	}{{3, guard.Open}, {3, guard.Open}, {4, guard.Closed}, {4, guard.Open}} {
		r.get("/orders/1")
		if state := laneOf(t, r.proxy, routing.New).Breaker.State; state != guard.Open {
			t.Fatalf("before generation %d the breaker is %s", step.generation, state)
		}
		r.proxy.SetControls(reset(step.generation))
		if state := laneOf(t, r.proxy, routing.New).Breaker.State; state != step.want {
			t.Errorf("after generation %d the breaker is %s, want %s", step.generation, state, step.want)
		}
	}
}
