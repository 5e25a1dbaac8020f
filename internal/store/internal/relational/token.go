package relational

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/rollout"
)

// kindToken is the kind of events about tokens.
const kindToken = "token"

// errTokenExists is a token whose id or hash is taken.
var errTokenExists = errors.New("a token with this id or secret exists already")

const selectToken = `SELECT id, name, role, hash, created_at, expires_at, revoked_at FROM tokens `

// TokenByHash implements auth.Tokens; it returns expired and revoked tokens too.
func (d *DB) TokenByHash(ctx context.Context, hash [32]byte) (auth.Token, error) {
	tokens, err := d.tokens(ctx, "WHERE hash = $1", hash[:])
	if err != nil {
		return auth.Token{}, err
	}
	if len(tokens) == 0 {
		return auth.Token{}, auth.ErrNoToken
	}
	return tokens[0], nil
}

// ListTokens implements auth.Tokens: oldest first.
func (d *DB) ListTokens(ctx context.Context) ([]auth.Token, error) {
	return d.tokens(ctx, "ORDER BY created_at, id")
}

func (d *DB) tokens(ctx context.Context, rest string, args ...any) ([]auth.Token, error) {
	var tokens []auth.Token
	err := d.read(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		tokens, err = readTokens(ctx, tx, rest, args...)
		return err
	})
	return tokens, err
}

func readTokens(ctx context.Context, tx *sql.Tx, rest string, args ...any) ([]auth.Token, error) {
	var tokens []auth.Token
	err := each(ctx, tx, func(rows *sql.Rows) error {
		var (
			t                         auth.Token
			hash                      []byte
			created, expires, revoked instant
		)
		err := rows.Scan(&t.ID, &t.Name, &t.Role, &hash, &created, &expires, &revoked)
		copy(t.Hash[:], hash)
		t.CreatedAt, t.ExpiresAt, t.RevokedAt = created.Time, expires.Time, revoked.Time
		tokens = append(tokens, t)
		return err
	}, selectToken+rest, args...)
	if err != nil {
		return nil, fmt.Errorf("read tokens: %w", err)
	}
	return tokens, nil
}

// CreateToken implements auth.Tokens. A token without CreatedAt gets the store's clock.
func (d *DB) CreateToken(ctx context.Context, token auth.Token, actor string) error {
	if err := checkText(field{"id", token.ID}, field{"name", token.Name}, field{"role", string(token.Role)}); err != nil {
		return err
	}
	return d.write(ctx, func(ctx context.Context, w *writing) error {
		taken, err := readTokens(ctx, w.tx, "WHERE id = $1 OR hash = $2", token.ID, token.Hash[:])
		if err != nil {
			return err
		}
		if len(taken) > 0 {
			return fmt.Errorf("%w: %q; nothing was changed", errTokenExists, token.ID)
		}
		if token.CreatedAt.IsZero() {
			token.CreatedAt = w.at
		}
		if err := w.recordToken(ctx, rollout.VerbTokenCreate, token, actor); err != nil {
			return err
		}
		_, err = w.tx.ExecContext(ctx, `INSERT INTO tokens (id, name, role, hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)`,
			token.ID, token.Name, string(token.Role), token.Hash[:], kept(token.CreatedAt), orNull(token.ExpiresAt))
		if err != nil {
			return fmt.Errorf("write token %q: %w", token.ID, err)
		}
		return nil
	})
}

// RevokeToken implements auth.Tokens. Of a revoked token nothing is changed.
func (d *DB) RevokeToken(ctx context.Context, id, actor string) error {
	if !keepable(id) {
		return fmt.Errorf("%w: %q; nothing was changed", auth.ErrNoToken, id)
	}
	return d.write(ctx, func(ctx context.Context, w *writing) error {
		found, err := readTokens(ctx, w.tx, "WHERE id = $1", id)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return fmt.Errorf("%w: %q; nothing was changed", auth.ErrNoToken, id)
		}
		if !found[0].RevokedAt.IsZero() {
			return nil
		}
		if err := w.recordToken(ctx, rollout.VerbTokenRevoke, found[0], actor); err != nil {
			return err
		}
		if _, err := w.tx.ExecContext(ctx, `UPDATE tokens SET revoked_at = $1 WHERE id = $2`, w.at, id); err != nil {
			return fmt.Errorf("revoke token %q: %w", id, err)
		}
		return nil
	})
}

// recordToken writes the event about a token: never its hash, not even that.
func (w *writing) recordToken(ctx context.Context, verb rollout.Verb, token auth.Token, actor string) error {
	facts := struct {
		ID        string     `json:"id"`
		Role      auth.Role  `json:"role"`
		ExpiresAt *time.Time `json:"expires_at,omitempty"`
	}{ID: token.ID, Role: token.Role}
	if !token.ExpiresAt.IsZero() {
		expires := kept(token.ExpiresAt)
		facts.ExpiresAt = &expires
	}
	body, err := json.Marshal(facts)
	if err != nil {
		return fmt.Errorf("describe token %q: %w", token.ID, err)
	}
	event := rollout.Event{Verb: verb, Kind: kindToken, Subject: token.Name, Actor: actor, Cause: rollout.CauseOperator}
	if verb == rollout.VerbTokenCreate {
		event.After = body
	} else {
		event.Before = body
	}
	if _, err := w.record(event); err != nil {
		return err
	}
	return w.flush(ctx)
}
