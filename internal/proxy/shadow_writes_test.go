package proxy_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/proxy"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow"
)

// dryRunner is a backend that honours the marker, for as long as honest.
func dryRunner(honest *atomic.Bool, got *received) http.HandlerFunc {
	return got.serve(func(w http.ResponseWriter, req *http.Request) {
		if honest.Load() && req.Header.Get("Strangler-Shadow") == "1" {
			w.Header().Set("Strangler-Dry-Run", "1")
		}
		_, _ = io.WriteString(w, "made")
	})
}

func methods(requests []*http.Request) []string {
	var all []string
	for _, r := range requests {
		all = append(all, r.Method)
	}
	return all
}

func TestWritesAreShadowedOnceTheDryRunIsProved(t *testing.T) {
	var honest atomic.Bool
	honest.Store(true)
	var atNew received
	r := startShadower(t, map[string]string{"legacy": named(t, "made"), "new": backend(t, dryRunner(&honest, &atNew))},
		func(p *shadow.Policy) { p.Writes = shadow.WritesDryRun })
	r.install(1, shadowing(routing.StageShadow, 0))
	post := func() {
		t.Helper()
		if _, body := r.do(http.MethodPost, "/orders", nil, strings.NewReader(`{"n":1}`)); body != "made" {
			t.Errorf("the client got %q", body)
		}
	}
	post()
	r.want(map[string]uint64{"match": 1})
	post()
	r.want(map[string]uint64{"match": 1})
	requests, bodies := atNew.all()
	if diff := cmp.Diff([]string{"OPTIONS", "POST", "POST"}, methods(requests)); diff != "" {
		t.Errorf("methods at new (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"", `{"n":1}`, `{"n":1}`}, bodies); diff != "" {
		t.Errorf("bodies at new (-want +got):\n%s", diff)
	}
	// A release that has lost the marker is found out by its first answer, and gets no other.
	honest.Store(false)
	post()
	r.want(map[string]uint64{"match": 1})
	post()
	post()
	r.want(map[string]uint64{"no_proof": 2})
	if requests, _ := atNew.all(); len(requests) != 4 {
		t.Errorf("methods at new: %v", methods(requests))
	}
}

func TestNoWriteReachesABackendThatHasNotProved(t *testing.T) {
	var honest atomic.Bool
	var atNew received
	r := startShadower(t, map[string]string{"legacy": named(t, "made"), "new": backend(t, dryRunner(&honest, &atNew))},
		func(p *shadow.Policy) { p.Writes = shadow.WritesDryRun })
	r.install(1, shadowing(routing.StageShadow, 0))
	for range 5 {
		r.do(http.MethodDelete, "/orders/1", nil, nil)
	}
	r.want(map[string]uint64{"no_proof": 5})
	requests, _ := atNew.all()
	if diff := cmp.Diff([]string{"OPTIONS"}, methods(requests)); diff != "" {
		t.Errorf("methods at new (-want +got):\n%s", diff)
	}
}

func TestASandboxTakesNewsPlaceForWrites(t *testing.T) {
	var atNew, atSandbox received
	r := startShadower(t, map[string]string{
		"legacy": named(t, "x"), "new": backend(t, atNew.serve(plainly("text/plain; charset=utf-8", "x"))),
		"sandbox": backend(t, atSandbox.serve(plainly("text/plain; charset=utf-8", "x"))),
	}, func(p *shadow.Policy) { p.Writes, p.Sandbox = shadow.WritesSandbox, "sandbox" })
	r.install(1, shadowing(routing.StageShadow, 0))
	r.do(http.MethodPost, "/", nil, strings.NewReader("body"))
	r.get("/")
	r.want(map[string]uint64{"match": 2})
	reads, _ := atNew.all()
	writes, bodies := atSandbox.all()
	if !slices.Equal(methods(reads), []string{"GET"}) || !slices.Equal(methods(writes), []string{"POST"}) || bodies[0] != "body" {
		t.Errorf("new got %v, the sandbox %v with %q", methods(reads), methods(writes), bodies)
	}
}

func TestALargeUploadIsServedAndNotShadowed(t *testing.T) {
	var atLegacy, atNew received
	r := startShadower(t, map[string]string{
		"legacy": backend(t, atLegacy.serve(plainly("text/plain", "x"))), "new": backend(t, atNew.serve(plainly("text/plain", "x"))),
	}, func(p *shadow.Policy) { p.Writes, p.Sandbox, p.MaxBody = shadow.WritesSandbox, "new", 1000 })
	r.install(1, shadowing(routing.StageShadow, 0))
	large := strings.Repeat("x", 200_000)
	r.do(http.MethodPost, "/", nil, strings.NewReader(large))
	r.do(http.MethodPost, "/", nil, struct{ io.Reader }{strings.NewReader(large)}) // in chunks
	r.want(map[string]uint64{"too_large": 2})
	if _, bodies := atLegacy.all(); len(bodies) != 2 || bodies[0] != large || bodies[1] != large {
		t.Error("legacy did not get both bodies whole")
	}
	if requests, _ := atNew.all(); len(requests) != 0 {
		t.Errorf("new got %v", methods(requests))
	}
}

func TestNoWriteReachesNewInPlaceOfASandboxWithoutEndpoint(t *testing.T) {
	var atNew received
	r := startShadower(t, map[string]string{"legacy": named(t, "x"), "new": backend(t, atNew.serve(plainly("text/plain; charset=utf-8", "x")))},
		func(p *shadow.Policy) { p.Writes, p.Sandbox = shadow.WritesSandbox, "sandbox" })
	r.backends["sandbox"] = proxy.Backend{}
	r.install(1, shadowing(routing.StageShadow, 0))
	r.do(http.MethodPost, "/", nil, strings.NewReader("body"))
	r.get("/")
	r.want(map[string]uint64{"match": 1, "no_backend": 1})
	requests, _ := atNew.all()
	if diff := cmp.Diff([]string{"GET"}, methods(requests)); diff != "" {
		t.Errorf("methods at new (-want +got):\n%s", diff)
	}
}

// A backend that takes X-HTTP-Method-Override at its word would delete twice.
func TestAMethodThatAFieldOverridesIsNoRead(t *testing.T) {
	var atNew received
	r := startShadower(t, map[string]string{"legacy": named(t, "x"), "new": backend(t, atNew.serve(plainly("text/plain; charset=utf-8", "x")))}, nil)
	r.install(1, shadowing(routing.StageShadow, 0))
	for _, name := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"} {
		r.do(http.MethodGet, "/orders/1", http.Header{http.CanonicalHeaderKey(name): {"DELETE"}}, nil)
	}
	r.do(http.MethodGet, "/orders/1", http.Header{"X-Http-Method-Override": {"GET"}}, nil)
	r.want(map[string]uint64{"method": 3, "match": 1})
	if requests, _ := atNew.all(); len(requests) != 1 {
		t.Errorf("new got %v", methods(requests))
	}
}

