package shadow_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow"
)

func TestTheOtherSideIsAskedAndCompared(t *testing.T) {
	s := setUp(t, shadow.Sides{Legacy: says(`{"total":1}`), New: says(`{"total":2}`)}, nil)
	s.serve(get("/orders/1"), `{"total":2}`)
	s.serve(get("/orders/2"), `{"total":3}`)
	reverse := get("/orders/3")
	reverse.Served = routing.New
	s.serve(reverse, `{"total":1}`) // legacy's answer
	s.want(map[string]uint64{"match": 2, "mismatch": 1})
	if s.meter.words["match"] != 2 || s.meter.words["mismatch"] != 1 {
		t.Errorf("metrics say %v", s.meter.words)
	}
}

func TestWhatIsNotAskedTwice(t *testing.T) {
	var asked atomic.Int32
	count := asking(func(ctx context.Context, r *shadow.Request, body *shadow.Copy) shadow.Reply {
		asked.Add(1)
		return says("{}")(ctx, r, body)
	})
	for name, c := range map[string]struct {
		head shadow.Head
		want string
	}{
		"a write":                     {shadow.Head{Method: "POST", Path: "/"}, "method"},
		"a method of its own":         {shadow.Head{Method: "PROPFIND", Path: "/"}, "method"},
		"OPTIONS":                     {shadow.Head{Method: "OPTIONS", Path: "/"}, "method"},
		"a WebSocket":                 {shadow.Head{Method: "GET", Path: "/", Kind: exchange.KindUpgrade}, "upgrade"},
		"an event stream":             {shadow.Head{Method: "GET", Path: "/", Kind: exchange.KindEvents}, "events"},
		"gRPC":                        {shadow.Head{Method: "POST", Path: "/", Kind: exchange.KindGRPC}, "grpc"},
		"If-None-Match":               {shadow.Head{Method: "GET", Path: "/", Header: header("If-None-Match", `"1"`)}, "conditional"},
		"If-Modified-Since":           {shadow.Head{Method: "GET", Path: "/", Header: header("If-Modified-Since", "x")}, "conditional"},
		"Range":                       {shadow.Head{Method: "GET", Path: "/", Header: header("Range", "bytes=0-1")}, "range"},
		"a sign-in code":              {shadow.Head{Method: "GET", Path: "/callback", Query: "state=x&code=1"}, "one_time"},
		"a code in capitals":          {shadow.Head{Method: "GET", Path: "/callback", Query: "CODE=1"}, "one_time"},
		"a reset token":               {shadow.Head{Method: "GET", Path: "/", Query: "Reset-Token=1"}, "one_time"},
		"a SAML response":             {shadow.Head{Method: "GET", Path: "/", Query: "SAMLResponse=1"}, "one_time"},
		"an unsubscribe link":         {shadow.Head{Method: "GET", Path: "/mail/7/Unsubscribe/"}, "one_time"},
		"a shadow request":            {shadow.Head{Method: "GET", Path: "/", Header: header("Strangler-Shadow", "1")}, "loop"},
		"an ordinary request":         {shadow.Head{Method: "GET", Path: "/"}, "match"},
		"a page token is no such one": {shadow.Head{Method: "GET", Path: "/", Query: "page_token=1&zip_code=2"}, "match"},
		"HEAD":                        {shadow.Head{Method: "HEAD", Path: "/"}, "match"},
	} {
		t.Run(name, func(t *testing.T) {
			asked.Store(0)
			s := setUp(t, shadow.Sides{Legacy: count, New: count}, nil)
			job := s.begin(&c.head)
			job.Answered(200, header("Content-Type", "application/json"), 2)
			if c.head.Method != "HEAD" {
				job.Write([]byte("{}"))
			}
			job.Served("", time.Now())
			if c.want == "match" {
				s.want(map[string]uint64{"match": 1})
				return
			}
			s.want(map[string]uint64{"skipped:" + c.want: 1})
			if n := asked.Load(); n != 0 {
				t.Errorf("asked %d times", n)
			}
		})
	}
}

