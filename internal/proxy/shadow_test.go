package proxy_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow"
)

func TestAShadowRequestIsTheServedOneWithAMarker(t *testing.T) {
	var atLegacy, atNew received
	r := startShadower(t, map[string]string{
		"legacy": backend(t, atLegacy.serve(plainly("text/plain", "hello"))),
		"new": backend(t, atNew.serve(func(w http.ResponseWriter, req *http.Request) {
			w.Header().Set("Set-Cookie", "from=shadow")
			plainly("text/plain", "hello")(w, req)
		})),
	}, nil)
	r.install(1, shadowing(routing.StageShadow, 0))
	res, body := r.do(http.MethodGet, "/a//b;c/%2F?q=1&q=2;3", http.Header{
		"X-Custom": {"one", "two"}, "Cookie": {"session=1"}, "Authorization": {"Bearer x"}, "Connection": {"X-Hop"}, "X-Hop": {"1"},
	}, nil)
	if body != "hello" || res.Header.Get("Set-Cookie") != "" {
		t.Errorf("the client got %q and %v", body, res.Header)
	}
	r.want(map[string]uint64{"match": 1})
	served, _ := atLegacy.all()
	copies, _ := atNew.all()
	if len(served) != 1 || len(copies) != 1 {
		t.Fatalf("%d requests at legacy, %d at new; want one each", len(served), len(copies))
	}
	want := maps.Clone(served[0].Header)
	want.Set("Strangler-Shadow", "1")
	if diff := cmp.Diff(want, copies[0].Header); diff != "" {
		t.Errorf("fields (-served +shadow):\n%s", diff)
	}
	if copies[0].RequestURI != served[0].RequestURI || copies[0].Host != served[0].Host || copies[0].Host != r.addr {
		t.Errorf("new was asked for %s of %s", copies[0].RequestURI, copies[0].Host)
	}
}

func TestEachStageShadowsTheSideThatDoesNotServe(t *testing.T) {
	for _, c := range []struct {
		definition routing.Definition
		sampled    bool
		legacy     int32 // requests at legacy
		fresh      int32
		want       map[string]uint64
	}{
		{shadowing(routing.StageLegacy, 0), true, 1, 0, map[string]uint64{}},
		{shadowing(routing.StageShadow, 0), false, 1, 1, map[string]uint64{"mismatch": 1}},
		{shadowing(routing.StageCanary, 1), false, 1, 0, map[string]uint64{}},
		{shadowing(routing.StageCanary, 1), true, 1, 1, map[string]uint64{"mismatch": 1}},
		{shadowing(routing.StageNew, routing.FullWeight), false, 0, 1, map[string]uint64{}},
		{shadowing(routing.StageNew, routing.FullWeight), true, 1, 1, map[string]uint64{"mismatch": 1}},
	} {
		t.Run(fmt.Sprint(c.definition.Assigned.Stage, " sampled ", c.sampled), func(t *testing.T) {
			var legacy, fresh atomic.Int32
			count := func(n *atomic.Int32, name string) string {
				return backend(t, func(w http.ResponseWriter, _ *http.Request) { n.Add(1); _, _ = io.WriteString(w, name) })
			}
			r := startShadower(t, map[string]string{"legacy": count(&legacy, "legacy"), "new": count(&fresh, "new")},
				func(p *shadow.Policy) { p.Sample, p.Sampled = routing.FullWeight, c.sampled })
			r.install(1, c.definition)
			want := "legacy"
			if c.definition.Assigned.Stage == routing.StageNew {
				want = "new"
			}
			if _, body := r.do(http.MethodGet, "/", http.Header{"X-User-Id": {"7"}}, nil); body != want {
				t.Errorf("the client got %q", body)
			}
			r.want(c.want)
			if legacy.Load() != c.legacy || fresh.Load() != c.fresh {
				t.Errorf("%d requests at legacy, %d at new; want %d and %d", legacy.Load(), fresh.Load(), c.legacy, c.fresh)
			}
		})
	}
}

