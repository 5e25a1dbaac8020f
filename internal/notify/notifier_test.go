package notify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/stranglerfig/strangler/internal/notify"
	"github.com/stranglerfig/strangler/internal/rollout"
)

// verbs are what webhooks are told of that do not choose.
var verbs = []rollout.Verb{rollout.VerbPromote, rollout.VerbPause, rollout.VerbRollback, rollout.VerbFreeze, rollout.VerbAutopilotOff}

func oncall(t *testing.T, url string) notify.Target {
	t.Helper()
	t.Setenv("ONCALL_SECRET", secret)
	return notify.Target{Name: "oncall", URL: url, Format: notify.Standard, Secret: "env:ONCALL_SECRET", On: verbs}
}

func TestReceiverVerifiesWhatItIsTold(t *testing.T) {
	r, m := newReceiver(t, nil), newMemory("oncall")
	event := moved(414, rollout.VerbRollback, "orders-get", 2500, 0, "errors: 30% on new")
	event.Actor, event.Cause = "autopilot", rollout.CauseAutopilot
	event.Evidence = json.RawMessage(`{"findings":[{"gate":"errors"}]}`)
	event.After = json.RawMessage(`{"stage":"shadow","weight_bp":0,"hold":{"kind":"rolled_back","reason":"errors: 30% on new","evidence":{"findings":[]}}}`)
	m.add(event)
	target := oncall(t, r.URL+"/hook?tenant=7")
	running(t, notify.Options{
		History: m, Places: m, LinkURL: "https://look.example.com/r/{route}?x=1",
		Known: func() notify.Subscriptions {
			return notify.Subscriptions{
				StoreID: "5e.ed", Targets: []notify.Target{target},
				Routes: map[string]notify.Route{"orders-get": {Group: "shop"}},
			}
		},
	})
	got := r.got(t)
	if id := got.header.Get("webhook-id"); id != "msg_5eed_2" {
		t.Errorf("the id is %q", id)
	}
	if kind := got.header.Get("Content-Type"); kind != "application/json" {
		t.Errorf("Content-Type %q", kind)
	}
	p := got.verified(t, secret)
	if p.Type != "route.rolled_back" || p.Timestamp != time.Date(2026, 11, 24, 3, 0, 2, 0, time.UTC) {
		t.Errorf("%s at %s", p.Type, p.Timestamp)
	}
	d := p.Data
	if d.Verb != "rollback" || d.Actor != "autopilot" || d.Cause != "autopilot" || d.Reason != "errors: 30% on new" || d.Revision != 414 || len(d.Routes) != 1 {
		t.Fatalf("told %+v", d)
	}
	route := d.Routes[0]
	if route.Route != "orders-get" || route.Group != "shop" || route.Before.Weight != 2500 || route.After.Weight != 0 || route.Reason != "" ||
		route.Link != "https://look.example.com/r/orders-get?x=1" || route.Evidence != nil || string(d.Evidence) != `{"findings":[{"gate":"errors"}]}` {
		t.Errorf("told of the route %+v", route)
	}
	if hold := route.After.Hold; hold.Kind != rollout.HoldRolledBack || hold.Reason != d.Reason || hold.Evidence != nil {
		t.Errorf("it holds as %+v: its evidence is the message's", hold)
	}
	place := m.settled(t, "oncall", 2)
	if place.Failures != 0 || place.LastError != "" || time.Since(place.Delivered) > time.Minute {
		t.Errorf("the place is %+v", place)
	}
}

func TestForgedMessageIsNotVerified(t *testing.T) {
	r, m := newReceiver(t, nil), newMemory("oncall")
	m.add(moved(2, rollout.VerbPromote, "orders-get", 0, 100, ""))
	running(t, notify.Options{History: m, Places: m, Known: fixed(oncall(t, r.URL))})
	got := r.got(t)
	verifier, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	forged := bytes.Replace(got.body, []byte("promoted"), []byte("rolled_back"), 1)
	if verifier.Verify(forged, got.header) == nil {
		t.Error("another body passes for what was signed")
	}
	later := got.header.Clone()
	later.Set("webhook-timestamp", "1")
	if verifier.Verify(got.body, later) == nil {
		t.Error("another time passes for what was signed")
	}
}

