package storetest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/rollout"
)

// moment is a time that both databases keep exactly.
var moment = time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)

func testTokens(t *testing.T, backend Backend) {
	for name, test := range map[string]func(*testing.T, Backend){
		"come back as they were made": tokensKept,
		"are revoked once":            tokensRevoked,
		"are refused twice":           tokensTwice,
		"that are unknown say so":     tokensUnknown,
	} {
		t.Run(name, func(t *testing.T) { test(t, backend) })
	}
}

func (f *fixture) createToken(id string) auth.Token {
	f.t.Helper()
	token := auth.Token{ID: id, Name: "ci", Role: auth.Operator, Hash: sha256.Sum256([]byte(id)), CreatedAt: moment, ExpiresAt: moment.Add(time.Hour)}
	if err := f.CreateToken(f.t.Context(), token, "ana"); err != nil {
		f.t.Fatalf("create token: %v", err)
	}
	return token
}

func tokensKept(t *testing.T, backend Backend) {
	f := applied(t, backend)
	made := f.createToken("t1")
	forever := auth.Token{ID: "t2", Name: "ops", Role: auth.Admin, Hash: sha256.Sum256([]byte("t2"))}
	if err := f.CreateToken(t.Context(), forever, "ana"); err != nil {
		t.Fatal(err)
	}
	got, err := f.TokenByHash(t.Context(), made.Hash)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "token", got, made)

	list, err := f.ListTokens(t.Context())
	if err != nil || len(list) != 2 {
		t.Fatalf("%d tokens, %v; want 2", len(list), err)
	}
	if since := time.Since(list[1].CreatedAt); since < -time.Minute || since > time.Minute {
		t.Errorf("a token without a time was made %s ago", since)
	}
	forever.CreatedAt = list[1].CreatedAt
	equal(t, "tokens", list, []auth.Token{made, forever})

	event := f.events(rollout.EventQuery{Kind: "token"})[1]
	if event.Verb != rollout.VerbTokenCreate || event.Subject != "ci" || event.Actor != "ana" || event.Revision != 1 ||
		string(event.After) != `{"id":"t1","role":"operator","expires_at":"2026-01-02T04:04:05.000006Z"}` {
		t.Errorf("event %+v, after %s", event, event.After)
	}
	if strings.Contains(string(event.After), hex.EncodeToString(made.Hash[:])) {
		t.Error("the event holds the hash")
	}
}

func tokensRevoked(t *testing.T, backend Backend) {
	f := open(t, backend)
	made := f.createToken("t1")
	for range 2 {
		if err := f.RevokeToken(t.Context(), "t1", "ben"); err != nil {
			t.Fatal(err)
		}
	}
	got, err := f.TokenByHash(t.Context(), made.Hash)
	if err != nil || got.RevokedAt.IsZero() {
		t.Errorf("a revoked token is %+v, %v; want it with RevokedAt", got, err)
	}
	events := f.events(rollout.EventQuery{Kind: "token"})
	if len(events) != 2 || events[0].Verb != rollout.VerbTokenRevoke || events[0].Actor != "ben" || !events[0].At.Equal(got.RevokedAt) {
		t.Errorf("events %+v, want one creation and one revocation", events)
	}
}

func tokensTwice(t *testing.T, backend Backend) {
	f := open(t, backend)
	made := f.createToken("t1")
	again := made
	again.ID = "t9"
	for _, token := range []auth.Token{made, again} {
		if err := f.CreateToken(t.Context(), token, "eve"); err == nil || errors.Is(err, rollout.ErrUnavailable) {
			t.Errorf("token %s was made twice: %v", token.ID, err)
		}
	}
	if n := len(f.events(rollout.EventQuery{})); n != 1 {
		t.Errorf("%d events, want 1", n)
	}
}

func tokensUnknown(t *testing.T, backend Backend) {
	f := open(t, backend)
	if _, err := f.TokenByHash(t.Context(), sha256.Sum256([]byte("x"))); !errors.Is(err, auth.ErrNoToken) {
		t.Errorf("by hash: %v, want ErrNoToken", err)
	}
	for _, id := range []string{"x", "", "a\x00b", "a\xff"} {
		if err := f.RevokeToken(t.Context(), id, "ana"); !errors.Is(err, auth.ErrNoToken) {
			t.Errorf("revoke %q: %v, want ErrNoToken", id, err)
		}
	}
	list, err := f.ListTokens(t.Context())
	if err != nil || len(list) != 0 {
		t.Errorf("tokens of an empty store: %v, %v", list, err)
	}
}
