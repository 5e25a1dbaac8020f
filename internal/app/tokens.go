package app

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/store"
)

// ListTokens prints the tokens in the store of config, oldest first, without
// their secrets.
func ListTokens(ctx context.Context, config Config, stdout io.Writer) error {
	opened, err := store.Open(ctx, config.Database, store.Options{Existing: true})
	if err != nil {
		return err
	}
	defer func() { _ = opened.Close() }()
	tokens, err := opened.ListTokens(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "ID\tNAME\tROLE\tCREATED\tVALID")
	for _, token := range tokens {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", token.ID, token.Name, token.Role, moment(token.CreatedAt), validity(token, time.Now()))
	}
	return w.Flush()
}

// RevokeToken takes the token with this id out of force in the store of config.
func RevokeToken(ctx context.Context, config Config, id string, stdout io.Writer) error {
	opened, err := store.Open(ctx, config.Database, store.Options{Existing: true})
	if err != nil {
		return err
	}
	defer func() { _ = opened.Close() }()
	if err := opened.RevokeToken(ctx, id, "strangler token revoke"); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "token %s is revoked: routers refuse it within five seconds\n", id)
	return err
}

// validity says whether a token is in force, and for how long.
func validity(token auth.Token, now time.Time) string {
	switch {
	case !token.RevokedAt.IsZero():
		return "revoked " + moment(token.RevokedAt)
	case token.ExpiresAt.IsZero():
		return "until it is revoked"
	case token.ExpiresAt.Before(now):
		return "expired " + moment(token.ExpiresAt)
	default:
		return "until " + moment(token.ExpiresAt)
	}
}

func moment(t time.Time) string { return t.UTC().Format(time.RFC3339) }