// While a secret is being exchanged receivers may have the old one or the new one.
func TestSecretsAreExchangedWithoutAGap(t *testing.T) {
	r, m := newReceiver(t, nil), newMemory("oncall")
	m.add(moved(2, rollout.VerbPromote, "orders-get", 0, 100, ""))
	file := filepath.Join(t.TempDir(), "secrets")
	if err := os.WriteFile(file, []byte(secret+"\n"+another+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	running(t, notify.Options{
		History: m, Places: m,
		Known: fixed(notify.Target{Name: "oncall", URL: r.URL, Format: notify.Standard, Secret: "file:" + file, On: verbs}),
	})
	got := r.got(t)
	got.verified(t, secret)
	got.verified(t, another)
}

func TestGroupIsToldOfOnce(t *testing.T) {
	r, m := newReceiver(t, nil), newMemory("oncall")
	why := moved(9, rollout.VerbRollback, "orders-get", 500, 0, "errors: 30% on new")
	why.Evidence = json.RawMessage(`{"findings":[]}`)
	m.add(
		moved(8, rollout.VerbPromote, "cart", 100, 500, ""),
		moved(9, rollout.VerbRollback, "cart", 500, 0, "with orders-get"), why,
		moved(10, rollout.VerbRollback, "search", 500, 0, "by hand"))
	running(t, notify.Options{History: m, Places: m, Known: fixed(oncall(t, r.URL))})
	var told [][]string
	for range 3 {
		p := r.got(t).verified(t, secret)
		line := []string{p.Type, p.Data.Reason}
		for _, route := range p.Data.Routes {
			line = append(line, route.Route, route.Reason)
		}
		told = append(told, line)
	}
	want := [][]string{
		{"route.promoted", "", "cart", ""},
		{"route.rolled_back", "errors: 30% on new", "cart", "with orders-get", "orders-get", ""},
		{"route.rolled_back", "by hand", "search", ""},
	}
	if !slices.EqualFunc(told, want, slices.Equal[[]string]) {
		t.Errorf("told %q, want %q", told, want)
	}
	m.settled(t, "oncall", 5)
	r.nothingMore(t)
}

// A thousand routes make one message of bounded size, wherever the pages of the history end.
func TestRollbackOfAllIsOneMessage(t *testing.T) {
	r, m := newReceiver(t, nil), newMemory("oncall")
	for i := range 1000 {
		e := moved(2, rollout.VerbRollback, fmt.Sprint("r", i), 500, 0, "outage")
		e.Evidence = json.RawMessage(`"` + strings.Repeat("x", 1000) + e.Subject + `"`)
		m.add(e)
	}
	running(t, notify.Options{History: m, Places: m, Known: fixed(oncall(t, r.URL))})
	got := r.got(t)
	p := got.verified(t, secret)
	if len(p.Data.Routes) != 50 || p.Data.More != 950 || len(got.body) > 20_000 {
		t.Errorf("%d routes, %d more, %d bytes", len(p.Data.Routes), p.Data.More, len(got.body))
	}
	m.settled(t, "oncall", 1001)
	r.nothingMore(t)
}

func TestOnlyWhatIsWantedIsTold(t *testing.T) {
	all, some := newReceiver(t, nil), newReceiver(t, nil)
	m := newMemory("oncall", "team")
	m.add(
		moved(2, rollout.VerbPromote, "orders-get", 0, 100, ""),
		moved(3, rollout.VerbApply, "orders-get", 100, 100, ""),
		moved(4, rollout.VerbRollback, "search", 100, 0, ""),
		moved(5, rollout.VerbRollback, "orders-get", 100, 0, ""),
		rollout.Event{Revision: 6, Verb: rollout.VerbFreeze, Kind: "store", Subject: "s", Actor: "ana", Reason: "sale"},
		moved(7, rollout.VerbRollback, "search", 100, 0, ""))
	first, second := oncall(t, all.URL), oncall(t, some.URL)
	second.Name, second.On = "team", []rollout.Verb{rollout.VerbRollback, rollout.VerbFreeze}
	running(t, notify.Options{History: m, Places: m, Known: func() notify.Subscriptions {
		return notify.Subscriptions{
			StoreID: "s", Targets: []notify.Target{first, second},
			Routes: map[string]notify.Route{"search": {Notify: []string{"oncall"}}},
		}
	}})
	told := func(r *receiver, n int) (types []string) {
		for range n {
			types = append(types, r.got(t).verified(t, secret).Type)
		}
		return types
	}
	if got, want := told(all, 5), []string{"route.promoted", "route.rolled_back", "route.rolled_back", "fleet.frozen", "route.rolled_back"}; !slices.Equal(got, want) {
		t.Errorf("oncall was told %q, want %q", got, want)
	}
	if got, want := told(some, 2), []string{"route.rolled_back", "fleet.frozen"}; !slices.Equal(got, want) {
		t.Errorf("team was told %q, want %q", got, want)
	}
	m.settled(t, "team", 7)
	some.nothingMore(t)
}

func TestNewWebhookIsNotToldOldStories(t *testing.T) {
	r, m := newReceiver(t, nil), newMemory()
	m.add(moved(2, rollout.VerbPromote, "orders-get", 0, 100, ""))
	running(t, notify.Options{History: m, Places: m, Known: fixed(oncall(t, r.URL))})
	m.settled(t, "oncall", 2)
	m.add(moved(3, rollout.VerbRollback, "orders-get", 100, 0, ""))
	if p := r.got(t).verified(t, secret); p.Data.Revision != 3 {
		t.Errorf("it was told of revision %d first", p.Data.Revision)
	}
}

// A webhook that is taken out and comes back later is as good as new.
func TestWebhookThatComesBackIsNew(t *testing.T) {
	r, m := newReceiver(t, nil), newMemory("oncall")
	var mu sync.Mutex
	targets := []notify.Target{oncall(t, r.URL)}
	looked := make(chan int, 100)
	running(t, notify.Options{History: m, Places: m, Known: func() notify.Subscriptions {
		mu.Lock()
		defer mu.Unlock()
		looked <- len(targets)
		return notify.Subscriptions{StoreID: "s", Targets: targets}
	}})
	defined := func(list []notify.Target) {
		mu.Lock()
		defer mu.Unlock()
		targets = list
	}
	back := targets
	<-looked
	defined(nil)
	m.with(func() { delete(m.places, "oncall") }) // as the store does
	for range 2 {
		for n := range looked {
			if n == 0 {
				break
			}
		}
	}
	m.add(moved(2, rollout.VerbPromote, "orders-get", 0, 100, ""))
	defined(back)
	m.settled(t, "oncall", 2)
	m.add(moved(3, rollout.VerbRollback, "orders-get", 100, 0, ""))
	if p := r.got(t).verified(t, secret); p.Data.Revision != 3 {
		t.Errorf("it was told of revision %d first", p.Data.Revision)
	}
}

// A receiver that was down for a day is told within the hour that it is back.
func TestReceiverThatFailsIsAskedAgain(t *testing.T) {
	for failures, want := range map[int]time.Duration{
		0: 5 * time.Second, 1: 5 * time.Minute, 2: 30 * time.Minute, 3: time.Hour, 4: time.Hour, 26: time.Hour, 73: time.Hour,
	} {
		r, m := newReceiver(t, failing(http.StatusInternalServerError, "")), newMemory()
		m.places["oncall"] = notify.Place{Webhook: "oncall", Event: 1, Failures: failures, NextTry: time.Now().Add(-time.Second)}
		m.add(moved(2, rollout.VerbPromote, "orders-get", 0, 100, ""))
		running(t, notify.Options{History: m, Places: m, Known: fixed(oncall(t, r.URL))})
		place := m.settled(t, "oncall", 1)
		if wait := time.Until(place.NextTry); place.Failures != failures+1 || wait < want-5*time.Second || wait > want+want/10 {
			t.Errorf("after %d failures: %d, next try in %s, want about %s", failures, place.Failures, wait, want)
		}
		if place.LastError != "the receiver answered 500 Internal Server Error" {
			t.Errorf("the error is %q", place.LastError)
		}
	}
}

func TestWhatCannotBeDeliveredIsGivenUp(t *testing.T) {
	r, m := newReceiver(t, failing(http.StatusInternalServerError, "")), newMemory()
	m.places["oncall"] = notify.Place{Webhook: "oncall", Event: 1, Failures: 74}
	m.add(moved(2, rollout.VerbPromote, "orders-get", 0, 100, ""))
	var mu sync.Mutex
	counted := map[notify.Result]int{}
	running(t, notify.Options{
		History: m, Places: m, Known: fixed(oncall(t, r.URL)),
		Count: func(_ string, result notify.Result) {
			mu.Lock()
			defer mu.Unlock()
			counted[result]++
		},
	})
	place := m.settled(t, "oncall", 2)
	if place.Failures != 0 || !place.NextTry.IsZero() || place.LastError != "given up: the receiver answered 500 Internal Server Error" {
		t.Errorf("the place is %+v", place)
	}
	mu.Lock()
	defer mu.Unlock()
	if counted[notify.GivenUp] != 1 || len(counted) != 1 {
		t.Errorf("counted %v", counted)
	}
}

func failing(status int, retryAfter string) func(http.ResponseWriter, *http.Request, int) {
	return func(w http.ResponseWriter, _ *http.Request, _ int) {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.WriteHeader(status)
	}
}

func TestReceiverMayAskForTime(t *testing.T) {
	for _, c := range []struct {
		status int
		asked  string
		want   time.Duration
	}{
		{http.StatusTooManyRequests, "120", 2 * time.Minute},
		{http.StatusServiceUnavailable, time.Now().Add(time.Hour).UTC().Format(http.TimeFormat), time.Hour},
		{http.StatusServiceUnavailable, "99999999999", 24 * time.Hour},
		{http.StatusTooManyRequests, "soon", 5 * time.Second},
		{http.StatusTooManyRequests, "-3", 5 * time.Second},
	} {
		r, m := newReceiver(t, failing(c.status, c.asked)), newMemory("oncall")
		m.add(moved(2, rollout.VerbPromote, "orders-get", 0, 100, ""))
		running(t, notify.Options{History: m, Places: m, Known: fixed(oncall(t, r.URL))})
		place := m.settled(t, "oncall", 1)
		if wait := time.Until(place.NextTry); wait < c.want-3*time.Second || wait > c.want+time.Second {
			t.Errorf("%d, Retry-After %s: next try in %s, want %s", c.status, c.asked, wait, c.want)
		}
	}
}

func TestReceiverThatIsGoneIsLeftAlone(t *testing.T) {
	r, m := newReceiver(t, failing(http.StatusGone, "")), newMemory("oncall")
	m.add(
		moved(2, rollout.VerbPromote, "orders-get", 0, 100, ""),
		moved(3, rollout.VerbPromote, "orders-get", 100, 500, ""))
	other := newReceiver(t, nil)
	var mu sync.Mutex
	target := oncall(t, r.URL)
	running(t, notify.Options{History: m, Places: m, Known: func() notify.Subscriptions {
		mu.Lock()
		defer mu.Unlock()
		return notify.Subscriptions{StoreID: "s", Targets: []notify.Target{target}}
	}})
	if place := m.settled(t, "oncall", 3); !strings.HasPrefix(place.LastError, "given up: the receiver answered 410 Gone") {
		t.Errorf("the error is %q", place.LastError)
	}
	r.got(t)
	r.nothingMore(t)

	mu.Lock()
	target.URL = other.URL
	mu.Unlock()
	m.add(moved(4, rollout.VerbRollback, "orders-get", 500, 0, ""))
	if p := other.got(t).verified(t, secret); p.Data.Revision != 4 {
		t.Errorf("the next receiver was told of revision %d", p.Data.Revision)
	}
}

// Who mends a webhook's definition need not wait for hours: the store forgets
// when it was to be tried next, and is asked again.
func TestMendedWebhookIsToldAtOnce(t *testing.T) {
	r, m := newReceiver(t, nil), newMemory()
	waits := notify.Place{Webhook: "oncall", Event: 1, Failures: 5, NextTry: time.Now().Add(time.Hour)}
	m.places["oncall"] = waits
	m.add(moved(2, rollout.VerbPromote, "orders-get", 0, 100, ""))
	var mu sync.Mutex
	target := oncall(t, "http://127.0.0.1:1/")
	looked := make(chan struct{}, 100)
	running(t, notify.Options{History: m, Places: m, Known: func() notify.Subscriptions {
		mu.Lock()
		defer mu.Unlock()
		looked <- struct{}{}
		return notify.Subscriptions{StoreID: "s", Targets: []notify.Target{target}}
	}})
	<-looked
	<-looked // the first look is over
	waits.NextTry = time.Time{}
	m.with(func() { m.places["oncall"] = waits })
	mu.Lock()
	target.URL = r.URL
	mu.Unlock()
	if p := r.got(t).verified(t, secret); p.Data.Revision != 2 {
		t.Errorf("it was told of revision %d", p.Data.Revision)
	}
	if place := m.settled(t, "oncall", 2); place.Failures != 0 {
		t.Errorf("the place is %+v", place)
	}
}

// A webhook may be mended while the old address is being asked: what failed there
// says nothing of the new one.
func TestWebhookMendedMeanwhileIsToldAtOnce(t *testing.T) {
	asked, mended := make(chan struct{}), make(chan struct{})
	old := newReceiver(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		close(asked)
		<-mended
		w.WriteHeader(http.StatusInternalServerError)
	})
	r, m := newReceiver(t, nil), newMemory("oncall")
	m.places["oncall"] = notify.Place{Webhook: "oncall", Event: 1, Failures: 5}
	m.add(moved(2, rollout.VerbPromote, "orders-get", 0, 100, ""))
	var mu sync.Mutex
	target := oncall(t, old.URL)
	running(t, notify.Options{History: m, Places: m, Known: func() notify.Subscriptions {
		mu.Lock()
		defer mu.Unlock()
		return notify.Subscriptions{StoreID: "s", Targets: []notify.Target{target}}
	}})
	<-asked
	mu.Lock()
	target.URL = r.URL
	mu.Unlock()
	m.with(func() { m.places["oncall"] = notify.Place{Webhook: "oncall", Event: 1} }) // as the store does
	close(mended)
	if p := r.got(t).verified(t, secret); p.Data.Revision != 2 {
		t.Errorf("it was told of revision %d", p.Data.Revision)
	}
}

// A receiver that hangs keeps its own messages, and nobody else's.
func TestReceiverThatHangsHoldsUpNobodyElse(t *testing.T) {
	hang := make(chan struct{})
	slow := newReceiver(t, func(_ http.ResponseWriter, r *http.Request, _ int) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	})
	defer close(hang)
	quick, m := newReceiver(t, nil), newMemory("oncall", "team")
	m.add(moved(2, rollout.VerbPromote, "orders-get", 0, 100, ""))
	first, second := oncall(t, slow.URL), oncall(t, quick.URL)
	second.Name = "team"
	running(t, notify.Options{History: m, Places: m, Known: fixed(first, second)})
	slow.got(t)
	m.settled(t, "team", 2)
	m.add(moved(3, rollout.VerbPromote, "orders-get", 100, 500, ""))
	m.settled(t, "team", 3)
	slow.nothingMore(t) // one at a time
}

