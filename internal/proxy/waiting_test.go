package proxy_test

import (
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
)

// crowded runs a router whose new side serves one request at a time, which it
// does when it is told to; the next one waits. It returns the waiting one's answer.
func crowded(t *testing.T) (r *router, proceed chan struct{}, waiting chan string) {
	t.Helper()
	reached, proceed := make(chan struct{}, 2), make(chan struct{})
	policies := staged(true)
	policies.New.Bulkhead = guard.BulkheadPolicy{Limit: 1, Queue: 4, Wait: 20 * time.Second}
	r = start(t, map[string]string{"legacy": named(t, "legacy"), "other": named(t, "other"), "new": backend(t, func(w http.ResponseWriter, _ *http.Request) {
		reached <- struct{}{}
		<-proceed
		_, _ = io.WriteString(w, "new")
	})}, limited(policies))
	r.install(1, canary("/orders", routing.FullWeight))
	waiting = make(chan string, 1)
	go func() { _, _ = client().Get("http://" + r.addr + "/orders/1") }()
	<-reached
	go func() {
		_, body := r.do("POST", "/orders/2", nil, nil)
		waiting <- body
	}()
	for laneOf(t, r.proxy, routing.New).Waiting == 0 {
		time.Sleep(time.Millisecond) // until the router has read the request
	}
	return r, proceed, waiting
}

// TestTheQueueHoldsNoTableBack: a request that waits for its turn cannot start
// by the old table any more, so that nobody has to wait for it.
func TestTheQueueHoldsNoTableBack(t *testing.T) {
	r, proceed, waiting := crowded(t)
	r.install(2, canary("/orders", 0)) // returns although one waits
	select {
	case body := <-waiting:
		t.Fatalf("the one that waited was answered %q before its turn", body)
	default:
	}
	close(proceed)
	if body := <-waiting; body != "legacy" {
		t.Errorf("the one that waited was served by %q, want legacy", body)
	}
	r.log.entries(t, 2)
	atRest(t, r.proxy)
}

// TestHigherLimitsComeWithTheirTable: whoever they let in finds it in service.
func TestHigherLimitsComeWithTheirTable(t *testing.T) {
	r, proceed, waiting := crowded(t)
	r.limits.New.Bulkhead.Limit = 8
	r.install(2, canary("/orders", 0))
	if body := <-waiting; body != "legacy" {
		t.Errorf("the one that waited was served by %q, want legacy", body)
	}
	close(proceed)
	r.log.entries(t, 2)
	atRest(t, r.proxy)
}

// TestWaitingWhileTheBackendIsReplaced: whoever waited is admitted once more,
// by the bulkhead of the backend that is asked now.
func TestWaitingWhileTheBackendIsReplaced(t *testing.T) {
	r, proceed, waiting := crowded(t)
	moved := canary("/orders", routing.FullWeight)
	moved.New = "other"
	r.install(2, moved)
	close(proceed)
	if body := <-waiting; body != "other" {
		t.Errorf("the one that waited was served by %q, want the new backend", body)
	}
	for _, entry := range r.log.entries(t, 2) {
		if entry["http.request.method"] == "POST" && entry["strangler.backend"] != "other" {
			t.Errorf("logged as served by %v", entry["strangler.backend"])
		}
	}
	atRest(t, r.proxy)
}

// TestWaitingWhileTheRouteDisappears: whoever waited goes where anybody goes now,
// and is logged with the route that it is served by.
func TestWaitingWhileTheRouteDisappears(t *testing.T) {
	r, proceed, waiting := crowded(t)
	r.install(2, legacyOnly())
	close(proceed)
	if body := <-waiting; body != "legacy" {
		t.Errorf("the one that waited was served by %q, want the catch-all's backend", body)
	}
	for _, entry := range r.log.entries(t, 2) {
		if entry["http.request.method"] == "POST" && entry["strangler.route"] != "catch-all" {
			t.Errorf("logged with route %v", entry["strangler.route"])
		}
	}
	atRest(t, r.proxy)
}

// TestRepeatingIsNoTimeout: the transport would send the request once more on a
// fresh connection, but no retry is left. The backend was not slow.
func TestRepeatingIsNoTimeout(t *testing.T) {
	answers := func(_ *villain, conn net.Conn, _ *http.Request) bool {
		_, _ = io.WriteString(conn, fine)
		return true
	}
	bad := acts(t, answers, func(*villain, net.Conn, *http.Request) bool { return false })
	policies := staged(false)
	policies.New.Retry.Share, policies.New.Retry.Floor = 0.001, 0.001
	r := start(t, map[string]string{"legacy": named(t, "legacy"), "new": bad.url}, limited(policies))
	r.install(1, canary("/orders", routing.FullWeight))
	if res, body := r.get("/orders/1"); res.StatusCode != 200 {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	res, body := r.get("/orders/1")
	if res.StatusCode != 502 || problem(t, res, body) != "upstream_closed" {
		t.Errorf("%d %s, want 502 upstream_closed", res.StatusCode, body)
	}
	if class := r.log.entries(t, 2)[1]["strangler.class"]; class != "no_response" {
		t.Errorf("logged as %v", class)
	}
}
