package proxy_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/stats"
)

// laneSeen is what a window of one lane says.
type laneSeen struct {
	Lane                                           string // side@step
	Classes                                        string // ok=3
	Failures, Fallbacks, Measured, Exposed, Failed uint64
	slowest                                        time.Duration
	requests                                       []string
	build                                          string
}

// observed is a router whose statistics a test reads.
type observed struct {
	*tester
	board *stats.Board
	done  int // requests that the test knows to have ended
}

func observe(t testing.TB, backends map[string]string, opts ...option) *observed {
	t.Helper()
	board := stats.NewBoard(time.Now())
	opts = append(opts, func(s *settings) { s.options.Board = board })
	return &observed{tester: startTester(t, backends, opts...), board: board}
}

// windows waits until so many more requests have ended, and returns what was seen since
// the last time.
func (o *observed) windows(requests int) []stats.LaneWindow {
	o.t.Helper()
	o.done += requests
	o.log.entries(o.t, o.done)
	return o.board.Drain(time.Now())
}

// seen waits until so many more requests have ended, and returns what was seen of
// the route orders since the last time. A request is recorded before it is logged.
func (o *observed) seen(requests int) []laneSeen {
	o.t.Helper()
	var all []laneSeen
	windows := o.windows(requests)
	for i := range windows {
		w := &windows[i]
		if w.Route != "orders" {
			continue
		}
		lane := laneSeen{
			Lane: fmt.Sprintf("%s@%d", w.Side, w.Step), Failures: w.Failures, Fallbacks: w.Fallbacks,
			Measured: w.Latency.Count(), Exposed: w.Exposed.Count(), Failed: w.Failed.Count(),
			slowest: w.Latency.Quantile(1).High, requests: w.Requests, build: w.Build,
		}
		var classes []string
		for class, n := range w.Classes {
			if n > 0 {
				classes = append(classes, fmt.Sprintf("%s=%d", guard.Class(class), n))
			}
		}
		lane.Classes = strings.Join(classes, " ")
		all = append(all, lane)
	}
	slices.SortFunc(all, func(a, b laneSeen) int { return strings.Compare(a.Lane, b.Lane) })
	return all
}

func (o *observed) expect(requests int, want ...laneSeen) {
	o.t.Helper()
	ignoring := gocmp.FilterPath(func(p gocmp.Path) bool {
		name := p.Last().String()
		return name == ".slowest" || name == ".requests" || name == ".build"
	}, gocmp.Ignore())
	if diff := gocmp.Diff(want, o.seen(requests), ignoring, gocmp.AllowUnexported(laneSeen{})); diff != "" {
		o.t.Errorf("lanes (-want +got):\n%s", diff)
	}
}

// Only whom chance has put on a side counts by his key; all count as requests. Every
// key asks once, so that no minute that ends meanwhile counts it twice.
func TestOnlyWhoWasDrawnIsExposed(t *testing.T) {
	o := observe(t, map[string]string{"legacy": named(t, "legacy"), "new": named(t, "new")})
	split := canary("/orders", 5000)
	split.Pins = []routing.Pin{{Key: "acme", Side: routing.New}, {Key: "other", Side: routing.Legacy}}
	o.install(1, split)
	onNew := 0
	for id := range 20 {
		if _, body := o.do("GET", "/orders/1", user(id), nil); body == "new" {
			onNew++
		}
	}
	for _, key := range []string{"acme", "other"} {
		o.do("GET", "/orders/1", http.Header{"X-User-Id": {key}}, nil)
	}
	o.get("/orders/1") // no key
	for _, side := range []string{"new", "legacy"} {
		_, value := o.sign(o.keys, "orders", side, time.Now())
		o.do("GET", "/orders/1", borne(value), nil)
	}
	if onNew == 0 || onNew == 20 {
		t.Fatalf("%d of 20 users are on new: choose other users", onNew)
	}
	legacy, served := uint64(20-onNew), uint64(onNew)
	o.expect(25,
		laneSeen{Lane: "legacy@0", Classes: fmt.Sprintf("ok=%d", legacy+3), Measured: legacy + 3, Exposed: legacy},
		laneSeen{Lane: "new@0", Classes: fmt.Sprintf("ok=%d", served+2), Measured: served + 2, Exposed: served})
}