// A receiver that dies before it answers may have acted: it is told again, by the same id.
func TestReceiverThatDiesIsToldAgainByTheSameID(t *testing.T) {
	r := newReceiver(t, func(_ http.ResponseWriter, _ *http.Request, nth int) {
		if nth == 1 {
			panic(http.ErrAbortHandler)
		}
	})
	m := newMemory("oncall")
	m.add(moved(2, rollout.VerbPromote, "orders-get", 0, 100, ""))
	running(t, notify.Options{History: m, Places: m, Known: fixed(oncall(t, r.URL))})
	first := r.got(t)
	place := m.settled(t, "oncall", 1)
	if place.LastError != "the receiver was not reached: EOF" {
		t.Errorf("the error is %q", place.LastError)
	}
	second := r.got(t) // five seconds later
	m.settled(t, "oncall", 2)
	if a, b := first.header.Get("webhook-id"), second.header.Get("webhook-id"); a != b || !bytes.Equal(first.body, second.body) {
		t.Errorf("ids %s and %s", a, b)
	}
	second.verified(t, secret)
	if first.header.Get("webhook-timestamp") == second.header.Get("webhook-timestamp") {
		t.Error("the second attempt bears the first one's time")
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	elsewhere := newReceiver(t, nil)
	r := newReceiver(t, func(w http.ResponseWriter, req *http.Request, _ int) {
		http.Redirect(w, req, elsewhere.URL, http.StatusTemporaryRedirect)
	})
	m := newMemory("oncall")
	m.add(moved(2, rollout.VerbPromote, "orders-get", 0, 100, ""))
	running(t, notify.Options{History: m, Places: m, Known: fixed(oncall(t, r.URL))})
	if place := m.settled(t, "oncall", 1); !strings.Contains(place.LastError, "answered 307, and redirects are not followed") {
		t.Errorf("the error is %q", place.LastError)
	}
	elsewhere.nothingMore(t)
}

// Where a redirect leads is not read: it may say again what is a secret.
func TestMalformedRedirectGivesNothingAway(t *testing.T) {
	r := newReceiver(t, func(w http.ResponseWriter, req *http.Request, _ int) {
		w.Header().Set("Location", "http://[::1"+req.URL.Path)
		w.WriteHeader(http.StatusPermanentRedirect)
	})
	n := made(t, notify.Options{Known: fixed(oncall(t, r.URL+"/hunter2"))})
	d, err := n.Test(t.Context(), "oncall")
	if d.Status != 308 || err == nil || !strings.Contains(err.Error(), "answered 308, and redirects are not followed") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%+v, %v", d, err)
	}
}

