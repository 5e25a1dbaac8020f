package proxy_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/proxy"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow"
)

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
