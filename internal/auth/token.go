package auth

import (
	"fmt"
	"strings"
	"time"
)

// InForce returns nil, or an ErrDenied that says since when the token is not.
func (t Token) InForce(now time.Time) error {
	if !t.RevokedAt.IsZero() {
		return fmt.Errorf("%w: the token was revoked at %s", ErrDenied, t.RevokedAt.UTC().Format(time.RFC3339))
	}
	if !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt) {
		return fmt.Errorf("%w: the token expired at %s", ErrDenied, t.ExpiresAt.UTC().Format(time.RFC3339))
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
