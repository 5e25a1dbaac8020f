package proxy_test

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/proxy"
	"github.com/stranglerfig/strangler/internal/routing"
)

// onNew is a router whose route goes to new, which has the endpoints; legacy
// answers "legacy".
func onNew(t testing.TB, endpoints []string, opts ...option) *router {
	t.Helper()
	r := start(t, map[string]string{"legacy": named(t, "legacy")}, opts...)
	r.backends["new"] = proxy.Backend{Endpoints: endpoints}
	r.install(1, canary("/", routing.FullWeight))
	return r
}

// patient is new's policy with waits that no test waits for.
func patient(change func(*guard.Policy)) option {
	policy := guard.NewPolicy()
	policy.Retry.Base, policy.Retry.Cap = time.Millisecond, time.Millisecond
	policy.Retry.Share, policy.Retry.Floor = 1, 100
	change(&policy)
	return limited(proxy.Policies{Legacy: guard.LegacyPolicy(), New: policy})
}

// dead is an endpoint at which nobody listens: no test gets so low a port.
const dead = "http://127.0.0.1:1"

// endpoint returns the state of one of new's endpoints.
func (r *router) endpoint(address string) guard.EndpointState {
	r.t.Helper()
	for _, backend := range r.proxy.BackendStates() {
		for _, e := range backend.Endpoints {
			if backend.Name == "new" && e.Address == address {
				return e
			}
		}
	}
	r.t.Fatalf("new has no endpoint %s", address)
	return guard.EndpointState{}
}

// until waits for what takes its time.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 20 s", what)
		}
	}
}

// tallied answers with its name and counts.
func tallied(t testing.TB, name string, status *atomic.Int64) (url string, served *atomic.Int64) {
	served = new(atomic.Int64)
	return backend(t, func(w http.ResponseWriter, _ *http.Request) {
		served.Add(1)
		if status != nil && status.Load() != 0 {
			w.WriteHeader(int(status.Load()))
		}
		_, _ = io.WriteString(w, name)
	}), served
}

func TestDeadEndpointIsLeftOut(t *testing.T) {
	a, _ := tallied(t, "a", nil)
	b, _ := tallied(t, "b", nil)
	r := onNew(t, []string{a, dead, b}, patient(func(p *guard.Policy) { p.Fallback = guard.FallbackNever }))
	for n := range 100 {
		if res, body := r.do(http.MethodPost, "/", nil, strings.NewReader("x")); res.StatusCode != 200 || len(body) != 1 {
			t.Fatalf("request %d: got %d %q", n, res.StatusCode, body)
		}
	}
	until(t, "ejected", func() bool { r.get("/"); return !r.endpoint(dead).Ejected.IsZero() })
	before := len(r.log.entries(t, 100))
	for range 50 {
		r.get("/")
	}
	for _, entry := range r.log.entries(t, before+50)[before:] {
		if entry["strangler.endpoint"] == dead || entry["strangler.attempts"] != 1.0 {
			t.Fatalf("an ejected endpoint was asked: %v", entry)
		}
	}
	for _, address := range []string{a, b, dead} {
		if got := r.endpoint(address); got.InFlight != 0 || !got.Healthy || got.Drained {
			t.Errorf("got %+v", got)
		}
	}
}

func TestRetryTakesTheOtherEndpoint(t *testing.T) {
	bad := new(atomic.Int64)
	bad.Store(503)
	a, _ := tallied(t, "a", nil)
	b, asked := tallied(t, "b", bad)
	r := onNew(t, []string{a, b}, patient(func(p *guard.Policy) { p.Retry.Attempts, p.Fallback = 2, guard.FallbackNever }))
	for n := range 60 {
		if res, body := r.get("/"); res.StatusCode != 200 || body != "a" {
			t.Fatalf("request %d: got %d %q", n, res.StatusCode, body)
		}
	}
	if got := asked.Load(); got != 5 {
		t.Errorf("the failing one was asked %d times, want 5 until it was left out", got)
	}
}

func TestAllDeadAreAllUsed(t *testing.T) {
	var asked [4]atomic.Int64
	var endpoints []string
	for i := range asked {
		endpoints = append(endpoints, backend(t, func(w http.ResponseWriter, _ *http.Request) {
			asked[i].Add(1)
			w.WriteHeader(http.StatusBadGateway)
		}))
	}
	r := onNew(t, endpoints, patient(func(p *guard.Policy) {
		p.Retry.Attempts, p.Fallback, p.Breaker = 1, guard.FallbackNever, guard.BreakerPolicy{Off: true}
	}))
	for range 200 {
		r.get("/")
	}
	out, total := 0, int64(0)
	for i, address := range endpoints {
		if !r.endpoint(address).Ejected.IsZero() {
			out++
			if got := asked[i].Load(); got != 5 {
				t.Errorf("%s was asked %d times before it was left out, want 5", address, got)
			}
		}
		total += asked[i].Load()
	}
	if out != 2 || total != 200 {
		t.Errorf("%d of 4 are left out, want half; %d requests came, want 200", out, total)
	}
}