// Where the stage decides, who has no key is known by his address.
func TestAStageExposesEveryone(t *testing.T) {
	o := observe(t, map[string]string{"legacy": named(t, "legacy"), "new": named(t, "new")})
	shadowed := canary("/orders", 0)
	shadowed.Assigned.Stage = routing.StageShadow
	retired := canary("/orders", routing.FullWeight)
	retired.Assigned.Stage = routing.StageRetired
	alone := canary("/orders", 0)
	alone.New = ""
	for i, c := range []struct {
		route   routing.Definition
		side    string
		exposed uint64
	}{
		{canary("/orders", 0), "legacy", 4},
		{shadowed, "legacy", 4},
		{canary("/orders", routing.FullWeight), "new", 4},
		{retired, "new", 0}, // there is nothing to compare it with any more
		{alone, "legacy", 0},
	} {
		o.install(routing.Revision(i+1), c.route)
		for id := range 3 {
			o.do("GET", "/orders/1", user(id), nil)
		}
		o.get("/orders/1")
		o.expect(4, laneSeen{Lane: c.side + "@0", Classes: "ok=4", Measured: 4, Exposed: c.exposed})
	}
}

// What new could not do counts against it, and nothing of it in legacy's favour.
func TestAFallbackIsNewsFailure(t *testing.T) {
	status := http.StatusServiceUnavailable
	o := observe(t, map[string]string{
		"legacy": named(t, "legacy"),
		"new":    backend(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }),
	}, patient(func(p *guard.Policy) { p.Retry.Attempts, p.Fallback = 1, guard.Fallback503|guard.Fallback404 }))
	o.install(1, canary("/orders", routing.FullWeight))
	for id, s := range []int{http.StatusServiceUnavailable, http.StatusNotFound} {
		status = s
		if _, body := o.do("GET", "/orders/1", user(id), nil); body != "legacy" {
			t.Fatalf("after %d the client has %q, want legacy's answer", s, body)
		}
		o.expect(1,
			laneSeen{Lane: "legacy@0", Classes: "ok=1", Measured: 1},
			laneSeen{Lane: "new@0", Classes: "failure=1", Failures: 1, Fallbacks: 1, Measured: 1, Exposed: 1, Failed: 1})
	}
}

func TestARetriedRequestCountsOnceByItsEndAndAgainstTheLane(t *testing.T) {
	tries := 0
	o := observe(t, map[string]string{"legacy": named(t, "legacy"), "new": backend(t, func(w http.ResponseWriter, _ *http.Request) {
		if tries++; tries == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})}, patient(func(p *guard.Policy) { p.Retry.Attempts = 3 }))
	o.install(1, canary("/orders", routing.FullWeight))
	o.do("GET", "/orders/1", user(1), nil)
	o.expect(1, laneSeen{Lane: "new@0", Classes: "ok=1", Measured: 1, Exposed: 1, Failed: 1})
	if tries != 2 {
		t.Errorf("%d tries, want 2", tries)
	}
}

// Nothing reached the backend, and yet the client has an error.
func TestWhatTheGuardRefusesCountsAgainstItsLane(t *testing.T) {
	alone := func(p *guard.Policy) { p.Retry.Attempts, p.Fallback = 1, guard.FallbackNever }
	t.Run("breaker", func(t *testing.T) {
		o := observe(t, map[string]string{"legacy": named(t, "legacy"), "new": dead}, patient(func(p *guard.Policy) {
			alone(p)
			p.Breaker.InARow, p.Breaker.OpenFor = 2, time.Minute
		}))
		o.install(1, canary("/orders", routing.FullWeight))
		for id := range 3 {
			o.do("GET", "/orders/1", user(id), nil)
		}
		o.expect(3, laneSeen{Lane: "new@0", Classes: "not_sent=3", Failures: 3, Exposed: 3, Failed: 3})
	})
	t.Run("bulkhead", func(t *testing.T) {
		reached, proceed := make(chan struct{}), make(chan struct{})
		o := observe(t, map[string]string{"legacy": named(t, "legacy"), "new": backend(t, func(http.ResponseWriter, *http.Request) {
			reached <- struct{}{}
			<-proceed
		})}, patient(func(p *guard.Policy) {
			alone(p)
			p.Bulkhead = guard.BulkheadPolicy{Limit: 1}
		}))
		o.install(1, canary("/orders", routing.FullWeight))
		ended := make(chan struct{})
		go func() { defer close(ended); o.do("GET", "/orders/1", user(1), nil) }()
		<-reached
		if res, _ := o.do("GET", "/orders/1", user(2), nil); res.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("status %d, want 503 while new is full", res.StatusCode)
		}
		close(proceed)
		<-ended
		o.expect(2, laneSeen{Lane: "new@0", Classes: "ok=1 not_sent=1", Failures: 1, Measured: 1, Exposed: 2, Failed: 1})
	})
}

