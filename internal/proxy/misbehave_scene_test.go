package proxy_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/proxy"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/telemetry"
)

// scene is a router with two routes, orders and users, that share no backend.
// One side of orders misbehaves; everything else is well.
type scene struct {
	*router
	bad   *villain
	side  routing.Side // the one that misbehaves, and serves
	ended chan struct{}
	lines *telemetry.AccessLog
	text  *bytes.Buffer // what lines has written, once it is closed
}

// staged are policies under which nothing depends on how busy the machine is,
// and no breaker opens. With fallback, new falls back on what it does by default.
func staged(fallback bool) proxy.Policies {
	policies := proxy.Policies{Legacy: guard.LegacyPolicy(), New: guard.NewPolicy()}
	for _, p := range []*guard.Policy{&policies.Legacy, &policies.New} {
		p.Timeouts = guard.Timeouts{
			Connect: 20 * time.Second, TLS: 20 * time.Second, Read: 20 * time.Second, Write: 20 * time.Second,
			Whole: time.Minute, Idle: 20 * time.Second, Stream: 20 * time.Second,
		}
		p.Retry.Base, p.Retry.Cap = time.Millisecond, time.Millisecond
		p.Breaker.InARow, p.Breaker.MinResults = 1000, 1000
	}
	policies.New.Retry.Attempts = 3
	if !fallback {
		policies.New.Fallback = guard.FallbackNever
	}
	return policies
}

// set builds a scene. Only the misbehaving lane has policies, under which it
// may well be impatient.
func set(t testing.TB, bad *villain, side routing.Side, policies proxy.Policies, opts ...option) *scene {
	t.Helper()
	s := &scene{bad: bad, side: side, ended: make(chan struct{}, 1024), text: new(bytes.Buffer)}
	s.lines = telemetry.NewAccessLog(s.text)
	t.Cleanup(func() { _ = s.lines.Close() }) // after the router has ended
	s.router = start(t, map[string]string{
		"legacy": named(t, "legacy"), "new": named(t, "new"), "users-legacy": named(t, "users-legacy"), "users-new": named(t, "users-new"),
	}, append(opts, func(o *settings) {
		o.options.AccessLog = s.lines
		inner := o.around
		o.around = func(next http.Handler) http.Handler {
			if inner != nil {
				next = inner(next)
			}
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer func() { s.ended <- struct{}{} }()
				next.ServeHTTP(w, r)
			})
		}
	})...)
	s.backends[side.String()] = proxy.Backend{Endpoints: []string{bad.url}}
	weight := routing.FullWeight
	others := staged(true)
	orders := proxy.Policies{Legacy: others.Legacy, New: policies.New}
	if side == routing.Legacy {
		weight, orders = 0, proxy.Policies{Legacy: policies.Legacy, New: others.New}
	}
	users := canary("/users", routing.FullWeight)
	users.Name, users.Legacy, users.New = "users", "users-legacy", "users-new"
	table := routing.Compile(1, []routing.Definition{canary("/orders", weight), users})
	<-s.proxy.Install(table, s.proxy.BuildLanes(table, s.backends, []proxy.Policies{orders, others}))
	return s
}

// outcome is what a client got.
type outcome struct {
	status int // 0: the answer broke off
	code   string
	body   string
}

// ask sends a request to a route and waits until the router is done with it.
func (s *scene) ask(method, path string, header http.Header, body string) outcome {
	s.t.Helper()
	got := s.fetch(method, path, header, body)
	<-s.ended
	return got
}

// fetch sends a request to a route.
func (s *scene) fetch(method, path string, header http.Header, body string) outcome {
	s.t.Helper()
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	var got outcome
	request, err := http.NewRequest(method, "http://"+s.addr+path, content)
	if err != nil {
		s.t.Error(err)
		return got
	}
	maps.Copy(request.Header, header)
	if response, err := client().Do(request); err == nil {
		text, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if got.body = string(text); err == nil {
			got.status = response.StatusCode
			if response.Header.Get("Content-Type") == "application/problem+json" {
				got.code = codeOf(got.body)
			}
		}
	}
	return got
}

// codeOf returns the code of a problem.
func codeOf(body string) string {
	var p struct{ Code string }
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		return err.Error()
	}
	return p.Code
}

// logged returns the lines of the access log. It is the last thing to ask for.
func (s *scene) logged() []map[string]any {
	s.t.Helper()
	if err := s.lines.Close(); err != nil {
		s.t.Fatal(err)
	}
	var entries []map[string]any
	for line := range strings.Lines(s.text.String()) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			s.t.Fatal(err)
		}
		entries = append(entries, entry)
	}
	return entries
}

// lane returns the state of one lane.
func (s *scene) lane(route string, side routing.Side) proxy.LaneState {
	s.t.Helper()
	for _, state := range s.proxy.LaneStates() {
		if state.Route == route && state.Side == side {
			return state
		}
	}
	s.t.Fatalf("no lane %s/%s", route, side)
	return proxy.LaneState{}
}

// atRest fails the test unless every permit has been given back.
func atRest(t testing.TB, p *proxy.Proxy) {
	t.Helper()
	for _, lane := range p.LaneStates() {
		if lane.InUse != 0 || lane.Waiting != 0 || lane.Streams != 0 {
			t.Errorf("%s/%s: %d permits out, %d wait, %d streams", lane.Route, lane.Side, lane.InUse, lane.Waiting, lane.Streams)
		}
	}
	for _, backend := range p.BackendStates() {
		if backend.InUse != 0 || backend.Waiting != 0 {
			t.Errorf("backend %s: %d permits out, %d wait", backend.Name, backend.InUse, backend.Waiting)
		}
		for _, endpoint := range backend.Endpoints {
			if endpoint.InFlight != 0 {
				t.Errorf("endpoint %s: %d in flight", endpoint.Address, endpoint.InFlight)
			}
		}
	}
}