func TestWhatSaysNothingOfAnEndpoint(t *testing.T) {
	status := new(atomic.Int64)
	slow := make(chan struct{})
	a := backend(t, func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("Grpc-Timeout") != "" {
			select {
			case <-slow:
			case <-req.Context().Done():
			}
		}
		if status.Load() != 0 {
			w.WriteHeader(int(status.Load()))
		}
	})
	b, _ := tallied(t, "b", nil)
	t.Cleanup(func() { close(slow) })
	r := onNew(t, []string{a, b}, patient(func(p *guard.Policy) {
		p.Retry.Attempts, p.Fallback, p.Breaker = 1, guard.FallbackNever, guard.BreakerPolicy{Off: true}
	}))
	r.proxy.SetControls(proxy.Controls{Drained: map[string][]string{"new": {b}}}) // so that a takes all
	well := func(what string) {
		t.Helper()
		if got := r.endpoint(a); !got.Ejected.IsZero() || got.InFlight != 0 {
			t.Errorf("%s: %+v", what, got)
		}
	}
	for _, code := range []int64{500, 501, 404, 429} {
		status.Store(code)
		for range 10 {
			r.get("/")
		}
		well(strconv.Itoa(int(code)))
	}
	status.Store(0)
	for range 6 {
		r.do(http.MethodPost, "/", http.Header{"Content-Type": {"application/grpc"}, "Grpc-Timeout": {"20m"}}, strings.NewReader("x"))
	}
	well("a caller's deadline")
	for range 6 {
		r.raw("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n")
	}
	well("a client's nonsense")
	r.proxy.SetControls(proxy.Controls{
		Drained: map[string][]string{"new": {b}},
		Faults:  []guard.Fault{{ID: 1, Route: "orders", Side: "new", Percent: 10000, Status: 503, Until: time.Now().Add(time.Minute)}},
	})
	for range 10 {
		if res, _ := r.get("/"); res.StatusCode != 503 {
			t.Fatalf("got %d", res.StatusCode)
		}
	}
	well("an injected fault")
	r.proxy.SetControls(proxy.Controls{Drained: map[string][]string{"new": {b}}})
	status.Store(504)
	for range 5 {
		r.get("/")
	}
	if r.endpoint(a).Ejected.IsZero() {
		t.Error("five times 504, and it is still in use")
	}
}

func TestDrainMovesNewRequestsAway(t *testing.T) {
	began, finish := make(chan struct{}), make(chan struct{})
	a := backend(t, func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/long" {
			close(began)
			<-finish
		}
		_, _ = io.WriteString(w, "a")
	})
	b, served := tallied(t, "b", nil)
	r := onNew(t, []string{a, b})
	drain := func(endpoints ...string) {
		r.proxy.SetControls(proxy.Controls{Drained: map[string][]string{"new": endpoints}})
	}
	drain(b)
	long := make(chan string, 1)
	go func() {
		_, body := r.get("/long")
		long <- body
	}()
	<-began
	drain(a)
	if got := r.endpoint(a); !got.Drained || got.InFlight != 1 {
		t.Errorf("got %+v", got)
	}
	for range 20 {
		if _, body := r.get("/"); body != "b" {
			t.Fatalf("a drained endpoint answered: %q", body)
		}
	}
	close(finish)
	if body := <-long; body != "a" {
		t.Errorf("the running request got %q", body)
	}
	until(t, "ended", func() bool { return r.endpoint(a).InFlight == 0 })

	r.install(2, canary("/", routing.FullWeight)) // a table does not take a drain back
	if !r.endpoint(a).Drained {
		t.Error("a new table put the endpoint back")
	}
	drain(a, b) // legacy steps in
	if _, body := r.get("/"); body != "legacy" {
		t.Errorf("all drained: got %q", body)
	}
	drain()
	before := served.Load()
	until(t, "both used again", func() bool { _, body := r.get("/"); return body == "a" })
	until(t, "both used again", func() bool { r.get("/"); return served.Load() > before })
}

func TestEndpointThatIsAddedWhileDrainedStaysOut(t *testing.T) {
	a, _ := tallied(t, "a", nil)
	b, served := tallied(t, "b", nil)
	r := onNew(t, []string{a})
	r.proxy.SetControls(proxy.Controls{Drained: map[string][]string{"new": {b}}})
	r.backends["new"] = proxy.Backend{Endpoints: []string{a, b}}
	r.install(2, canary("/", routing.FullWeight))
	for range 30 {
		r.get("/")
	}
	if got := served.Load(); got != 0 {
		t.Errorf("the drained endpoint got %d requests", got)
	}
}

func TestSlowEndpointGetsLess(t *testing.T) {
	const visitors, each = 8, 40
	pace := func(wait time.Duration) (string, *atomic.Int64) {
		served := new(atomic.Int64)
		return backend(t, func(http.ResponseWriter, *http.Request) {
			served.Add(1)
			time.Sleep(wait)
		}), served
	}
	slow, slowServed := pace(100 * time.Millisecond)
	fast, fastServed := pace(5 * time.Millisecond)
	other, otherServed := pace(5 * time.Millisecond)
	r := onNew(t, []string{slow, fast, other})
	var all sync.WaitGroup
	for range visitors {
		all.Go(func() {
			for range each {
				if res, _ := r.get("/"); res.StatusCode != 200 {
					t.Errorf("got %d", res.StatusCode)
				}
			}
		})
	}
	all.Wait()
	s, f, o := slowServed.Load(), fastServed.Load(), otherServed.Load()
	if total := s + f + o; total != visitors*each || s > total/5 || f < total/4 || o < total/4 {
		t.Errorf("slow %d, fast %d and %d", s, f, o)
	}
	for _, e := range []string{slow, fast, other} {
		until(t, "ended", func() bool { return r.endpoint(e).InFlight == 0 })
	}
}