func TestAVisitorIsSampledWholeOrNotAtAll(t *testing.T) {
	r := startShadower(t, map[string]string{"legacy": named(t, "x"), "new": named(t, "x")},
		func(p *shadow.Policy) { p.Sample, p.Sampled = 5000, true })
	r.install(1, shadowing(routing.StageShadow, 0))
	sampled := 0
	for visitor := range 40 {
		for range 3 {
			r.do(http.MethodGet, "/", http.Header{"X-User-Id": {fmt.Sprint(visitor)}}, nil)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		if err := r.engine.Settle(ctx); err != nil {
			t.Fatal(err)
		}
		cancel()
		switch batch := r.collector.Drain(); {
		case len(batch.Tallies) == 0:
		case len(batch.Tallies) == 1 && batch.Tallies[0].N == 3:
			sampled++
		default:
			t.Errorf("visitor %d: %+v, want all three requests compared, or none", visitor, batch.Tallies)
		}
	}
	if sampled < 8 || sampled > 32 {
		t.Errorf("%d of 40 visitors are in a sample of half of them", sampled)
	}
}

func TestNoRedirectIsFollowedAndRewritingIsUndone(t *testing.T) {
	var atNew received
	r := startShadower(t, map[string]string{
		"legacy": backend(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/orders/43")
			w.WriteHeader(http.StatusFound)
		}),
		"new": backend(t, atNew.serve(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/v2/orders/43")
			w.WriteHeader(http.StatusFound)
		})),
	}, nil)
	definition := shadowing(routing.StageShadow, 0)
	definition.Match = routing.Match{Prefix: "/orders"}
	r.rewriting(1, definition, routing.New, exchange.RewriteDefinition{AddPrefix: "/v2"})
	res, _ := r.get("/orders/42")
	if res.StatusCode != http.StatusFound || res.Header.Get("Location") != "/orders/43" {
		t.Errorf("the client got %d and %q", res.StatusCode, res.Header.Get("Location"))
	}
	r.want(map[string]uint64{"match": 1})
	if requests, _ := atNew.all(); len(requests) != 1 || requests[0].RequestURI != "/v2/orders/42" {
		t.Errorf("new got %+v, want one request for /v2/orders/42", requests)
	}
}

func TestABackendOfAnotherTrustSeesNoCredentials(t *testing.T) {
	var atNew received
	r := startShadower(t, map[string]string{"legacy": named(t, "x"), "new": backend(t, atNew.serve(plainly("text/plain; charset=utf-8", "x")))}, nil)
	partner := r.backends["new"]
	partner.Trust = "partner"
	r.backends["new"] = partner
	r.install(1, shadowing(routing.StageShadow, 0))
	r.do(http.MethodGet, "/", http.Header{"Authorization": {"Bearer x"}, "Cookie": {"session=1"}, "X-Other": {"1"}}, nil)
	r.want(map[string]uint64{"match": 1})
	requests, _ := atNew.all()
	if len(requests) != 1 {
		t.Fatalf("%d requests", len(requests))
	}
	got := requests[0].Header
	if got.Get("Authorization") != "" || got.Get("Cookie") != "" || got.Get("X-Other") != "1" {
		t.Errorf("new got %v", got)
	}

	exemplar := shadow.Exemplar{
		Route: "orders", Served: "legacy",
		Request: shadow.Request{Method: http.MethodGet, Scheme: "http", Host: r.addr, Target: "/"},
	}
	answers, err := r.engine.Again(t.Context(), &exemplar, http.Header{"Authorization": {"Bearer given"}})
	if err != nil || answers.Withheld != [2]bool{routing.New: true} {
		t.Errorf("replayed: %+v, %v, want to hear that new got no credentials", answers, err)
	}
	requests, _ = atNew.all()
	if got := requests[len(requests)-1].Header; len(requests) != 2 || got.Get("Authorization") != "" {
		t.Errorf("new got %v", got)
	}
	if answers, err := r.engine.Again(t.Context(), &exemplar, nil); err != nil || answers.Withheld != [2]bool{} {
		t.Errorf("without credentials: %+v, %v", answers, err)
	}
}

func TestAShadowThatHangsOrFailsIsNobodysBusiness(t *testing.T) {
	for name, fresh := range map[string]http.HandlerFunc{
		"hangs":  func(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() },
		"fails":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"resets": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			r := startShadower(t, map[string]string{"legacy": named(t, "legacy"), "new": backend(t, fresh)}, func(p *shadow.Policy) {
				p.AtOnce, p.Queue, p.Timeout = 4, 4, 300*time.Millisecond
			})
			r.install(1, shadowing(routing.StageShadow, 0))
			for range 60 {
				if res, body := r.get("/"); res.StatusCode != http.StatusOK || body != "legacy" {
					t.Fatalf("the client got %d %q", res.StatusCode, body)
				}
			}
			for _, lane := range r.proxy.LaneStates() {
				if !lane.Rest() || lane.Retries < 3 {
					t.Errorf("lane %+v was touched", lane)
				}
			}
			for _, b := range r.proxy.BackendStates() {
				if b.InUse != 0 || !b.Endpoints[0].Ejected.IsZero() {
					t.Errorf("backend %+v was touched", b)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := r.engine.Settle(ctx); err != nil {
				t.Fatal(err)
			}
			opened := r.engine.States()[0].Breakers[routing.New].State == guard.Open
			if opened != (name != "hangs") { // too few of those came to an end
				t.Errorf("the shadow lane's breaker is open: %t", opened)
			}
		})
	}
}