func TestWritesAreCopiedWhereTheRouteSaysSo(t *testing.T) {
	fresh, sandbox := says(`"fresh"`), says(`"sandbox"`)
	for _, c := range []struct {
		writes shadow.Writes
		served routing.Side
		want   map[string]uint64
	}{
		{shadow.WritesOff, routing.Legacy, map[string]uint64{"skipped:method": 1}},
		{shadow.WritesDryRun, routing.Legacy, map[string]uint64{"mismatch": 1}},
		{shadow.WritesSandbox, routing.Legacy, map[string]uint64{"match": 1}},
		{shadow.WritesDryRun, routing.New, map[string]uint64{"skipped:method": 1}},
		{shadow.WritesSandbox, routing.New, map[string]uint64{"skipped:method": 1}},
	} {
		t.Run(c.writes.String()+" "+c.served.String(), func(t *testing.T) {
			sides := shadow.Sides{Legacy: says("{}"), New: fresh}
			if c.writes == shadow.WritesSandbox {
				sides.Sandbox = sandbox
			}
			s := setUp(t, sides, func(p *shadow.Policy) { p.Writes = c.writes })
			s.serve(&shadow.Head{Method: "POST", Path: "/", Served: c.served}, `"sandbox"`)
			s.want(c.want)
		})
	}
}

func TestTheBodyOfAWriteIsSentAsItCame(t *testing.T) {
	got := make(chan string, 1)
	fresh := asking(func(ctx context.Context, r *shadow.Request, body *shadow.Copy) shadow.Reply {
		got <- string(r.Body)
		return says("{}")(ctx, r, body)
	})
	s := setUp(t, shadow.Sides{Legacy: says("{}"), New: fresh}, func(p *shadow.Policy) { p.Writes = shadow.WritesDryRun })
	job := s.lane.Begin(&shadow.Head{Method: "PUT", Path: "/"}, &s.sides, time.Now())
	_, _ = job.Upload().Write([]byte("one, "))
	_, _ = job.Upload().Write([]byte("two"))
	job.Offer(shadow.Request{Method: "PUT", Target: "/"})
	job.Answered(200, header("Content-Type", "application/json"), 2)
	job.Write([]byte("{}"))
	job.Served("", time.Now())
	s.want(map[string]uint64{"match": 1})
	if body := <-got; body != "one, two" {
		t.Errorf("body %q", body)
	}
}

func TestWhatTheClientDidNotGetIsNotCompared(t *testing.T) {
	s := setUp(t, shadow.Sides{Legacy: says("{}"), New: says("{}")}, nil)
	s.begin(get("/1")).Abandon(shadow.ReasonPrimary)
	s.begin(get("/2")).Abandon(shadow.ReasonFallback)
	never := s.lane.Begin(get("/3"), &s.sides, time.Now())
	never.Served("", time.Now()) // its request was never sent
	cut := s.begin(get("/4"))
	cut.Answered(200, nil, 10)
	cut.Write([]byte("half"))
	cut.Abandon(shadow.ReasonPrimary)
	cut.Served("", time.Now()) // too late
	s.want(map[string]uint64{"skipped:primary": 3, "skipped:fallback": 1})
}

func TestASideThatWasAskedAndGaveNoAnswerIsAMismatch(t *testing.T) {
	for class, want := range map[guard.Class]map[string]uint64{
		guard.Timeout:    {"mismatch": 1},
		guard.NoResponse: {"mismatch": 1},
		guard.Broken:     {"mismatch": 1},
	} {
		t.Run(class.String(), func(t *testing.T) {
			s := setUp(t, shadow.Sides{Legacy: says("{}"), New: asking(func(context.Context, *shadow.Request, *shadow.Copy) shadow.Reply {
				return shadow.Reply{Class: class, Err: errors.New("it broke")}
			})}, nil)
			s.serve(get("/"), "{}")
			s.want(want)
		})
	}
	s := setUp(t, shadow.Sides{Legacy: says("{}"), New: asking(func(context.Context, *shadow.Request, *shadow.Copy) shadow.Reply {
		return shadow.Reply{Class: guard.NotSent, NotAsked: true, Reason: shadow.ReasonNotSent}
	})}, nil)
	s.serve(get("/"), "{}")
	s.want(map[string]uint64{"skipped:not_sent": 1})
}

// hanging is a side that answers when its context ends or release is closed.
func hanging(release <-chan struct{}) asking {
	return func(ctx context.Context, r *shadow.Request, body *shadow.Copy) shadow.Reply {
		select {
		case <-release:
			return says("{}")(ctx, r, body)
		case <-ctx.Done():
			return shadow.Reply{Class: guard.Timeout, Err: ctx.Err()}
		}
	}
}

func TestNothingWaitsForAShadowThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := setUp(t, shadow.Sides{Legacy: says("{}"), New: hanging(nil)}, func(p *shadow.Policy) { p.AtOnce, p.Queue = 2, 3 })
		began := time.Now()
		for range 100 {
			s.serve(get("/"), "{}")
		}
		if took := time.Since(began); took != 0 { // time stands still in the bubble unless somebody waits
			t.Errorf("serving waited %s for the shadow", took)
		}
		states := s.engine.States()
		if len(states) != 1 || states[0].Running != 2 || states[0].Queued != 3 {
			t.Errorf("states %+v, want 2 running and 3 queued", states)
		}
		s.settle()
		if got := s.results(); got["skipped:dropped"] != 95 || got["mismatch"] != 5 {
			t.Errorf("results %v, want 95 dropped, and 5 that got no answer in time", got)
		}
	})
}

func TestTheServedRequestHasAHeadStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var askedAfter atomic.Int64 // since began
		s := setUp(t, shadow.Sides{Legacy: says("{}"), New: asking(func(ctx context.Context, r *shadow.Request, body *shadow.Copy) shadow.Reply {
			askedAfter.Store(int64(time.Since(began)))
			return says("{}")(ctx, r, body)
		})}, nil)
		s.serve(get("/"), "{}") // answered at once
		s.settle()
		if late := time.Duration(askedAfter.Load()); late != 0 {
			t.Errorf("asked %s after the served request was answered", late)
		}
		slow := s.begin(get("/"))
		time.Sleep(time.Second)
		if late := time.Duration(askedAfter.Load()); late != 10*time.Millisecond {
			t.Errorf("asked after %s, want 10ms beside a request that takes long", late)
		}
		slow.Answered(200, header("Content-Type", "application/json"), 2)
		slow.Write([]byte("{}"))
		slow.Served("", time.Now())
		gone := s.begin(get("/"))
		gone.Abandon(shadow.ReasonPrimary)
		askedAfter.Store(0)
		s.want(map[string]uint64{"match": 2, "skipped:primary": 1})
		if askedAfter.Load() != 0 {
			t.Error("a request without an answer was asked of the other side as well")
		}
	})
}

func TestTheBreakerOfShadowRequestsKeepsThemFromABackendThatIsDown(t *testing.T) {
	s := setUp(t, shadow.Sides{Legacy: says("{}"), New: asking(func(context.Context, *shadow.Request, *shadow.Copy) shadow.Reply {
		return shadow.Reply{Class: guard.NoResponse, Err: errors.New("reset")}
	})}, nil)
	for range 40 {
		s.serve(get("/"), "{}")
		s.settle()
	}
	got := s.results()
	if got["mismatch"] != 20 || got["skipped:breaker_open"] != 20 {
		t.Errorf("results %v, want 20 mismatches, and 20 skipped", got)
	}
	if state := s.engine.States()[0].Breakers[routing.New].State; state != guard.Open {
		t.Errorf("the breaker is %s", state)
	}
}

func TestBodiesBeyondTheLimitAreNotCompared(t *testing.T) {
	large := `"` + strings.Repeat("x", 100) + `"`
	limit := func(p *shadow.Policy) { p.MaxBody = 50 }
	s := setUp(t, shadow.Sides{Legacy: says("{}"), New: says("{}")}, limit)
	s.serve(get("/"), large)
	streamed := s.begin(get("/"))
	streamed.Answered(200, nil, -1)
	for range 20 {
		streamed.Write([]byte("xxxxx"))
	}
	streamed.Served("", time.Now())
	s.want(map[string]uint64{"skipped:too_large": 2})
	s = setUp(t, shadow.Sides{Legacy: says("{}"), New: says(large)}, limit)
	s.serve(get("/"), "{}")
	s.want(map[string]uint64{"skipped:too_large": 1})
}

