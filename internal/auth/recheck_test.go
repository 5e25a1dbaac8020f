package auth_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stranglerfig/strangler/internal/auth"
)

// What goes on after a token was verified ends with the token.
func TestRecheckFollowsTheToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &shelf{}
		leaver, brief := store.put(t, "leaver", auth.Operator, 0), store.put(t, "brief", auth.Viewer, time.Hour)
		v := auth.NewVerifier(store, "correct horse battery staple", quiet())
		want := auth.Identity{Name: "brief", Role: auth.Viewer, Expires: time.Now().Add(time.Hour).UTC()}
		if got, err := v.Recheck(t.Context(), auth.HashSecret(brief)); err != nil || got != want {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
		if got, err := v.Recheck(t.Context(), auth.HashSecret("correct horse battery staple")); err != nil || got.Name != auth.EnvironmentActor || got.Role != auth.Admin {
			t.Errorf("the environment's: %+v, %v", got, err)
		}
		if _, err := v.Recheck(t.Context(), auth.HashSecret(leaver)); err != nil {
			t.Error(err)
		}
		store.revoke(leaver)
		time.Sleep(5 * time.Second)
		if _, err := v.Recheck(t.Context(), auth.HashSecret(leaver)); !errors.Is(err, auth.ErrRevoked) {
			t.Errorf("revoked: %v", err)
		}
		time.Sleep(time.Hour)
		if _, err := v.Recheck(t.Context(), auth.HashSecret(brief)); !errors.Is(err, auth.ErrExpired) {
			t.Errorf("expired: %v", err)
		}
		if _, err := v.Recheck(t.Context(), auth.HashSecret("a stranger")); !errors.Is(err, auth.ErrDenied) {
			t.Errorf("of nobody: %v", err)
		}
		if v.Failed() != 0 || len(v.TakeDenied(true)) != 0 {
			t.Error("nobody tried to log in, and it was counted")
		}
	})
}
