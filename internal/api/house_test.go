package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/api"
	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/proxy"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/spec"
	"github.com/stranglerfig/strangler/internal/store"
)

// shop is what most tests start from: revision 1, by the token "ada".
const shop = `
backends:
  - name: monolith
    endpoints: [http://127.0.0.1:3000]
  - name: orders
    endpoints: [http://127.0.0.1:4000, http://127.0.0.1:4001]
groups:
  - name: visitors
    salt: pinch
    keys: [{header: X-User-Id}, {cookie: session}, mint]
routes:
  - name: everything
    match: {prefix: /}
    legacy: monolith
  - name: orders-get
    match: {path: "/orders/{id:[0-9]+}", methods: [GET]}
    legacy: monolith
    new: orders
    group: visitors
    guard: {new: {timeouts: {read: 2s}}}
  - name: orders-list
    match: {path: /orders, methods: [GET, HEAD], headers: [{name: X-Beta, equals: "1"}]}
    legacy: monolith
    new: orders
    group: visitors
  - name: orders-post
    match: {path: /orders, methods: [POST]}
    legacy: monolith
    new: orders
`

// house is the admin API over a real store, as a client meets it.
type house struct {
	t       *testing.T
	store   *flaky
	router  *standing
	server  *httptest.Server
	secrets map[auth.Role]string // holders: vic, olga, ada
	log     *journal
	handler http.Handler
}

// open builds a house with nothing defined. change may alter its configuration.
func open(t *testing.T, change ...func(*api.Config)) *house {
	t.Helper()
	return openAt(t, "sqlite:"+filepath.Join(t.TempDir(), "strangler.db"), change...)
}

// openAt builds a house over the database at url.
func openAt(t *testing.T, url string, change ...func(*api.Config)) *house {
	t.Helper()
	kept, err := store.Open(t.Context(), url, store.Options{Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kept.Close() })
	h := &house{t: t, store: &flaky{Store: kept}, secrets: make(map[auth.Role]string), log: &journal{}}
	h.router = &standing{store: h.store, served: make(chan struct{})}
	h.router.refresh()
	for role, name := range map[auth.Role]string{auth.Viewer: "vic", auth.Operator: "olga", auth.Admin: "ada"} {
		token, secret, err := auth.Mint(name, role, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := kept.CreateToken(t.Context(), token, "test"); err != nil {
			t.Fatal(err)
		}
		h.secrets[role] = secret
	}
	logger := slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cfg := api.Config{
		Catalog: h.store, Editor: h.store, History: h.store,
		Router: h.router, Tokens: auth.NewVerifier(h.store, "", logger),
		TokenStore: h.store, Overrides: h.store, Controls: h.store, Counts: h.store, Evidence: h.store, Accept: h.router.accept,
		Replay: func(context.Context, shadow.Exemplar, string, http.Header) (api.Replayed, error) {
			return api.Replayed{}, nil
		},
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; version=0.0.4")
			_, _ = io.WriteString(w, "strangler_config_revision 1\n")
		}),
		Reach: reach, Changed: h.router.refresh, Served: h.router.changed,
		Instance: "router-1", Version: "test", StoreURL: kept.URL(), Logger: logger,
	}
	led(t, kept)
	for _, c := range append([]func(*api.Config){h.judging(logger)}, change...) {
		c(&cfg)
	}
	if h.handler, err = api.New(cfg); err != nil {
		t.Fatal(err)
	}
	h.server = httptest.NewServer(h.handler)
	t.Cleanup(h.server.Close)
	return h
}

// openShop builds a house with the shop in it.
func openShop(t *testing.T, change ...func(*api.Config)) *house {
	t.Helper()
	h := open(t, change...)
	h.post("/api/v1/apply", shop, yamlBody).want(http.StatusOK)
	return h
}

// request is changed by options before it is sent.
type option func(*http.Request)

func as(secret string) option { return header("Authorization", "Bearer "+secret) }

func header(name, value string) option {
	return func(r *http.Request) {
		if strings.EqualFold(name, "Host") {
			r.Host = value
		}
		r.Header.Set(name, value)
	}
}

func yamlBody(r *http.Request) { r.Header.Set("Content-Type", "application/yaml") }

func (h *house) get(path string, options ...option) *answer {
	h.t.Helper()
	return h.call(http.MethodGet, path, "", options...)
}

func (h *house) post(path, body string, options ...option) *answer {
	h.t.Helper()
	return h.call(http.MethodPost, path, body, options...)
}

