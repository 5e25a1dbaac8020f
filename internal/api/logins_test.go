package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stranglerfig/strangler/internal/api"
	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/rollout"
)

// writeLogins writes what a verifier has denied to the history, as a router
// does that stops.
func writeLogins(h *house, verifier *auth.Verifier) {
	ended, end := context.WithCancel(context.Background())
	end()
	(&api.Logins{Take: verifier.TakeDenied, Notes: h.store, Instance: "router-1", Logger: slog.New(slog.DiscardHandler)}).Run(ended)
}

func TestDeniedLogInsAreInTheHistory(t *testing.T) {
	var verifier *auth.Verifier
	h := openShop(t, func(c *api.Config) { verifier = c.Tokens.(*auth.Verifier) })
	before := h.router.Snapshot()
	for _, secret := range []string{"hunter2", "strangler_aaaaaaaa_bbbbbbbbbbbbbbbbbbbbbbbbbb", "hunter3"} {
		h.get("/api/v1/routes", as(secret)).want(http.StatusUnauthorized)
	}
	token, secret, err := auth.Mint("leaver", auth.Admin, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(h.store.CreateToken(t.Context(), token, "test"), h.store.RevokeToken(t.Context(), token.ID, "test")); err != nil {
		t.Fatal(err)
	}
	h.get("/api/v1/routes", as(secret)).want(http.StatusUnauthorized)
	writeLogins(h, verifier)

	events := decode[[]wire.Event](h.get("/api/v1/events?limit=3").want(http.StatusOK))
	guesses, leaver := events[1], events[0]
	if guesses.Verb != "login_denied" || guesses.Kind != "login" || guesses.Subject != "127.0.0.1" || guesses.Actor != "(unknown)" ||
		guesses.Reason != "3 denied; not authenticated: this is not a token of strangler" {
		t.Errorf("%+v", guesses)
	}
	var evidence struct {
		Instance    string
		Count       int
		First, Last time.Time
	}
	if err := json.Unmarshal(guesses.Evidence, &evidence); err != nil || evidence.Instance != "router-1" || evidence.Count != 3 || evidence.Last.Before(evidence.First) {
		t.Errorf("%s, %v", guesses.Evidence, err)
	}
	if leaver.Verb != "login_denied" || leaver.Actor != "leaver" || !strings.Contains(leaver.Reason, "1 denied; not authenticated: the token was revoked at ") {
		t.Errorf("%+v", leaver)
	}
	if events[2].Verb != "token_revoke" {
		t.Errorf("%s: the two sources have more than an event each", events[2].Verb)
	}
	if found := decode[wire.Verification](h.get("/api/v1/events/verify").want(http.StatusOK)); !found.Intact {
		t.Errorf("%+v", found)
	}
	if same, err := h.store.Load(t.Context(), before); err != nil || same != before {
		t.Errorf("a denied log-in made a new table: %v", err)
	}
	writeLogins(h, verifier)
	if again := decode[[]wire.Event](h.get("/api/v1/events?limit=1")); again[0].ID != leaver.ID {
		t.Errorf("written twice: %+v", again)
	}
}

// notebook takes events, when it can be written.
type notebook struct {
	mu    sync.Mutex // owns the rest
	err   error
	notes []rollout.Event
}

// answer says what comes of the notes from now on.
func (n *notebook) answer(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.err = err
}

// all returns the notes so far.
func (n *notebook) all() []rollout.Event {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.notes)
}

func (n *notebook) Note(_ context.Context, event rollout.Event) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.err == nil || errors.Is(n.err, rollout.ErrUncertain) {
		n.notes = append(n.notes, event)
	}
	return n.err
}

func TestLogInsWaitForTheirStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		notes := &notebook{err: rollout.ErrUnavailable}
		log := &journal{}
		verifier := auth.NewVerifier(noTokens{}, "", slog.New(slog.DiscardHandler))
		deny := func() { _, _ = verifier.Verify(t.Context(), "hunter2", "192.0.2.1:1") }
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			(&api.Logins{Take: verifier.TakeDenied, Notes: notes, Instance: "a", Logger: slog.New(slog.NewTextHandler(log, nil))}).Run(ctx)
		}()
		deny()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if warned := strings.Count(log.String(), "could not be written"); len(notes.all()) != 0 || warned < 9 || warned > 10 {
			t.Errorf("%d events, %d warnings in ten minutes, want 10", len(notes.all()), warned)
		}
		notes.answer(nil)
		deny()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		notes.answer(rollout.ErrUncertain)
		deny()
		time.Sleep(time.Minute)
		stop()
		<-done
		var reasons []string
		for _, event := range notes.all() {
			count, _, _ := strings.Cut(event.Reason, ";")
			reasons = append(reasons, count)
		}
		if got := strings.Join(reasons, ", "); got != "1 denied, 1 denied, 1 denied" {
			t.Errorf("written were %s", got)
		}
	})
}

// noTokens is a store of tokens without any.
type noTokens struct{}

func (noTokens) TokenByHash(context.Context, [32]byte) (auth.Token, error) {
	return auth.Token{}, auth.ErrNoToken
}