// What does not speak HTTP may say a lot: an error is kept with the webhook's place,
// and shown.
func TestErrorsAreBrief(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		_, _ = connection.Write([]byte(strings.Repeat("ü", 10_000) + "\r\n\r\n"))
		_ = connection.Close()
	}()
	n := made(t, notify.Options{Known: fixed(oncall(t, "http://"+listener.Addr().String()))})
	if _, err = n.Test(t.Context(), "oncall"); err == nil || len(err.Error()) > 600 || !strings.HasPrefix(err.Error(), "the receiver was not reached: ") {
		t.Errorf("%d bytes: %.100v", len(fmt.Sprint(err)), err)
	}
}

// A user and a password in an address that is kept elsewhere are sent.
func TestUserOfAnAddressIsSent(t *testing.T) {
	r := newReceiver(t, nil)
	t.Setenv("HOOK", strings.Replace(r.URL, "http://", "http://ana:hunter2@", 1))
	n := made(t, notify.Options{Known: fixed(oncall(t, "env:HOOK"))})
	if _, err := n.Test(t.Context(), "oncall"); err != nil {
		t.Fatal(err)
	}
	request := http.Request{Header: r.got(t).header}
	if user, password, _ := request.BasicAuth(); user != "ana" || password != "hunter2" {
		t.Errorf("sent %q with %q", user, password)
	}
}