func TestAllCopiesTogetherStayWithinTheBudget(t *testing.T) {
	release := make(chan struct{})
	s := setUp(t, shadow.Sides{Legacy: says("{}"), New: hanging(release)}, func(p *shadow.Policy) { p.AtOnce, p.Queue = 4, 1000 })
	part := make([]byte, 10<<10)
	limit := s.engine.Budget().Limit() // 1 MiB
	var serving sync.WaitGroup
	for range 8 {
		serving.Go(func() {
			for range 40 {
				job := s.begin(get("/"))
				job.Answered(200, nil, -1)
				for range 10 {
					job.Write(part)
					if used := s.engine.Budget().Used(); used > limit {
						t.Errorf("%d bytes of %d", used, limit)
						return
					}
				}
				job.Served("", time.Now())
			}
		})
	}
	serving.Wait()
	close(release)
	s.settle()
	got := s.results()
	if got["skipped:memory"] == 0 || got["skipped:memory"]+got["mismatch"] != 320 {
		t.Errorf("results %v, want 320 in all, some of them without room", got)
	}
}

func TestLegacyIsAskedTwiceToTellNoise(t *testing.T) {
	var n atomic.Int64
	random := asking(func(ctx context.Context, r *shadow.Request, body *shadow.Copy) shadow.Reply {
		return says(`{"at":"`+time.Duration(n.Add(1)).String()+`"}`)(ctx, r, body)
	})
	s := setUp(t, shadow.Sides{Legacy: random, New: random}, func(p *shadow.Policy) { p.Noise = routing.FullWeight })
	for range 3 {
		s.serve(get("/"), `{"at":"the client's"}`)
		s.settle()
	}
	batch := s.collector.Drain()
	if len(batch.Sightings) != 1 || batch.Sightings[0].Pairs.Both != 3 {
		t.Fatalf("sightings %+v, want one, of 3 pairs in which legacy differs from itself as well", batch.Sightings)
	}
	// The first mismatch is asked once more on both sides; the others came within a second.
	if got := batch.Sightings[0]; got.Confirmed != 1 || got.Transient != 0 {
		t.Errorf("confirmed %d, transient %d; want 1 and 0", got.Confirmed, got.Transient)
	}
	if got := n.Load(); got != 3*2+2 {
		t.Errorf("asked %d times, want 8", got)
	}
}

func TestWithoutLeaveLegacyIsAskedNoMoreThanItsClientsDo(t *testing.T) {
	s := setUp(t, shadow.Sides{New: says(`{"total":2}`), Legacy: asking(func(context.Context, *shadow.Request, *shadow.Copy) shadow.Reply {
		t.Error("legacy was asked by the router itself")
		return shadow.Reply{}
	})}, nil)
	s.serve(get("/"), `{"total":1}`)
	s.want(map[string]uint64{"mismatch": 1})
}

func TestCloseLosesNothingWithoutSayingSo(t *testing.T) {
	s := setUp(t, shadow.Sides{Legacy: says("{}"), New: hanging(nil)}, func(p *shadow.Policy) { p.AtOnce = 2 })
	for range 5 {
		s.serve(get("/"), "{}")
	}
	s.engine.Close()
	s.serve(get("/"), "{}")
	s.want(map[string]uint64{"skipped:stopped": 5, "skipped:dropped": 1})
}

func TestAPolicyThatChangesKeepsWhatTheLaneKnows(t *testing.T) {
	s := setUp(t, shadow.Sides{Legacy: says("{}"), New: asking(func(context.Context, *shadow.Request, *shadow.Copy) shadow.Reply {
		return shadow.Reply{Class: guard.NoResponse, Err: errors.New("reset")}
	})}, nil)
	for range 20 {
		s.serve(get("/"), "{}")
		s.settle()
	}
	before := s.lane
	s.use(nil)
	if s.lane != before {
		t.Error("the same settings made another lane")
	}
	s.use(func(p *shadow.Policy) { p.Queue = 1 })
	s.serve(get("/"), "{}")
	s.settle()
	if got := s.results(); got["skipped:breaker_open"] != 1 {
		t.Errorf("results %v: the breaker was forgotten with the policy", got)
	}
}

func TestAJobThatIsNoneDoesNothing(t *testing.T) {
	var none *shadow.Job
	none.Offer(shadow.Request{Method: "GET"})
	none.Answered(200, nil, 1)
	none.Write([]byte("x"))
	none.Served("", time.Now())
	none.Abandon(shadow.ReasonPrimary)
	if none.Upload() != nil || !none.Offered() {
		t.Error("a nil job has a body, or waits for a request")
	}
}
