package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/auth"
)

// ListTokens answers with every token, without its secret.
func (s *server) ListTokens(w http.ResponseWriter, r *http.Request) {
	tokens, err := s.tokens(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	list := make([]wire.Token, len(tokens))
	for i, token := range tokens {
		list[i] = wireToken(token)
	}
	s.writeJSON(w, r, list)
}

// CreateToken makes a token and shows its secret, once.
func (s *server) CreateToken(w http.ResponseWriter, r *http.Request) {
	var body wire.TokenRequest
	if err := readJSON(r, &body); err != nil {
		s.fail(w, r, err)
		return
	}
	token, secret, err := mint(body)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), moveFor)
	defer cancel()
	if err := s.TokenStore.CreateToken(ctx, token, actor(r)); err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	s.writeJSON(w, r, wire.NewToken{Token: wireToken(token), Secret: secret})
}

func mint(body wire.TokenRequest) (auth.Token, string, error) {
	var ttl time.Duration
	if body.TTL != "" {
		var err error
		if ttl, err = time.ParseDuration(body.TTL); err != nil || ttl <= 0 {
			return auth.Token{}, "", badRequest("bad_ttl", fmt.Sprintf("ttl is %q and has to be a positive duration", body.TTL),
				"write one like 720h, or leave it out for a token that never expires")
		}
	}
	token, secret, err := auth.Mint(body.Name, auth.Role(body.Role), ttl)
	if err != nil {
		return auth.Token{}, "", badRequest("bad_token", err.Error(), "")
	}
	return token, secret, nil
}

// RevokeToken revokes a token. One that is revoked already stays as it is.
func (s *server) RevokeToken(w http.ResponseWriter, r *http.Request, id string) {
	ctx, cancel := context.WithTimeout(r.Context(), moveFor)
	defer cancel()
	err := s.TokenStore.RevokeToken(ctx, id, actor(r))
	if errors.Is(err, auth.ErrNoToken) {
		err = newProblem(http.StatusNotFound, "unknown_token", "There is no such token.",
			fmt.Sprintf("there is no token with the id %q; nothing was changed", id), "list them: stranglerctl token ls")
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	tokens, err := s.tokens(ctx)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	for _, token := range tokens {
		if token.ID == id {
			s.writeJSON(w, r, wireToken(token))
		}
	}
}

func (s *server) tokens(ctx context.Context) ([]auth.Token, error) {
	ctx, cancel := context.WithTimeout(ctx, readFor)
	defer cancel()
	return s.TokenStore.ListTokens(ctx)
}

func wireToken(t auth.Token) wire.Token {
	token := wire.Token{ID: t.ID, Name: t.Name, Role: wire.Role(t.Role), State: wire.TokenStateInForce, CreatedAt: t.CreatedAt.UTC()}
	if !t.ExpiresAt.IsZero() {
		expires := t.ExpiresAt.UTC()
		token.ExpiresAt = &expires
	}
	if !t.RevokedAt.IsZero() {
		revoked := t.RevokedAt.UTC()
		token.RevokedAt = &revoked
	}
	switch err := t.InForce(time.Now()); {
	case errors.Is(err, auth.ErrRevoked):
		token.State = wire.TokenStateRevoked
	case errors.Is(err, auth.ErrExpired):
		token.State = wire.TokenStateExpired
	}
	return token
}