func TestAnotherRoutersLeaseEndsTheTerm(t *testing.T) {
	r, m := newReceiver(t, nil), newMemory("oncall")
	m.fence.Number++ // somebody has taken over, and this router does not know yet
	m.add(
		moved(2, rollout.VerbPromote, "orders-get", 0, 100, ""),
		moved(3, rollout.VerbPromote, "orders-get", 100, 500, ""))
	n := made(t, notify.Options{History: m, Places: m, Known: fixed(oncall(t, r.URL))})
	var mu sync.Mutex
	mine := fence
	run(t, n, func() (rollout.Fence, bool) {
		mu.Lock()
		defer mu.Unlock()
		return mine, true
	})
	first := r.got(t) // its place cannot be kept
	mu.Lock()
	mine.Number++ // this router is the one again
	mu.Unlock()
	m.settled(t, "oncall", 3)
	second, third := r.got(t), r.got(t)
	if a, b := first.header.Get("webhook-id"), second.header.Get("webhook-id"); a != b {
		t.Errorf("told twice by %s and %s", a, b)
	}
	if p := third.verified(t, secret); p.Data.Revision != 3 {
		t.Errorf("then told of revision %d", p.Data.Revision)
	}
	r.nothingMore(t)
}

func TestWhoDoesNotLeadIsSilent(t *testing.T) {
	r, m := newReceiver(t, nil), newMemory("oncall")
	m.add(moved(2, rollout.VerbPromote, "orders-get", 0, 100, ""))
	n := made(t, notify.Options{History: m, Places: m, Known: fixed(oncall(t, r.URL))})
	asked := make(chan struct{}, 1)
	run(t, n, func() (rollout.Fence, bool) {
		asked <- struct{}{}
		return rollout.Fence{}, false
	})
	<-asked
	<-asked // a second later
	r.nothingMore(t)
}

