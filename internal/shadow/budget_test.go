package shadow_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/shadow/compare"
)

const large = 200 << 10

// held lets everything happen that can before the client's answer ends, and
// returns how many bytes are reserved then.
func (s *stand) held() int64 {
	time.Sleep(time.Second)
	synctest.Wait()
	return s.engine.Budget().Used()
}

func TestWhatCannotBeComparedHoldsNoRoom(t *testing.T) {
	for name, reply := range map[string]shadow.Reply{
		"broken":    {Class: guard.Broken, Err: errors.New("reset")},
		"not asked": {Class: guard.NotSent, NotAsked: true, Reason: shadow.ReasonNotSent},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := setUp(t, shadow.Sides{Legacy: says("{}"), New: asking(func(_ context.Context, _ *shadow.Request, body *shadow.Copy) shadow.Reply {
					_, _ = body.Write(make([]byte, large))
					return reply
				})}, nil)
				job := s.begin(get("/"))
				job.Answered(200, nil, -1)
				if held := s.held(); held > 10<<10 {
					t.Errorf("%d bytes are held for as long as the client is served", held)
				}
				job.Served("", time.Now())
				s.settle()
			})
		})
	}
}

func TestHeadsOfAnswersArePaidFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		long := header("X-Long", strings.Repeat("x", large))
		s := setUp(t, shadow.Sides{Legacy: says("{}"), New: asking(func(context.Context, *shadow.Request, *shadow.Copy) shadow.Reply {
			return shadow.Reply{Status: 200, Header: long}
		})}, nil)
		job := s.begin(get("/"))
		job.Answered(200, long, 0)
		if held := s.held(); held < 2*large {
			t.Errorf("%d bytes are held, want those of both heads", held)
		}
		job.Served("", time.Now())
		s.want(map[string]uint64{"match": 1})
		// 1 MiB has room for the heads of two, and of one more request.
		for range 10 {
			s.begin(get("/")).Answered(200, long, 0)
		}
		if got := s.results(); got["skipped:memory"] < 5 {
			t.Errorf("results %v, want most without room", got)
		}
		if used := s.engine.Budget().Used(); used > s.engine.Budget().Limit() {
			t.Errorf("%d bytes", used)
		}
	})
}

// Asking once more may take as long as a shadow request may, and the bodies have
// been compared by then.
func TestNoBodyIsHeldWhileBothSidesAreAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		asked := 0
		s := setUp(t, shadow.Sides{Legacy: says("{}"), New: asking(func(ctx context.Context, r *shadow.Request, body *shadow.Copy) shadow.Reply {
			if asked++; asked > 1 {
				<-release
			}
			return says(`"`+strings.Repeat("x", large)+`"`)(ctx, r, body)
		})}, func(p *shadow.Policy) { p.Noise = routing.FullWeight })
		s.serve(get("/"), "{}")
		if held := s.held(); asked != 2 || held > 10<<10 {
			t.Errorf("asked %d times, and %d bytes are held", asked, held)
		}
		close(release)
		s.want(map[string]uint64{"mismatch": 1})
	})
}

// A bug in asking, comparing or redacting must not end the router.
func TestAPanicIsOneRequestLessToCompare(t *testing.T) {
	s := setUp(t, shadow.Sides{Legacy: says("{}"), New: asking(func(context.Context, *shadow.Request, *shadow.Copy) shadow.Reply {
		panic("a bug")
	})}, nil)
	s.serve(get("/"), "{}")
	s.want(map[string]uint64{"skipped:internal": 1})

	s = setUp(t, shadow.Sides{Legacy: says(`{"a":2}`), New: says(`{"a":2}`)}, nil)
	s.collector.SetRoutes(map[string]shadow.RouteSettings{"orders": {Redactor: fragile{}}})
	s.serve(get("/"), `{"a":1}`)
	s.settle()
	if got := s.results(); got["skipped:internal"] != 1 {
		t.Errorf("results %v, want one skipped", got)
	}
	s.collector.SetRoutes(map[string]shadow.RouteSettings{"orders": {Redactor: hider{}}})
	s.serve(get("/"), `{"a":1}`)
	s.want(map[string]uint64{"mismatch": 1})
}

// fragile panics when a difference is shown to it.
type fragile struct{ hider }

func (fragile) Difference(compare.Difference) compare.Difference { panic("a bug") }
