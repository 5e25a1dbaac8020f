package app_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/app"
	"github.com/stranglerfig/strangler/internal/auth"
)

func TestTokensAreListedAndRevoked(t *testing.T) {
	config := app.Config{Database: "sqlite:" + filepath.Join(t.TempDir(), "s.db")}
	if err := app.Migrate(t.Context(), config, "up", io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, request := range []app.TokenRequest{{Name: "ana", Role: "operator"}, {Name: "ci", Role: "viewer", TTL: time.Hour}} {
		if err := app.CreateToken(t.Context(), config, request, io.Discard, io.Discard); err != nil {
			t.Fatal(err)
		}
	}
	list := func() string {
		var out bytes.Buffer
		if err := app.ListTokens(t.Context(), config, &out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	const at = `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`
	const ana, ci = `(?m)^([a-z2-7]{8})  ana   operator  ` + at, `(?m)^[a-z2-7]{8}  ci    viewer    ` + at + `  until ` + at + `$`
	found := regexp.MustCompile(ana + `  until it is revoked$`).FindStringSubmatch(list())
	if found == nil || !regexp.MustCompile(ci).MatchString(list()) {
		t.Fatalf("listed are\n%s", list())
	}
	var said bytes.Buffer
	if err := app.RevokeToken(t.Context(), config, found[1], &said); err != nil {
		t.Fatal(err)
	}
	if want := "token " + found[1] + " is revoked: routers refuse it within five seconds\n"; said.String() != want {
		t.Errorf("%q, want %q", said.String(), want)
	}
	if !regexp.MustCompile(ana + `  revoked ` + at + `$`).MatchString(list()) {
		t.Errorf("after revoking ana's:\n%s", list())
	}
	if err := app.RevokeToken(t.Context(), config, "nosuch", io.Discard); !errors.Is(err, auth.ErrNoToken) {
		t.Errorf("an id of no token: %v", err)
	}
}

// TestTokensOfNoStore: a mistyped path must not become a second store, of which
// no router knows the tokens.
func TestTokensOfNoStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stranger.db")
	config := app.Config{Database: "sqlite:" + path}
	for verb, err := range map[string]error{
		"create": app.CreateToken(t.Context(), config, app.TokenRequest{Name: "ana", Role: "viewer"}, io.Discard, io.Discard),
		"ls":     app.ListTokens(t.Context(), config, io.Discard),
		"revoke": app.RevokeToken(t.Context(), config, "kq3x7ab2", io.Discard),
	} {
		if err == nil || !strings.Contains(err.Error(), "there is no file "+path) {
			t.Errorf("token %s: %v", verb, err)
		}
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s was made: %v", path, err)
	}
}

func TestARevokedTokenIsRefused(t *testing.T) {
	file := "sqlite:" + filepath.Join(t.TempDir(), "s.db")
	r := run(t, func(c *app.Config) { c.Database = file }, quiet())
	var secret bytes.Buffer
	config := app.Config{Database: file}
	if err := app.CreateToken(t.Context(), config, app.TokenRequest{Name: "ana", Role: "viewer"}, &secret, io.Discard); err != nil {
		t.Fatal(err)
	}
	id := strings.Split(secret.String(), "_")[1]
	if err := app.RevokeToken(t.Context(), config, id, io.Discard); err != nil {
		t.Fatal(err)
	}
	if status := adminStatus(t, r, strings.TrimSpace(secret.String())); status != 401 {
		t.Errorf("the revoked token is answered with %d", status)
	}
}

// TestTheLogIsReadable: durations are written as people write them.
func TestTheLogIsReadable(t *testing.T) {
	var log lockedBuffer
	r := run(t, func(*app.Config) {}, app.Env{Version: "test", Stdout: io.Discard, Stderr: &log})
	if status := adminStatus(t, r, "wrong"); status != 401 {
		t.Fatalf("answered with %d", status)
	}
	if err := r.end(); err != nil {
		t.Fatal(err)
	}
	if bare := regexp.MustCompile(`"(duration|closing_in|age|poll_every)":\d`).FindString(log.String()); bare != "" {
		t.Errorf("bare nanoseconds, %s, in\n%s", bare, log.String())
	}
	if !regexp.MustCompile(`"status":401,"duration":"[0-9.]+[mµ]?s"`).MatchString(log.String()) {
		t.Errorf("no duration in\n%s", log.String())
	}
}
