package notify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/stranglerfig/strangler/internal/notify"
	"github.com/stranglerfig/strangler/internal/rollout"
)

const (
	secret  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" // the one of Standard Webhooks' own examples
	another = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
)

// post is one message as a receiver got it.
type post struct {
	header http.Header
	body   []byte
}

// receiver answers as it is told, and keeps what it got.
type receiver struct {
	*httptest.Server
	posts  chan post
	answer func(w http.ResponseWriter, r *http.Request, nth int)
}

func newReceiver(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, nth int)) *receiver {
	t.Helper()
	r := unstarted(answer)
	r.Start()
	t.Cleanup(r.Close)
	return r
}

func unstarted(answer func(w http.ResponseWriter, r *http.Request, nth int)) *receiver {
	r := &receiver{posts: make(chan post, 100), answer: answer}
	var mu sync.Mutex
	nth := 0
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		mu.Lock()
		nth++
		mine := nth
		mu.Unlock()
		r.posts <- post{req.Header, body}
		if r.answer != nil {
			r.answer(w, req, mine)
		}
	}))
	r.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	return r
}

// got waits for the next message.
func (r *receiver) got(t *testing.T) post {
	t.Helper()
	select {
	case p := <-r.posts:
		return p
	case <-time.After(10 * time.Second):
		t.Fatal("no message arrived")
		return post{}
	}
}

// nothingMore fails if a message waits.
func (r *receiver) nothingMore(t *testing.T) {
	t.Helper()
	select {
	case p := <-r.posts:
		t.Errorf("a message too many: %s", p.body)
	default:
	}
}

// verified checks a message's signature by the library that Standard Webhooks
// give to receivers, and reads it.
func (p post) verified(t *testing.T, secret string) payload {
	t.Helper()
	verifier, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := verifier.Verify(p.body, p.header); err != nil {
		t.Fatalf("%v in %v", err, p.header)
	}
	var read payload
	decoder := json.NewDecoder(bytes.NewReader(p.body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&read); err != nil {
		t.Fatalf("%v in %s", err, p.body)
	}
	return read
}

// payload is what docs/rollout.md promises to receivers.
type payload struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      struct {
		Verb     string          `json:"verb"`
		Evidence json.RawMessage `json:"evidence"`
		Actor    string          `json:"actor"`
		Cause    string          `json:"cause"`
		Reason   string          `json:"reason"`
		Revision int             `json:"revision"`
		More     int             `json:"more_routes"`
		Routes   []struct {
			Route    string          `json:"route"`
			Group    string          `json:"group"`
			Before   *rollout.State  `json:"before"`
			After    *rollout.State  `json:"after"`
			Reason   string          `json:"reason"`
			Evidence json.RawMessage `json:"evidence"`
			Link     string          `json:"link"`
		} `json:"routes"`
	} `json:"data"`
}

// running starts a notifier that leads until the test ends.
func running(t *testing.T, options notify.Options) *notify.Notifier {
	t.Helper()
	n := made(t, options)
	run(t, n, func() (rollout.Fence, bool) { return fence, true })
	return n
}

func made(t *testing.T, options notify.Options) *notify.Notifier {
	t.Helper()
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	return notify.New(options)
}

func run(t *testing.T, n *notify.Notifier, lead func() (rollout.Fence, bool)) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.Run(ctx, lead)
	}()
	t.Cleanup(func() {
		stop()
		<-done
	})
}

// fixed are subscriptions that stay as they are.
func fixed(targets ...notify.Target) func() notify.Subscriptions {
	return func() notify.Subscriptions { return notify.Subscriptions{StoreID: "5e.ed", Targets: targets} }
}
