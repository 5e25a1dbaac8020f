package auth

import (
	"context"
	"errors"
	"time"
)

// Role is what a token may do; each includes the ones before it.
type Role string

// The roles.
const (
	Viewer   Role = "viewer"   // reads
	Operator Role = "operator" // the verbs
	Admin    Role = "admin"    // definitions and tokens
)

// Token is one bearer token as it is stored: never the secret itself.
type Token struct {
	ID        string // short public id, part of the secret's prefix
	Name      string // who holds it; the actor of events
	Role      Role
	Hash      [32]byte // SHA-256 of the secret
	CreatedAt time.Time
	ExpiresAt time.Time // zero: never
	RevokedAt time.Time // zero: in force
}

// ErrNoToken says that no stored token has this hash or id.
var ErrNoToken = errors.New("no such token")

// Tokens is the store of tokens. Creating and revoking write an event in the
// same transaction, with actor as its author.
type Tokens interface {
	TokenByHash(ctx context.Context, hash [32]byte) (Token, error)
	ListTokens(ctx context.Context) ([]Token, error)
	CreateToken(ctx context.Context, token Token, actor string) error
	RevokeToken(ctx context.Context, id string, actor string) error
}
