package proxy_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/proxy"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/telemetry"
)

// router is a real proxy on a real socket, with whatever backends a test gives it.
type router struct {
	t     testing.TB
	proxy *proxy.Proxy
	addr  string
	log   *logBuffer

	backends map[string]proxy.Backend
	limits   proxy.Policies
}

// logBuffer collects the access log.
type logBuffer struct {
	mu    sync.Mutex
	buf   bytes.Buffer
	wrote *sync.Cond
}

func newLogBuffer() *logBuffer {
	l := &logBuffer{}
	l.wrote = sync.NewCond(&l.mu)
	return l
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.wrote.Broadcast()
	return l.buf.Write(p)
}

// entries waits for n lines and returns them.
func (l *logBuffer) entries(t testing.TB, n int) []map[string]any {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for strings.Count(l.buf.String(), "\n") < n {
		l.wrote.Wait()
	}
	var all []map[string]any
	for line := range strings.Lines(l.buf.String()) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("access log line is no JSON: %v\n%s", err, line)
		}
		all = append(all, entry)
	}
	return all
}

// option changes a router before it starts.
type option func(*settings)

type settings struct {
	options proxy.Options
	limits  proxy.Policies
	tls     *tls.Config
	around  func(http.Handler) http.Handler // nil: nothing
}

func trusting(prefix string) option {
	return func(s *settings) { s.options.Trusted = append(s.options.Trusted, netip.MustParsePrefix(prefix)) }
}

func limited(l proxy.Policies) option { return func(s *settings) { s.limits = l } }

// start runs a router whose catch-all goes to legacy; backends are URLs by name.
func start(t testing.TB, backends map[string]string, opts ...option) *router {
	t.Helper()
	log := newLogBuffer()
	accessLog := telemetry.NewAccessLog(log)
	s := settings{
		options: proxy.Options{
			Metrics: telemetry.New("test"), AccessLog: accessLog,
			Logger: slog.New(slog.DiscardHandler),
		},
		limits: proxy.Policies{Legacy: guard.LegacyPolicy(), New: guard.NewPolicy()},
	}
	for _, o := range opts {
		o(&s)
	}
	r := &router{t: t, proxy: proxy.New(s.options), log: log, backends: map[string]proxy.Backend{}, limits: s.limits}
	for name, url := range backends {
		r.backends[name] = proxy.Backend{Endpoints: []string{url}}
	}
	ln := listen(t)
	r.addr = ln.Addr().String()
	handler := http.Handler(r.proxy)
	if s.around != nil {
		handler = s.around(handler)
	}
	server := r.proxy.NewServer(handler, s.tls)
	done := make(chan error, 1)
	go func() { done <- server.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		defer cancel()
		server.Drain(ctx)
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
		r.proxy.Close()
		if err := accessLog.Close(); err != nil {
			t.Errorf("closing the access log: %v", err)
		}
	})
	return r
}

// install puts routes into service and waits until they are the only ones.
func (r *router) install(revision routing.Revision, defs ...routing.Definition) {
	r.t.Helper()
	<-r.swap(revision, defs...)
}

func (r *router) swap(revision routing.Revision, defs ...routing.Definition) <-chan struct{} {
	r.t.Helper()
	table := routing.Compile(revision, defs)
	if bad := table.Invalid(); len(bad) > 0 {
		r.t.Fatalf("invalid definition: %+v", bad)
	}
	limits := make([]proxy.Policies, len(defs))
	for i := range limits {
		limits[i] = r.limits
	}
	return r.proxy.Install(table, r.proxy.BuildLanes(table, r.backends, limits))
}

// legacyOnly is the table of a router that was just put in front of a monolith.
func legacyOnly() routing.Definition {
	return routing.Definition{Name: "catch-all", Match: routing.Match{Prefix: "/"}, Legacy: "legacy"}
}

// canary is a route at a weight, keyed by X-User-Id.
func canary(path string, weight routing.Weight) routing.Definition {
	d := routing.Definition{
		Name: "orders", Match: routing.Match{Prefix: path}, Legacy: "legacy", New: "new",
		Group:    routing.Group{Name: "shop", Salt: "s", Keys: []routing.Key{{Kind: routing.KeyHeader, Name: "X-User-Id"}, {Kind: routing.KeyMint}}},
		Assigned: routing.Assigned{Stage: routing.StageCanary, Weight: weight},
	}
	switch weight {
	case 0:
		d.Assigned.Stage = routing.StageLegacy
	case routing.FullWeight:
		d.Assigned.Stage = routing.StageNew
	}
	return d
}

// backend serves h and counts what reaches it.
func backend(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// named answers every request with the backend's name.
func named(t testing.TB, name string) string {
	return backend(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) })
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// rawBackend answers each connection by script, for servers that misbehave.
func rawBackend(t testing.TB, script func(conn net.Conn, request *http.Request)) string {
	t.Helper()
	ln := listen(t)
	var open sync.WaitGroup
	t.Cleanup(func() { _ = ln.Close(); open.Wait() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			open.Go(func() {
				defer conn.Close()
				request, err := http.ReadRequest(bufio.NewReader(conn))
				if err != nil {
					return
				}
				script(conn, request)
			})
		}
	}()
	return "http://" + ln.Addr().String()
}

// raw sends bytes as they are and returns the whole answer.
func (r *router) raw(request string) string {
	r.t.Helper()
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		r.t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil && (len(answer) == 0 || !errors.Is(err, syscall.ECONNRESET)) {
		r.t.Fatalf("reading the answer: %v (got %q)", err, answer)
	}
	return string(answer)
}

// do sends a request and returns status and body.
func (r *router) do(method, path string, header http.Header, body io.Reader) (*http.Response, string) {
	r.t.Helper()
	req, err := http.NewRequest(method, "http://"+r.addr+path, body)
	if err != nil {
		r.t.Fatal(err)
	}
	maps.Copy(req.Header, header)
	res, err := client().Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return res, string(text)
}

func (r *router) get(path string) (*http.Response, string) {
	r.t.Helper()
	return r.do(http.MethodGet, path, nil, nil)
}

// client follows no redirects and asks for no compression of its own.
func client() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableCompression: true, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// problem decodes a router-made answer and returns its code.
func problem(t testing.TB, res *http.Response, body string) string {
	t.Helper()
	if got := res.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Fatalf("Content-Type %q, want a problem; body %s", got, body)
	}
	var p struct {
		Code, Title string
		Status      int
	}
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatal(err)
	}
	if p.Status != res.StatusCode || p.Title == "" {
		t.Errorf("problem %+v does not fit the status %d", p, res.StatusCode)
	}
	return p.Code
}

// longStream are limits under which nothing ends by itself during a test.
func longStream() guard.Policy { return guard.LegacyPolicy() }
