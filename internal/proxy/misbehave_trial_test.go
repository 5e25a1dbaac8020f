package proxy_test

import (
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/proxy"
	"github.com/stranglerfig/strangler/internal/routing"
)

// What the backend of a lab does.
const (
	modeFine  int32 = iota // answers
	modeFail               // says 503
	modeThink              // waits until its client is gone
)

// lab is a scene whose new backend changes its mode, and whose breaker opens at
// the first failure, for a moment. There are no retries and there is no fallback.
type lab struct {
	*scene
	mode atomic.Int32

	mu      sync.Mutex // owns the rest
	changes []string   // states that new's breaker came to
}

// newLab builds a lab; with narrower limits, if it is given any.
func newLab(t *testing.T, narrow func(*guard.Policy), opts ...option) *lab {
	t.Helper()
	l := &lab{}
	v := &villain{}
	v.url = backend(t, func(w http.ResponseWriter, r *http.Request) {
		v.heads.Add(1)
		switch l.mode.Load() {
		case modeFail:
			w.WriteHeader(http.StatusServiceUnavailable)
		case modeThink:
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		default:
			_, _ = io.WriteString(w, "fine")
		}
	})
	policies := staged(false)
	touchy(&policies.New.Breaker)
	policies.New.Retry.Attempts = 1
	policies.New.Breaker.OpenFor, policies.New.Breaker.OpenMax = 20*time.Millisecond, 20*time.Millisecond
	if narrow != nil {
		narrow(&policies.New)
	}
	l.scene = set(t, v, routing.New, policies, append(opts, func(o *settings) {
		o.options.OnBreaker = func(_ proxy.LaneID, c guard.Change) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.changes = append(l.changes, c.After.State.String())
		}
	})...)
	return l
}

// open makes the breaker open, and waits until a trial is due.
func (l *lab) open(t *testing.T) {
	t.Helper()
	l.mode.Store(modeFail)
	if got := l.ask("GET", "/orders/1", nil, ""); got.status != 503 || got.code != "" {
		t.Fatalf("the client got %d %q", got.status, got.code)
	}
	l.awaitTrial(t)
	l.bad.heads.Store(0)
}

func (l *lab) awaitTrial(t *testing.T) {
	t.Helper()
	within(t, "a trial is due", func() bool {
		b := l.lane("orders", routing.New).Breaker
		return b.State == guard.HalfOpen && time.Now().After(b.Until)
	})
}

// changed checks what new's breaker came to, in order.
func (l *lab) changed(t *testing.T, want ...string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Equal(l.changes, want) {
		t.Errorf("the breaker went to %v, want %v", l.changes, want)
	}
}

// TestTrialThatHangs: it ends by the limit of any try, and nobody else is let
// through meanwhile.
func TestTrialThatHangs(t *testing.T) {
	l := newLab(t, answering.narrow)
	l.open(t)
	l.mode.Store(modeThink)
	hung := make(chan outcome, 1)
	go func() { hung <- l.fetch(http.MethodGet, "/orders/1", nil, "") }()
	l.awaitHeads(t, 1)
	if got := l.fetch(http.MethodGet, "/orders/1", nil, ""); got.status != 503 || got.code != "circuit_open" {
		t.Errorf("beside the trial a client got %d %q", got.status, got.code)
	}
	if got := <-hung; got.status != 504 || got.code != "upstream_timeout" {
		t.Errorf("the trial got %d %q", got.status, got.code)
	}
	l.mode.Store(modeFine)
	l.awaitTrial(t)
	if got := l.fetch(http.MethodGet, "/orders/1", nil, ""); got.body != "fine" {
		t.Errorf("the next trial got %d %q", got.status, got.body)
	}
	l.changed(t, "open", "half_open", "open", "half_open", "closed")
}

// TestTrialThatOutlivesItsLease: an event stream has no limit of its own, so a
// trial of that kind may hang for an hour. After its lease the next one is let
// through, and what becomes of the first is of no interest any more.
func TestTrialThatOutlivesItsLease(t *testing.T) {
	l := newLab(t, func(p *guard.Policy) { p.Breaker.Trial = time.Millisecond }) // and a second's grace
	l.open(t)
	l.mode.Store(modeThink)
	conn := dialled(t, l.addr, "GET /orders/1 HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream\r\n\r\n")
	l.awaitHeads(t, 1)
	if got := l.ask(http.MethodGet, "/orders/1", nil, ""); got.code != "circuit_open" {
		t.Errorf("within the lease a client got %d %q", got.status, got.code)
	}
	l.mode.Store(modeFine)
	l.awaitTrial(t)
	if got := l.ask(http.MethodGet, "/orders/1", nil, ""); got.body != "fine" {
		t.Errorf("after the lease a client got %d %q", got.status, got.body)
	}
	_ = conn.Close()
	<-l.ended
	l.changed(t, "open", "half_open", "closed")
	atRest(t, l.proxy)
}

// TestTrialThatFails: the breaker is open again, and tries again.
func TestTrialThatFails(t *testing.T) {
	l := newLab(t, nil)
	for range 3 {
		l.open(t)
	}
	l.mode.Store(modeFine)
	if got := l.ask(http.MethodGet, "/orders/1", nil, ""); got.body != "fine" {
		t.Errorf("the client got %d %q", got.status, got.body)
	}
	l.changed(t, "open", "half_open", "open", "half_open", "open", "half_open", "closed")
}

// explosive panics in the middle of a try: sendBody asks for full duplex.
type explosive struct {
	http.ResponseWriter
	with any
}

func (w explosive) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w explosive) EnableFullDuplex() error { panic(w.with) }

// TestTrialThatPanics: the trial is given back, and so is every permit.
func TestTrialThatPanics(t *testing.T) {
	for name, with := range map[string]any{"a bug": "boom", "an abort": http.ErrAbortHandler} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, nil, func(o *settings) {
				o.around = func(next http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if r.Header.Get("X-Panic") != "" {
							w = explosive{w, with}
						}
						next.ServeHTTP(w, r)
					})
				}
			})
			l.open(t)
			l.mode.Store(modeFine)
			got := l.ask(http.MethodPost, "/orders/1", http.Header{"X-Panic": {"1"}}, "amount=1")
			if got.status != 0 && got.status != 500 {
				t.Errorf("the client got %d %q", got.status, got.body)
			}
			if n := l.bad.heads.Load(); n != 0 {
				t.Errorf("%d requests reached the backend", n)
			}
			atRest(t, l.proxy)
			if got := l.ask(http.MethodGet, "/orders/1", nil, ""); got.body != "fine" {
				t.Errorf("the next client got %d %q, want the trial", got.status, got.body)
			}
			l.changed(t, "open", "half_open", "closed")
		})
	}
}
