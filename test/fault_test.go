package test_test

import (
	"io"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/store/pgtest"
)

// status asks a router for an order and returns what it answers with.
func (r *router) status() int {
	r.t.Helper()
	res, err := http.Get("http://" + r.data + "/orders/1")
	if err != nil {
		r.t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	return res.StatusCode
}

// TestAFaultReachesTheFleetAndEndsWithoutTheDatabase starts a fault on one
// router, takes the database away, starts the other router anew, and wants both
// without it when its time is up.
func TestAFaultReachesTheFleetAndEndsWithoutTheDatabase(t *testing.T) {
	const lasts, unavailableForLegalReasons = 15 * time.Second, 451 // which nobody falls back on
	server := pgtest.New(t)
	s := openShop(t, server.URL("postgres"))
	s.ctl.must("promote", "orders", "--full", "--wait")
	before := time.Now()
	s.ctl.must("fault", "start", "orders", "--side", "new", "--status", "451", "--for", lasts.String(), "--wait", "--reason", "a test")
	started := time.Now()
	for _, r := range s.routers() {
		if got := r.status(); got != unavailableForLegalReasons {
			t.Errorf("%s answers with %d, want the fault", r.name, got)
		}
	}

	server.Stop(t)
	s.b.signal(syscall.SIGTERM)
	s.b.wait()
	s.b.start()
	if got := s.b.status(); got != unavailableForLegalReasons && time.Since(before) < lasts {
		t.Errorf("b, from its snapshot file, answers with %d, want the fault", got)
	}
	for _, r := range s.routers() {
		eventually(t, "the fault has ended on "+r.name, func() bool { return r.status() == http.StatusOK })
		if ended := time.Now(); ended.Before(before.Add(lasts)) || ended.After(started.Add(lasts+10*time.Second)) {
			t.Errorf("the fault ended on %s after %s, want %s", r.name, ended.Sub(started), lasts)
		}
	}
}