func TestAClientThatLeavesIsNobodysFailure(t *testing.T) {
	reached := make(chan struct{})
	o := observe(t, map[string]string{"legacy": named(t, "legacy"), "new": backend(t, func(_ http.ResponseWriter, r *http.Request) {
		close(reached)
		<-r.Context().Done()
	})})
	o.install(1, canary("/orders", routing.FullWeight))
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+o.addr+"/orders/1", nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() { <-reached; leave() }()
	if res, err := client().Do(request); err == nil {
		_ = res.Body.Close()
		t.Fatal("the client has an answer although it left")
	}
	o.expect(1, laneSeen{Lane: "new@0", Classes: "client_gone=1", Exposed: 1})
}

// Nobody waits for a side that hangs until it times out.
func TestAClientThatLeavesASlowSideSaysThatItIsSlow(t *testing.T) {
	for limit, want := range map[time.Duration]uint64{time.Millisecond: 1, time.Minute: 0} {
		reached := make(chan struct{})
		o := observe(t, map[string]string{"legacy": named(t, "legacy"), "new": backend(t, func(_ http.ResponseWriter, r *http.Request) {
			close(reached)
			<-r.Context().Done()
		})})
		o.install(1, canary("/orders", routing.FullWeight))
		o.board.SetSlow(map[string]time.Duration{"orders": limit})
		ctx, leave := context.WithCancel(t.Context())
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+o.addr+"/orders/1", nil)
		if err != nil {
			t.Fatal(err)
		}
		go func() { <-reached; time.Sleep(2 * time.Millisecond); leave() }() // somebody's patience
		if res, err := client().Do(request); err == nil {
			_ = res.Body.Close()
			t.Fatal("the client has an answer although it left")
		}
		o.log.entries(t, 1)
		windows := o.board.Drain(time.Now())
		if len(windows) != 1 || windows[0].Slowed.Count() != want || windows[0].Latency.Count() != 0 {
			t.Errorf("with %s as the limit %d were slow, want %d: %+v", limit, windows[0].Slowed.Count(), want, windows[0].Classes)
		}
	}
}

// Who sends his request slowly says nothing about the side: whoever chooses his key could
// make new look slow.
func TestASlowClientMakesNoSideSlow(t *testing.T) {
	const pauses, limit = 120 * time.Millisecond, 60 * time.Millisecond
	o := observe(t, map[string]string{"legacy": named(t, "legacy"), "new": backend(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	})})
	o.install(1, canary("/orders", routing.FullWeight))
	o.board.SetSlow(map[string]time.Duration{"orders": limit})
	reading, writing := io.Pipe()
	go func() {
		_, _ = io.WriteString(writing, "one")
		time.Sleep(pauses) // what it is slow by
		_, _ = io.WriteString(writing, "two")
		_ = writing.Close()
	}()
	res, err := client().Post("http://"+o.addr+"/orders/1", "text/plain", reading)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if got := o.windows(1); len(got) != 1 || got[0].Slow != 0 || got[0].Slowed.Count() != 0 || got[0].Latency.Count() != 1 || got[0].Latency.Quantile(1).Low >= limit {
		t.Errorf("who sends slowly: %+v", got)
	}
}