func (h *house) put(path, body string, options ...option) *answer {
	h.t.Helper()
	return h.call(http.MethodPut, path, body, options...)
}

func (h *house) delete(path string, options ...option) *answer {
	h.t.Helper()
	return h.call(http.MethodDelete, path, "", options...)
}

// call sends a request as ada, unless an option says otherwise, and holds the
// answer to openapi.yaml.
func (h *house) call(method, path, body string, options ...option) *answer {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), method, h.server.URL+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+h.secrets[auth.Admin])
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, o := range options {
		o(r)
	}
	res, err := h.server.Client().Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var text []byte
	if res.Header.Get("Content-Type") != "text/event-stream" { // which does not end
		if text, err = io.ReadAll(res.Body); err != nil {
			h.t.Fatal(err)
		}
	}
	a := &answer{t: h.t, what: method + " " + path, status: res.StatusCode, header: res.Header, body: text}
	if method != http.MethodHead {
		conforms(a, method, path)
	}
	return a
}

// answer is one answer of the API.
type answer struct {
	t      *testing.T
	what   string
	status int
	header http.Header
	body   []byte
}

func (a *answer) want(status int) *answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s: status %d, want %d: %s", a.what, a.status, status, a.body)
	}
	return a
}

// problem reads an error and checks its status and code.
func (a *answer) problem(status int, code string) wire.Problem {
	a.t.Helper()
	a.want(status)
	p := decode[wire.Problem](a)
	if p.Code != code || p.Status != status || p.Title == "" || a.header.Get("Content-Type") != "application/problem+json" {
		a.t.Fatalf("%s: problem %s, want the code %s", a.what, a.body, code)
	}
	return p
}

// decode reads a whole answer; fields that the API does not promise are refused.
func decode[T any](a *answer) T {
	a.t.Helper()
	var value T
	d := json.NewDecoder(bytes.NewReader(a.body))
	d.DisallowUnknownFields()
	if err := d.Decode(&value); err != nil {
		a.t.Fatalf("%s: %v in %s", a.what, err, a.body)
	}
	return value
}

// standing is a router that serves what the store holds.
type standing struct {
	store *flaky

	mu       sync.Mutex
	snapshot *fleet.Snapshot
	table    *routing.Table
	notReady error
	status   fleet.Status
	served   chan struct{} // closed when snapshot changes
}

// refresh follows the store; when it is away, everything stays as it is.
func (s *standing) refresh() {
	snapshot, err := s.store.Load(context.Background(), nil)
	if err != nil {
		return
	}
	states := make(map[string]rollout.State)
	for i, route := range snapshot.Definitions.Routes {
		states[route.Name] = snapshot.Routes[i].State
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.snapshot = snapshot
	close(s.served)
	s.served = make(chan struct{})
	s.table = routing.Compile(snapshot.Revision, spec.Routing(snapshot.Definitions, states))
	s.status = fleet.Status{Reachable: true, Listening: true, Since: time.Now(), ConfirmedAt: time.Now()}
}

// changed returns a channel that is closed when it serves another snapshot.
func (s *standing) changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.served
}

// accept takes the store as it is.
func (s *standing) accept(context.Context) (*fleet.Snapshot, error) {
	s.refresh()
	return s.Snapshot(), nil
}

// serve makes it serve a table that the store does not hold.
func (s *standing) serve(table *routing.Table) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.table = table
}

// leap makes what is served so many revisions newer.
func (s *standing) leap(revisions routing.Revision) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ahead := *s.snapshot
	ahead.Revision += revisions
	s.snapshot = &ahead
}

// stand sets how the router stands with its store.
func (s *standing) stand(notReady error, status fleet.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notReady, s.status = notReady, status
}

func (s *standing) Table() *routing.Table {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.table
}

func (s *standing) Snapshot() *fleet.Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.snapshot
}

func (s *standing) Ready() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.notReady
}

func (s *standing) Status() fleet.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

// journal is a log that can be read while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// reach is the data plane's way to an endpoint.
func reach(ctx context.Context, backend spec.Backend, endpoint string) error {
	var secrets proxy.BackendTLS
	if backend.TLS != nil {
		secrets = proxy.BackendTLS(*backend.TLS)
	}
	return proxy.Reach(ctx, proxy.Backend{TLS: secrets, Protocol: proxy.Protocol(backend.Protocol)}, endpoint)
}
