package test_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/store/pgtest"
)

// watched adds to the shop what the autopilot needs to know of it.
const watched = `
webhooks:
  - {name: oncall, url: "%s/hook", secret: "file:%s"}
routes:
  - name: orders
    match: {path: "/orders/{id:[0-9]+}"}
    legacy: monolith
    new: orders
    group: shop
    guard: {new: {fallback: {on: [5xx]}}}
  - {name: items, match: {path: "/items/{id:[0-9]+}"}, legacy: monolith, new: orders, keys: [{header: X-User-Id}], salt: 0123456789abcdef0123456789abcdef}
`

// receiver is whoever is told by webhook.
type receiver struct {
	*httptest.Server

	mu   sync.Mutex
	told []notification // guarded by mu
}

type notification struct {
	Type string
	Data struct {
		Verb, Cause, Reason string
		Revision            int64
	}
	signed bool
}

func startReceiver(t *testing.T) *receiver {
	t.Helper()
	r := new(receiver)
	r.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		var n notification
		text, err := io.ReadAll(req.Body)
		if err == nil {
			err = json.Unmarshal(text, &n)
		}
		if err != nil {
			t.Errorf("a webhook was told %q: %v", text, err)
		}
		n.signed = strings.HasPrefix(req.Header.Get("Webhook-Signature"), "v1,") && req.Header.Get("Webhook-Id") != ""
		r.mu.Lock()
		defer r.mu.Unlock()
		r.told = append(r.told, n)
	}))
	t.Cleanup(r.Close)
	return r
}

// has returns what was told of a revision.
func (r *receiver) has(revision int64) (found []notification) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.told {
		if n.Data.Revision == revision {
			found = append(found, n)
		}
	}
	return found
}

// write puts a text into a file, and returns its path.
func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "written")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// The new application begins to fail for three in ten; nobody notices but those who are told.
func TestAnIllNewSideComesBackByItself(t *testing.T) {
	oncall := startReceiver(t)
	s := openShop(t, pgtest.URL(t))
	s.ctl.must("apply", "-f", write(t, fmt.Sprintf(watched, oncall.URL, write(t, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))), "--wait")
	s.ctl.must("promote", "items", "--to", "50", "--wait")
	s.ctl.must("promote", "orders", "--to", "25", "--wait")
	v := newVisitor(t, s.app, 16)
	c := gather(t, 16, func(n int64) error {
		user, routers := strconv.FormatInt(n%visitors, 10), s.routers()
		paths := [...]string{"/orders/42", "/items/42"}
		time.Sleep(20 * time.Millisecond) // eight hundred a second are enough
		_, err := v.ask(routers[n%2].data, paths[n/2%2], user)
		return err
	})
	c.more(800)
	s.app.ill.Store(true)
	began := time.Now()
	var stands state
	eventually(t, "the route is rolled back", func() bool {
		stands = read[state](s.ctl, "status", "orders")
		return stands.WeightBp == 0
	})
	t.Logf("rolled back %s after new had begun to fail", time.Since(began).Round(100*time.Millisecond))

	rolled := read[[]event](s.ctl, "history", "orders", "-n", "1")[0]
	if rolled.Verb != "rollback" || rolled.Cause != "autopilot" || !strings.HasPrefix(rolled.Reason, "errors: ") || stands.Stage != "shadow" {
		t.Errorf("%s by %s, cause %s, to %s: %s", rolled.Verb, rolled.Actor, rolled.Cause, stands.Stage, rolled.Reason)
	}
	t.Log(rolled.Reason)
	var evidence struct {
		Requests []string
		Findings []struct {
			Gate, Verdict string
			New           struct{ Exposures, Events int }
		}
	}
	if err := json.Unmarshal(rolled.Evidence, &evidence); err != nil || len(evidence.Requests) == 0 {
		t.Errorf("the evidence names no request: %v, %s", err, rolled.Evidence)
	}
	eventually(t, "the webhook arrives", func() bool { return len(oncall.has(rolled.Revision)) > 0 })
	if told := oncall.has(rolled.Revision); len(told) != 1 || told[0].Type != "route.rolled_back" || told[0].Data.Reason != rolled.Reason || !told[0].signed {
		t.Errorf("the webhook was told %+v", told)
	}
	if items := read[state](s.ctl, "status", "items"); items.WeightBp != 5000 {
		t.Errorf("the other route was moved to %d", items.WeightBp)
	}
	c.content() // what failed on new was served by legacy
}

// unguarded steps need no evidence, and no time.
const unguarded = `
routes:
  - name: orders
    match: {path: "/orders/{id:[0-9]+}"}
    legacy: monolith
    new: orders
    group: shop
    gates: {parity: off, errors: off, slowness: off, fallbacks: off}
    plan: {steps: [shadow, 1%, 3%, 5%, 50%, 100%], bake: 0s}
`

// Whoever dies, and whatever is away: each step is made once, and in its turn.
func TestTheAutopilotSurvivesItsRouterAndItsDatabase(t *testing.T) {
	server := pgtest.New(t)
	s := openShop(t, server.URL("postgres"))
	s.ctl.must("apply", "-f", write(t, unguarded), "--wait")
	v := newVisitor(t, s.app, 4)
	c := gather(t, 2, func(n int64) error {
		routers := s.routers()
		user := strconv.FormatInt(n%visitors, 10)
		time.Sleep(5 * time.Millisecond)
		_, err := v.order(routers[n%2].data, user)
		if err != nil { // as a load balancer does
			_, err = v.order(routers[(n+1)%2].data, user)
		}
		return err
	})
	s.ctl.must("autopilot", "on", "orders")
	s.reaches(100)

	holder, other := s.a, s.b
	if s.holder() == "b" {
		holder, other = s.b, s.a
	}
	holder.kill()
	began := time.Now()
	s.ctl = other.ctl(s.ctl.token)
	eventually(t, "the other takes over", func() bool { return s.holder() == other.name })
	t.Logf("%s had the lease %s after %s had died", other.name, time.Since(began).Round(100*time.Millisecond), holder.name)
	s.reaches(300)

	server.Stop(t)
	c.more(200)
	server.Start(t)
	holder.start()
	s.reaches(10000)
	c.content()

	var steps []string
	for _, e := range read[[]event](s.ctl, "history", "orders", "-n", "100") {
		if e.Verb == "promote" {
			steps = append([]string{fmt.Sprintf("%s %d by %s", e.After.Stage, e.After.WeightBp, e.Cause)}, steps...)
		}
	}
	want := []string{"shadow 0 by autopilot"}
	for _, weight := range []int{100, 300, 500, 5000} {
		want = append(want, fmt.Sprintf("canary %d by autopilot", weight))
	}
	want = append(want, "new 10000 by autopilot")
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	if said := s.ctl.must("history", "--verify"); !strings.Contains(said, "√") {
		t.Errorf("the history is not whole: %s", said)
	}
}

// reaches waits until the route orders has at least a weight.
func (s *shop) reaches(weight int) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("orders reaches %d", weight), func() bool {
		got := s.ctl.run("status", "orders", "-o", "json")
		var stands state
		return got.code == 0 && json.Unmarshal([]byte(got.stdout), &stands) == nil && stands.WeightBp >= weight
	})
}

// holder is whose autopilot acts; empty: nobody's.
func (s *shop) holder() string {
	s.t.Helper()
	got := s.ctl.run("autopilot", "-o", "json")
	var lease struct{ Holder string }
	if got.code != 0 || json.Unmarshal([]byte(got.stdout), &lease) != nil {
		return ""
	}
	return lease.Holder
}
