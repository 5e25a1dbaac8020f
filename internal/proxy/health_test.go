package proxy_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net"
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
	"github.com/stranglerfig/strangler/internal/telemetry"
)

// healthAt are checks that no busy machine makes fail.
func healthAt(path string) *proxy.Health {
	return &proxy.Health{Path: path, Interval: 5 * time.Millisecond, Timeout: 5 * time.Second, Healthy: 2, Unhealthy: 3}
}

// messages collects what the router logs.
type messages struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (m *messages) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.buf.Write(p)
}

// about returns the messages whose attribute has the value, in their order.
func (m *messages) about(t testing.TB, attribute, value string) []string {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []string
	for line := range strings.Lines(m.buf.String()) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		if entry[attribute] == value {
			found = append(found, entry["msg"].(string))
		}
	}
	return found
}

func logging(to *messages) option {
	return func(s *settings) { s.options.Logger = slog.New(slog.NewJSONHandler(to, nil)) }
}

// checked answers health checks with the status that it holds, and counts them.
type checked struct {
	status atomic.Int64
	checks atomic.Int64
	served atomic.Int64
	seen   atomic.Pointer[http.Request] // the last check
}

func (c *checked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/healthz" {
		c.served.Add(1)
		return
	}
	c.checks.Add(1)
	c.seen.Store(r)
	w.WriteHeader(int(c.status.Load()))
	_, _ = io.WriteString(w, "state")
}

func newChecked(t testing.TB, status int64) (string, *checked) {
	c := &checked{}
	c.status.Store(status)
	return backend(t, c.ServeHTTP), c
}

func TestHealthChecksFollowTheEndpoint(t *testing.T) {
	a, one := newChecked(t, 200)
	b, two := newChecked(t, 204)
	log := &messages{}
	r := start(t, map[string]string{"legacy": named(t, "legacy")}, logging(log))
	install := func(revision routing.Revision, health *proxy.Health, endpoints ...string) {
		r.backends["new"] = proxy.Backend{Endpoints: endpoints, Health: health}
		r.install(revision, canary("/", routing.FullWeight))
	}
	install(1, healthAt("/healthz?deep=1"), a, b)
	until(t, "checked", func() bool { return one.checks.Load() > 3 && two.checks.Load() > 3 })
	if got := one.seen.Load(); got.Method != "GET" || got.RequestURI != "/healthz?deep=1" || "http://"+got.Host != a || got.UserAgent() != "strangler-health" {
		t.Errorf("the check was %s %s for %s by %q", got.Method, got.RequestURI, got.Host, got.UserAgent())
	}
	if got := r.endpoint(a); !got.Healthy || got.Fault != "" {
		t.Errorf("got %+v", got)
	}

	one.status.Store(503)
	until(t, "ill", func() bool { return !r.endpoint(a).Healthy })
	if got := r.endpoint(a).Fault; got != "it answered 503" {
		t.Errorf("got the fault %q", got)
	}
	before := one.served.Load()
	for range 30 {
		r.get("/")
	}
	if got := one.served.Load() - before; got != 0 {
		t.Errorf("the ill endpoint got %d requests", got)
	}
	two.status.Store(404)
	until(t, "both ill", func() bool { return !r.endpoint(b).Healthy })
	for range 30 {
		if res, _ := r.get("/"); res.StatusCode != 200 {
			t.Fatalf("all are ill: got %d", res.StatusCode)
		}
	}
	if one.served.Load() == before {
		t.Error("all are ill, and one of them is not used")
	}

	one.status.Store(302) // is an answer, and not followed
	until(t, "well again", func() bool { s := r.endpoint(a); return s.Healthy && s.Fault == "" })
	if got := log.about(t, "endpoint", a); len(got) != 2 || !strings.HasPrefix(got[0], "endpoint is ill") || got[1] != "endpoint is well again" {
		t.Errorf("logged: %q", got)
	}

	install(2, nil, a, b) // nobody would ever find out that b is well
	if !r.endpoint(b).Healthy || r.endpoint(b).Fault != "" {
		t.Errorf("no longer checked, and still ill: %+v", r.endpoint(b))
	}
	quiet(t, two)
	install(3, healthAt("/healthz"), a, b)
	until(t, "ill", func() bool { return !r.endpoint(b).Healthy })
	install(4, healthAt("/healthz"), a)
	quiet(t, two)
	r.proxy.Close()
	quiet(t, one)
}

// quiet wants no checks any more, but the one that may be under way.
func quiet(t testing.TB, c *checked) {
	t.Helper()
	time.Sleep(20 * time.Millisecond)
	before := c.checks.Load()
	time.Sleep(100 * time.Millisecond)
	if got := c.checks.Load(); got != before {
		t.Errorf("%d checks more", got-before)
	}
}