func TestWhatTheRouterDidItselfIsNotCompared(t *testing.T) {
	t.Run("fallback", func(t *testing.T) {
		r := startShadower(t, map[string]string{"legacy": named(t, "x"), "new": "http://" + reserve(t).address},
			func(p *shadow.Policy) { p.Sample, p.Sampled = routing.FullWeight, true })
		r.install(1, shadowing(routing.StageNew, routing.FullWeight))
		if _, body := r.get("/"); body != "x" {
			t.Errorf("the client got %q", body)
		}
		r.want(map[string]uint64{"fallback": 1})
	})
	t.Run("a problem", func(t *testing.T) {
		r := startShadower(t, map[string]string{"legacy": "http://" + reserve(t).address, "new": named(t, "x")}, nil)
		r.install(1, shadowing(routing.StageShadow, 0))
		if res, _ := r.get("/"); res.StatusCode != http.StatusBadGateway {
			t.Errorf("status %d", res.StatusCode)
		}
		r.want(map[string]uint64{"primary": 1})
	})
	t.Run("a fault", func(t *testing.T) {
		r := startShadower(t, map[string]string{"legacy": named(t, "x"), "new": named(t, "x")}, nil)
		r.install(1, shadowing(routing.StageShadow, 0))
		r.proxy.SetControls(faulty(func(f *guard.Fault) { f.Side, f.Status = "legacy", http.StatusServiceUnavailable }))
		if res, _ := r.get("/"); res.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("status %d", res.StatusCode)
		}
		r.want(map[string]uint64{"fault": 1})
	})
	t.Run("half an answer", func(t *testing.T) {
		r := startShadower(t, map[string]string{"new": named(t, "x"), "legacy": backend(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		})}, nil)
		r.install(1, shadowing(routing.StageShadow, 0))
		res, err := client().Get("http://" + r.addr + "/")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(res.Body); err == nil {
			t.Error("the client did not see that half is missing")
		}
		_ = res.Body.Close()
		r.want(map[string]uint64{"primary": 1})
	})
	t.Run("an event stream that nobody asked for", func(t *testing.T) {
		r := startShadower(t, map[string]string{"new": named(t, "x"), "legacy": backend(t, plainly("text/event-stream", "data: x\n\n"))}, nil)
		r.install(1, shadowing(routing.StageShadow, 0))
		r.get("/")
		r.want(map[string]uint64{"events": 1})
	})
}

func TestTheShadowsBuildIsTheEpochs(t *testing.T) {
	r := startShadower(t, map[string]string{"legacy": named(t, "x"), "new": backend(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Build", "2.0.1")
		_, _ = io.WriteString(w, "y")
	})}, nil)
	fresh := r.backends["new"]
	fresh.BuildHeader = "X-Build"
	r.backends["new"] = fresh
	r.install(1, shadowing(routing.StageShadow, 0))
	r.get("/")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := r.engine.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	if epochs := r.collector.Drain().Epochs; len(epochs) != 1 || epochs[0].Build != "2.0.1" {
		t.Errorf("epochs %+v, want one of build 2.0.1", epochs)
	}
}

// The client's and the served request's bytes belong to them alone.
func TestManyShadowedRequestsAtOnceStayApart(t *testing.T) {
	echo := func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		w.Header().Set("Content-Type", "text/plain")
		_, _ = fmt.Fprintf(w, "%s %s %s", req.RequestURI, req.Header.Get("X-User-Id"), bytes.Repeat(body, 100))
	}
	r := startShadower(t, map[string]string{"legacy": backend(t, echo), "new": backend(t, echo)},
		func(p *shadow.Policy) { p.Writes, p.Sandbox, p.Queue = shadow.WritesSandbox, "new", 1000 })
	r.install(1, shadowing(routing.StageShadow, 0))
	var clients sync.WaitGroup
	for c := range 8 {
		clients.Go(func() {
			for i := range 25 {
				body := fmt.Sprintf("<%d-%d>", c, i)
				_, got := r.do(http.MethodPut, "/"+body[1:len(body)-1], http.Header{"X-User-Id": {body}}, strings.NewReader(body))
				if want := "/" + body[1:len(body)-1] + " " + body + " " + strings.Repeat(body, 100); got != want {
					t.Errorf("a client got %.60q, want %.60q", got, want)
					return
				}
			}
		})
	}
	clients.Wait()
	r.want(map[string]uint64{"match": 200})
}