func TestTheProbeOverridesNoMethod(t *testing.T) {
	var atNew received
	r := startShadower(t, map[string]string{"legacy": named(t, "x"), "new": backend(t, atNew.serve(plainly("text/plain; charset=utf-8", "x")))},
		func(p *shadow.Policy) { p.Writes = shadow.WritesDryRun })
	r.install(1, shadowing(routing.StageShadow, 0))
	r.do(http.MethodPost, "/orders/1", http.Header{"X-Http-Method-Override": {"DELETE"}, "Content-Encoding": {"gzip"}}, strings.NewReader("x"))
	r.want(map[string]uint64{"no_proof": 1})
	requests, _ := atNew.all()
	if len(requests) != 1 || requests[0].Method != http.MethodOptions {
		t.Fatalf("new got %v, want one probe", methods(requests))
	}
	for _, name := range []string{"X-Http-Method-Override", "Content-Encoding", "Content-Type"} {
		if got := requests[0].Header[name]; got != nil {
			t.Errorf("the probe has %s: %q", name, got)
		}
	}
}

// One handler of an endpoint may honour the marker and another not.
func TestADryRunIsProvedForEachRoute(t *testing.T) {
	var atNew received
	r := startShadower(t, map[string]string{"legacy": named(t, "made"), "new": backend(t, atNew.serve(func(w http.ResponseWriter, req *http.Request) {
		if strings.HasPrefix(req.URL.Path, "/orders") {
			w.Header().Set("Strangler-Dry-Run", "1")
		}
		_, _ = io.WriteString(w, "made")
	}))}, func(p *shadow.Policy) { p.Writes = shadow.WritesDryRun })
	orders, payments := shadowing(routing.StageShadow, 0), shadowing(routing.StageShadow, 0)
	orders.Match, payments.Match = routing.Match{Prefix: "/orders"}, routing.Match{Prefix: "/payments"}
	payments.Name = "payments"
	r.install(1, orders, payments)
	r.do(http.MethodPost, "/orders", nil, strings.NewReader("1"))
	r.want(map[string]uint64{"match": 1})
	r.do(http.MethodPost, "/payments", nil, strings.NewReader("1"))
	r.want(map[string]uint64{"no_proof": 1})
	requests, _ := atNew.all()
	if diff := cmp.Diff([]string{"OPTIONS", "POST", "OPTIONS"}, methods(requests)); diff != "" {
		t.Errorf("methods at new (-want +got):\n%s", diff)
	}
}
