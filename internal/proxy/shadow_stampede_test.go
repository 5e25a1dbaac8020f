package proxy_test

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/proxy"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow"
)

// capricious does something else with every request.
func capricious(w http.ResponseWriter, req *http.Request) {
	if rand.IntN(2) == 0 {
		_, _ = io.Copy(io.Discard, req.Body)
	}
	header := w.Header()
	switch rand.IntN(12) {
	case 0: // nobody waits so long
		time.Sleep(300 * time.Millisecond)
	case 1:
		panic(http.ErrAbortHandler)
	case 2: // half an answer
		header.Set("Content-Length", "1000")
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case 3:
		header.Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: 1\n\n")
	case 4:
		_, _ = io.WriteString(w, strings.Repeat("x", 200<<10))
	case 5:
		w.WriteHeader(http.StatusNoContent)
	case 6:
		w.WriteHeader(http.StatusEarlyHints)
		header.Set("Location", "/elsewhere")
		w.WriteHeader(http.StatusFound)
	case 7:
		w.WriteHeader(http.StatusServiceUnavailable)
	case 8: // it says that it is compressed
		header.Set("Content-Encoding", "gzip")
		_, _ = io.WriteString(w, "no gzip")
	default:
		header.Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"a":`+string(rune('1'+rand.IntN(2)))+`}`)
	}
}

// capriceOf sends one request, and may leave before it has its answer.
func capriceOf(c *http.Client, url string) {
	ctx := context.Background()
	if rand.IntN(4) == 0 {
		var leave context.CancelFunc
		ctx, leave = context.WithTimeout(ctx, time.Duration(rand.IntN(20))*time.Millisecond)
		defer leave()
	}
	method, body := []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete}[rand.IntN(4)], io.Reader(nil)
	if method == http.MethodPost {
		body = strings.NewReader(strings.Repeat("x", rand.IntN(100<<10)))
		if rand.IntN(2) == 0 {
			body = struct{ io.Reader }{body} // in chunks
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		panic(err)
	}
	if rand.IntN(4) == 0 {
		req.Header.Set("Expect", "100-continue")
	}
	res, err := c.Do(req)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
}

// Whatever happens to a crowd, each of its requests is counted once, and in the
// end nothing is held.
func TestEachRequestOfACrowdIsCountedOnce(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	t.Run("", func(t *testing.T) {
		const clients, each = 24, 25
		var served atomic.Int64
		quick := guard.NewPolicy()
		quick.Timeouts.Read, quick.Timeouts.Write, quick.Timeouts.Whole = 100*time.Millisecond, 100*time.Millisecond, 200*time.Millisecond
		quick.Timeouts.Idle, quick.Timeouts.Stream = 200*time.Millisecond, 200*time.Millisecond
		quick.Breaker.Off = true
		backends := map[string]string{"legacy": backend(t, capricious), "new": backend(t, capricious), "other": backend(t, capricious)}
		r := startShadower(t, backends, func(p *shadow.Policy) {
			p.Sample, p.Sampled, p.Noise = routing.FullWeight, true, 2000
			p.Writes, p.Sandbox, p.MaxBody = shadow.WritesSandbox, "other", 64<<10
			p.Timeout, p.AtOnce, p.Queue = 200*time.Millisecond, 8, 8
		}, func(s *settings) {
			s.limits.Legacy, s.limits.New = quick, quick
			s.around = func(h http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { served.Add(1); h.ServeHTTP(w, req) })
			}
		})
		r.install(1, shadowing(routing.StageShadow, 0))
		var crowd sync.WaitGroup
		for i := range clients {
			c := client()
			if i%2 == 0 {
				c = overHTTP2(t)
				c.CheckRedirect = client().CheckRedirect
			}
			crowd.Go(func() {
				for range each {
					capriceOf(c, "http://"+r.addr+"/")
				}
			})
		}
		stop, turning := make(chan struct{}), make(chan struct{})
		go func() { // tables come and go
			defer close(turning)
			for revision := routing.Revision(2); ; revision++ {
				definition := []routing.Definition{
					shadowing(routing.StageShadow, 0), shadowing(routing.StageCanary, 5000), shadowing(routing.StageNew, routing.FullWeight),
				}[revision%3]
				r.backends["new"] = proxy.Backend{Endpoints: []string{backends[[]string{"new", "other"}[revision/3%2]]}}
				r.swap(revision, definition)
				select {
				case <-stop:
					return
				case <-time.After(5 * time.Millisecond):
				}
			}
		}()
		crowd.Wait()
		close(stop)
		<-turning
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := r.engine.Settle(ctx); err != nil {
			t.Fatal(err)
		}
		counted := int64(0)
		for _, tally := range r.collector.Drain().Tallies {
			if !strings.HasPrefix(tally.Result, shadow.PrefixSignature) {
				counted += int64(tally.N)
			}
		}
		if counted != served.Load() || counted < clients*each/2 {
			t.Errorf("%d counted of %d served", counted, served.Load())
		}
		if used := r.engine.Budget().Used(); used != 0 {
			t.Errorf("%d bytes are still reserved", used)
		}
	})
}