func TestStoreThatIsAwayDelaysAndLosesNothing(t *testing.T) {
	r, m := newReceiver(t, nil), newMemory("oncall")
	m.writes = errStoreAway
	m.add(
		moved(2, rollout.VerbPromote, "orders-get", 0, 100, ""),
		moved(3, rollout.VerbPromote, "orders-get", 100, 500, ""))
	running(t, notify.Options{History: m, Places: m, Known: fixed(oncall(t, r.URL))})
	r.got(t)
	r.nothingMore(t) // what is not kept would be told again
	m.with(func() { m.reads = errStoreAway })
	m.with(func() { m.reads, m.writes = nil, nil })
	m.settled(t, "oncall", 3)
	if p := r.got(t).verified(t, secret); p.Data.Revision != 3 {
		t.Errorf("revision %d was told again", p.Data.Revision)
	}
}

func TestReceiverIsKnownByItsCertificate(t *testing.T) {
	r := unstarted(nil)
	r.StartTLS()
	t.Cleanup(r.Close)
	roots := r.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	target := oncall(t, r.URL)
	trusting := made(t, notify.Options{Known: fixed(target), Roots: roots})
	if d, err := trusting.Test(t.Context(), "oncall"); err != nil || d.Status != http.StatusOK {
		t.Fatalf("%+v, %v", d, err)
	}
	if p := r.got(t).verified(t, secret); p.Type != "webhook.test" || p.Data.Verb != "test" || len(p.Data.Routes) != 0 {
		t.Errorf("told %+v", p)
	}
	doubting := made(t, notify.Options{Known: fixed(target)})
	if d, err := doubting.Test(t.Context(), "oncall"); err == nil || !strings.Contains(err.Error(), "certificate") || d.Status != 0 {
		t.Errorf("%+v, %v", d, err)
	}
	r.nothingMore(t)
}

