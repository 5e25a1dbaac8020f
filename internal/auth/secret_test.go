package auth_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stranglerfig/strangler/internal/auth"
)

func TestMintMakesASecretThatOnlyItsHashIsKeptOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		token, secret, err := auth.Mint("ana", auth.Operator, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(`^strangler_[a-z2-7]{8}_[a-z2-7]{26}$`).MatchString(secret) {
			t.Errorf("secret has the shape of %q", secret)
		}
		if !strings.HasPrefix(secret, "strangler_"+token.ID+"_") {
			t.Errorf("secret %q does not carry the id %q", secret, token.ID)
		}
		want := auth.Token{
			ID: token.ID, Name: "ana", Role: auth.Operator, Hash: auth.HashSecret(secret),
			CreatedAt: time.Now().UTC(), ExpiresAt: time.Now().UTC().Add(time.Hour),
		}
		if token != want {
			t.Errorf("token = %+v, want %+v", token, want)
		}
	})
}

func TestMintNeverMakesTheSameSecretTwice(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		_, secret, err := auth.Mint("ana", auth.Viewer, 0)
		if err != nil {
			t.Fatal(err)
		}
		if seen[secret] {
			t.Fatalf("%q twice", secret)
		}
		seen[secret] = true
	}
}

func TestMintRefusesWhatIsNoName(t *testing.T) {
	for _, name := range []string{
		"", " ", "-ana", "ana smith", "<img onerror>", "ana\r\nbob", "ana\x00", "ünïcode",
		strings.Repeat("a", 101), auth.EnvironmentActor,
	} {
		_, secret, err := auth.Mint(name, auth.Viewer, 0)
		if !errors.Is(err, auth.ErrName) || secret != "" {
			t.Errorf("Mint(%q) = %q, %v, want ErrName", name, secret, err)
		}
	}
	for _, name := range []string{"a", "ana@example.com", "ci.deploy-2", strings.Repeat("a", 100)} {
		if _, _, err := auth.Mint(name, auth.Viewer, 0); err != nil {
			t.Errorf("Mint(%q): %v", name, err)
		}
	}
}

func TestMintRefusesAnUnknownRoleAndATokenThatIsOverAlready(t *testing.T) {
	if _, _, err := auth.Mint("ana", "root", 0); err == nil || !strings.Contains(err.Error(), `"root"`) {
		t.Errorf("unknown role: %v", err)
	}
	if _, _, err := auth.Mint("ana", auth.Viewer, -time.Minute); err == nil || !strings.Contains(err.Error(), "-1m ") {
		t.Errorf("negative duration: %v", err)
	}
}

func TestBearer(t *testing.T) {
	for header, want := range map[string]string{
		"Bearer abc":  "abc",
		"bearer abc":  "abc",
		"Bearer  abc": "abc",
		"Basic abc":   "",
		"Bearer":      "",
		"abc":         "",
		"":            "",
	} {
		if got := auth.Bearer(header); got != want {
			t.Errorf("Bearer(%q) = %q, want %q", header, got, want)
		}
	}
}
