package auth

import (
	"fmt"
	"strings"
	"time"
)

// Why a token is not in force any more. Both match ErrDenied as well.
var (
	ErrExpired = fmt.Errorf("%w: the token expired", ErrDenied)
	ErrRevoked = fmt.Errorf("%w: the token was revoked", ErrDenied)
)

// InForce returns nil, or an ErrExpired or ErrRevoked that says since when the
// token is not.
func (t Token) InForce(now time.Time) error {
	if !t.RevokedAt.IsZero() {
		return fmt.Errorf("%w at %s", ErrRevoked, t.RevokedAt.UTC().Format(time.RFC3339))
	}
	if !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt) {
		return fmt.Errorf("%w at %s", ErrExpired, t.ExpiresAt.UTC().Format(time.RFC3339))
	}
	return nil
}

// Bearer returns the token of an Authorization header; "" when it holds none.
func Bearer(authorization string) string {
	scheme, secret, ok := strings.Cut(authorization, " ")
	if !ok || !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return strings.TrimSpace(secret)
}
