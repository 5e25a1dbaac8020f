package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/rollout"
)

func TestATokenIsMadeUsedAndRevoked(t *testing.T) {
	h := open(t)
	answer := h.post("/api/v1/tokens", `{"name": "ci", "role": "viewer", "ttl": "1h"}`).want(http.StatusOK)
	made := decode[wire.NewToken](answer)
	if made.Token.Name != "ci" || made.Token.Role != wire.RoleViewer || made.Token.State != wire.TokenStateInForce ||
		made.Token.ExpiresAt == nil || time.Until(*made.Token.ExpiresAt) > time.Hour || answer.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%+v, %v", made.Token, answer.header)
	}
	h.get("/api/v1/routes", as(made.Secret)).want(http.StatusOK)

	list := h.get("/api/v1/tokens").want(http.StatusOK)
	if strings.Contains(string(list.body), made.Secret) || len(decode[[]wire.Token](list)) != 4 {
		t.Errorf("the list of tokens: %s", list.body)
	}
	revoked := decode[wire.Token](h.delete("/api/v1/tokens/" + made.Token.ID).want(http.StatusOK))
	if revoked.State != wire.TokenStateRevoked || revoked.RevokedAt == nil {
		t.Errorf("%+v", revoked)
	}
	events := decode[[]wire.Event](h.get("/api/v1/events?limit=2"))
	if events[0].Verb != "token_revoke" || events[1].Verb != "token_create" || events[1].Actor != "ada" || events[1].Subject != "ci" {
		t.Errorf("%+v", events)
	}
	if strings.Contains(h.log.String(), made.Secret) {
		t.Error("the log has the secret")
	}
}

func TestTokensThatCannotBeMade(t *testing.T) {
	h := open(t)
	for body, code := range map[string]string{
		`{"name": "ci", "role": "king"}`:                   "bad_token",
		`{"name": "", "role": "viewer"}`:                   "bad_token",
		`{"name": "a b", "role": "viewer"}`:                "bad_token",
		`{"name": "ci", "role": "viewer", "ttl": "soon"}`:  "bad_ttl",
		`{"name": "ci", "role": "viewer", "ttl": "-1h"}`:   "bad_ttl",
		`{"name": "ci", "role": "viewer", "ttl": "0s"}`:    "bad_ttl",
		`{"name": "ci", "role": "viewer", "secret": "me"}`: "bad_json",
	} {
		h.post("/api/v1/tokens", body).problem(http.StatusBadRequest, code)
	}
	h.delete("/api/v1/tokens/nobody").problem(http.StatusNotFound, "unknown_token")
	if tokens := decode[[]wire.Token](h.get("/api/v1/tokens")); len(tokens) != 3 {
		t.Errorf("%d tokens, want 3", len(tokens))
	}
}

func TestAnExpiredTokenSaysSo(t *testing.T) {
	h := open(t)
	token, secret, err := auth.Mint("late", auth.Admin, time.Nanosecond)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.store.CreateToken(t.Context(), token, "test"); err != nil {
		t.Fatal(err)
	}
	p := h.get("/api/v1/status", as(secret)).problem(http.StatusUnauthorized, "token_expired")
	if p.Title != "The token has expired." || !strings.Contains(p.Detail, token.ExpiresAt.UTC().Format(time.RFC3339)) {
		t.Errorf("%+v", p)
	}
	for _, listed := range decode[[]wire.Token](h.get("/api/v1/tokens")) {
		if want := listed.Name == "late"; (listed.State == wire.TokenStateExpired) != want {
			t.Errorf("%+v", listed)
		}
	}
}

func TestTheHistoryIsVerified(t *testing.T) {
	h := openShop(t)
	found := decode[wire.Verification](h.get("/api/v1/events/verify", as(h.secrets[auth.Viewer])).want(http.StatusOK))
	if !found.Intact || found.Broken != nil || found.Events != 10 || len(found.Head) != 64 {
		t.Errorf("%+v", found)
	}
	h.store.broken = &rollout.BrokenEvent{ID: 7, Why: "its content is not what was written"}
	found = decode[wire.Verification](h.get("/api/v1/events/verify").want(http.StatusOK))
	if found.Intact || found.Broken == nil || found.Broken.ID != 7 || found.Events != 6 {
		t.Errorf("%+v", found)
	}
}