// A stream may last for hours; what counts is how long its head took. Where it
// breaks off that is a failure all the same.
func TestAStreamIsMeasuredByItsHead(t *testing.T) {
	const lasts = 300 * time.Millisecond
	cut := false
	o := observe(t, map[string]string{"legacy": named(t, "legacy"), "new": backend(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: one\n\n")
		_ = http.NewResponseController(w).Flush()
		time.Sleep(lasts) // the stream has no end in sight
		if cut {
			panic(http.ErrAbortHandler)
		}
	})})
	o.install(1, canary("/orders", routing.FullWeight))
	o.do("GET", "/orders/1", user(1), nil)
	got := o.seen(1)
	if len(got) != 1 || got[0].Classes != "ok=1" || got[0].Measured != 1 || got[0].slowest >= lasts {
		t.Errorf("seen %+v, want one request whose head took less than %s", got, lasts)
	}
	cut = true
	res, err := client().Get("http://" + o.addr + "/orders/1")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	o.expect(1, laneSeen{Lane: "new@0", Classes: "broken=1", Failures: 1, Measured: 1, Exposed: 1, Failed: 1})
}

// A fault is a rehearsal: it counts as if the backend had failed.
func TestAnInjectedFaultCounts(t *testing.T) {
	o := observe(t, map[string]string{"legacy": named(t, "legacy"), "new": named(t, "new")},
		patient(func(p *guard.Policy) { p.Retry.Attempts, p.Fallback = 1, guard.FallbackNever }))
	o.install(1, canary("/orders", routing.FullWeight))
	o.proxy.SetControls(faulty(func(f *guard.Fault) { f.Status = 503 }))
	o.do("GET", "/orders/1", http.Header{"X-User-Id": {"1"}, "X-Request-Id": {"rehearsal"}}, nil)
	got := o.seen(1)
	if len(got) != 1 || got[0].Failed != 1 || !slices.Equal(got[0].requests, []string{"rehearsal"}) {
		t.Errorf("seen %+v, want one failure, named", got)
	}
}

func TestTheBuildIsThatOfTheLastAnswerWhichNamesOne(t *testing.T) {
	build := "v1"
	o := observe(t, map[string]string{"legacy": named(t, "legacy"), "new": backend(t, func(w http.ResponseWriter, _ *http.Request) {
		if build != "" {
			w.Header().Set("X-Build", build)
		}
	})})
	b := o.backends["new"]
	b.BuildHeader = "X-Build"
	o.backends["new"] = b
	o.install(1, canary("/orders", routing.FullWeight))
	for _, c := range []struct{ says, want string }{{"v1", "v1"}, {"v2", "v2"}, {"", "v2"}} {
		build = c.says
		o.do("GET", "/orders/1", user(1), nil)
		if got := o.seen(1); len(got) != 1 || got[0].build != c.want {
			t.Errorf("after an answer of build %q: %+v, want %q", c.says, got, c.want)
		}
	}
}

// A request that was assigned before a promotion counts where it was assigned,
// though it ends afterwards; whatever comes by the new table counts there.
func TestNoWindowHoldsTwoSteps(t *testing.T) {
	reached, proceed := make(chan struct{}), make(chan struct{})
	o := observe(t, map[string]string{"legacy": named(t, "legacy"), "new": backend(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			close(reached)
			<-proceed
		}
	})})
	o.board.SetStep("orders", 1, time.Now())
	o.install(1, canary("/orders", 9999))
	o.do("GET", "/orders/1", user(1), nil)
	ended := make(chan struct{})
	go func() { defer close(ended); o.do("POST", "/orders/1", user(2), nil) }()
	<-reached
	o.board.SetStep("orders", 2, time.Now())
	o.install(2, canary("/orders", routing.FullWeight))
	o.do("GET", "/orders/1", user(3), nil)
	o.install(3, canary("/orders", routing.FullWeight), legacyOnly()) // another route has come
	o.do("GET", "/orders/1", user(4), nil)
	close(proceed)
	<-ended
	o.expect(4,
		laneSeen{Lane: "new@1", Classes: "ok=1", Measured: 1, Exposed: 1}, // cut off
		laneSeen{Lane: "new@1", Classes: "ok=1", Measured: 1, Exposed: 1}, // the late one
		laneSeen{Lane: "new@2", Classes: "ok=2", Measured: 2, Exposed: 2})
}