func TestHealthChecksHaveThresholds(t *testing.T) {
	a, one := newChecked(t, 200)
	var answers atomic.Int64
	flapping := backend(t, func(w http.ResponseWriter, r *http.Request) {
		if n := answers.Add(1); r.URL.Path == "/healthz" && n%3 != 0 { // two bad ones, one good one
			w.WriteHeader(500)
		}
	})
	r := start(t, map[string]string{"legacy": named(t, "legacy")})
	r.backends["new"] = proxy.Backend{Endpoints: []string{a, flapping}, Health: healthAt("/healthz")}
	r.install(1, canary("/", routing.FullWeight))
	until(t, "checked", func() bool {
		if !r.endpoint(flapping).Healthy {
			t.Fatal("ill after two bad checks")
		}
		return answers.Load() >= 15 && one.checks.Load() >= 15
	})
	one.status.Store(500)
	until(t, "ill", func() bool { return !r.endpoint(a).Healthy })
	if r.install(2, canary("/", routing.FullWeight)); r.endpoint(a).Healthy {
		t.Error("a new table took an ill endpoint for well")
	}
}

func TestHealthCheckFindsWhatIsWrong(t *testing.T) {
	silent := rawBackend(t, func(conn net.Conn, _ *http.Request) { _, _ = io.Copy(io.Discard, conn) })
	crawling := rawBackend(t, func(conn net.Conn, _ *http.Request) {
		for _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n"); err == nil; time.Sleep(time.Millisecond) {
			_, err = io.WriteString(conn, "X-Slow: 1\r\n")
		}
	})
	interim := rawBackend(t, func(conn net.Conn, _ *http.Request) {
		var err error
		for err == nil {
			_, err = io.WriteString(conn, "HTTP/1.1 103 Early Hints\r\n\r\n")
		}
	})
	nonsense := rawBackend(t, func(conn net.Conn, _ *http.Request) { _, _ = io.WriteString(conn, "SSH-2.0-OpenSSH_9.6\r\n") })
	loud := rawBackend(t, func(conn net.Conn, _ *http.Request) {
		_, _ = io.WriteString(conn, strings.Repeat("\x1b[31m", 100)+"\r\n\r\n")
	})
	switching := rawBackend(t, func(conn net.Conn, _ *http.Request) {
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
	})
	for name, c := range map[string]struct{ endpoint, fault string }{
		"nobody listens":     {dead, "connection refused"},
		"says nothing":       {silent, "no answer within 2s"},
		"a head without end": {crawling, "no answer within 2s"},
		"103 without end":    {interim, "headers exceeded"},
		"no HTTP":            {nonsense, "malformed HTTP"},
		"a long story":       {loud, "…"},
		"101":                {switching, "it answered 101"},
		"TLS to plain text":  {strings.Replace(named(t, "plain"), "http:", "https:", 1), "TLS handshake"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := checking(t, c.endpoint)
			defer r.Close()
			state := func() guard.EndpointState { return r.BackendStates()[0].Endpoints[0] }
			until(t, "ill", func() bool { return !state().Healthy })
			if got := state().Fault; !strings.Contains(got, c.fault) || len(got) > 210 || strings.Contains(got, "\x1b") {
				t.Errorf("got the fault %q, want %q", got, c.fault)
			}
		})
	}
}

func TestHealthCheckIsAboutTheHead(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"a redirect loop": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) },
		"a body without end": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = w.Write(make([]byte, 1<<10))
			}
		},
		"a body that stops": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "10")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var checks atomic.Int64
			r := checking(t, backend(t, func(w http.ResponseWriter, req *http.Request) {
				checks.Add(1)
				answer(w, req)
			}))
			defer r.Close()
			until(t, "two checks done", func() bool { return checks.Load() > 2 })
			if got := r.BackendStates()[0].Endpoints[0]; !got.Healthy || got.Fault != "" {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// checking is a proxy without a listener that checks one endpoint, in a hurry.
func checking(t testing.TB, endpoint string) *proxy.Proxy {
	t.Helper()
	r := proxy.New(proxy.Options{Metrics: telemetry.New("test"), Logger: slog.New(slog.DiscardHandler)})
	health := &proxy.Health{Path: "/", Interval: 10 * time.Millisecond, Timeout: 2 * time.Second, Healthy: 1, Unhealthy: 1}
	table := routing.Compile(1, []routing.Definition{legacyOnly()})
	backends := map[string]proxy.Backend{"legacy": {Endpoints: []string{endpoint}, Health: health}}
	<-r.Install(table, r.BuildLanes(table, backends, []proxy.Policies{{Legacy: guard.LegacyPolicy(), New: guard.NewPolicy()}}))
	return r
}

func TestHealthChecksLeaveNothingBehind(t *testing.T) {
	began := make(chan struct{}, 1000)
	silent := rawBackend(t, func(conn net.Conn, _ *http.Request) {
		began <- struct{}{}
		_, _ = io.Copy(io.Discard, conn)
	})
	before := goleak.IgnoreCurrent()
	r := checking(t, silent)
	<-began
	r.Close() // in the middle of a check
	<-r.Install(r.Table(), r.BuildLanes(r.Table(), map[string]proxy.Backend{
		"legacy": {Endpoints: []string{silent}, Health: healthAt("/other")},
	}, []proxy.Policies{{Legacy: guard.LegacyPolicy(), New: guard.NewPolicy()}}))
	goleak.VerifyNone(t, before)
}