// What a webhook cannot be told by says what to mend, and gives nothing away.
func TestErrorsNameThePlaceAndNotTheSecret(t *testing.T) {
	r := newReceiver(t, failing(http.StatusForbidden, ""))
	closed := httptest.NewServer(nil)
	closed.Close()
	t.Setenv("GOOD", secret)
	t.Setenv("SHORT", "whsec_c2hvcnQtc2VjcmV0")
	t.Setenv("PLAIN", "hunter2hunter2hunter2hunter2")
	t.Setenv("URL_BAD", "ftp://hunter2.example.com/hunter2")
	t.Setenv("EMPTY", " ")
	for _, c := range []struct{ url, secret, want string }{
		{r.URL + "/hunter2", "env:GOOD", "the receiver answered 403 Forbidden"},
		{closed.URL + "/hunter2", "env:GOOD", "connection refused"},
		{"http://169.254.169.254/hunter2", "env:GOOD", "metadata services live"},
		{"http://user:hunter2@%zz", "env:GOOD", "its URL is none that can be asked"},
		{"env:URL_BAD", "env:GOOD", "its URL is none that can be asked"},
		{"env:NOT_THERE", "env:GOOD", "its URL: the environment variable NOT_THERE is not set"},
		{r.URL, "env:NOT_THERE", "its secret: the environment variable NOT_THERE is not set"},
		{r.URL, "env:EMPTY", "its secret: the environment variable EMPTY is not set"},
		{r.URL, "file:/does/not/exist", "its secret: read what it is given by: stat /does/not/exist"},
		{r.URL, "env:SHORT", "the secret in env:SHORT has 12 bytes; Standard Webhooks wants 24 to 64"},
		{r.URL, "env:PLAIN", "what env:PLAIN holds is no secret: it is written as whsec_ and base64"},
		{r.URL, "whsec_hunter2", "its secret is not given as env:NAME or file:/path"},
	} {
		n := made(t, notify.Options{Known: fixed(notify.Target{Name: "x", URL: c.url, Format: notify.Standard, Secret: c.secret})})
		_, err := n.Test(t.Context(), "x")
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s, %s: %v, want %q", c.url, c.secret, err, c.want)
		}
	}
}

func TestUnknownWebhookIsNotTested(t *testing.T) {
	_, err := made(t, notify.Options{Known: fixed()}).Test(t.Context(), "oncal")
	if !errors.Is(err, notify.ErrUnknown) || err.Error() != `unknown webhook "oncal": nothing was sent; define it under webhooks: and apply` {
		t.Error(err)
	}
}

func TestLogHoldsNoSecret(t *testing.T) {
	var log bytes.Buffer
	r, m := newReceiver(t, failing(http.StatusForbidden, "")), newMemory("oncall")
	m.add(moved(2, rollout.VerbPromote, "orders-get", 0, 100, ""))
	n := made(t, notify.Options{
		History: m, Places: m, Known: fixed(oncall(t, r.URL+"/hunter2")), Logger: slog.New(slog.NewJSONHandler(&log, nil)),
	})
	done := make(chan struct{})
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		defer close(done)
		n.Run(ctx, func() (rollout.Fence, bool) { return fence, true })
	}()
	m.settled(t, "oncall", 1)
	stop()
	<-done
	if text := log.String(); !strings.Contains(text, `"webhook":"oncall"`) || strings.Contains(text, "hunter2") || strings.Contains(text, "whsec_") {
		t.Errorf("the log is %s", text)
	}
}
