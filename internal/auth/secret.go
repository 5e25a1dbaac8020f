package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/spoken"
)

// Prefix begins every secret, so that people and secret scanners know one when they see it.
const Prefix = "strangler_"

// The lengths of a secret's parts, in base32 characters of 5 bits each. Of the
// random part's 26 characters, all that crypto/rand.Text gives, at least 128
// bits are random. The id only has to tell the tokens of one store apart.
const (
	idLength     = 8
	randomLength = 26
)

// maxName is how long a token's name may be, in bytes.
const maxName = 100

// ErrName says that a token cannot have this name.
var ErrName = errors.New("not a token name")

// Mint makes a token and its secret, strangler_<id>_<random>. The secret is
// in the second result and nowhere else: show it once. A ttl of 0 never expires.
func Mint(name string, role Role, ttl time.Duration) (Token, string, error) {
	if err := checkName(name); err != nil {
		return Token{}, "", err
	}
	if _, err := ParseRole(string(role)); err != nil {
		return Token{}, "", err
	}
	if ttl < 0 {
		return Token{}, "", fmt.Errorf("a token that is valid for %s is of no use: give a positive duration, or 0 for no end", spoken.Duration(ttl))
	}
	id := strings.ToLower(rand.Text()[:idLength])
	secret := Prefix + id + "_" + strings.ToLower(rand.Text())
	token := Token{ID: id, Name: name, Role: role, Hash: HashSecret(secret), CreatedAt: time.Now().UTC()}
	if ttl > 0 {
		token.ExpiresAt = token.CreatedAt.Add(ttl)
	}
	return token, secret, nil
}

// HashSecret is what a store keeps of a secret. A plain SHA-256 is enough
// because secrets are random: there is no dictionary to try.
func HashSecret(secret string) [32]byte {
	return sha256.Sum256([]byte(secret))
}

// checkName keeps names harmless wherever an actor is shown.
func checkName(name string) error {
	if len(name) > maxName || !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]*$`).MatchString(name) {
		return fmt.Errorf("%w: %q: use up to %d letters, digits, '.', '_', '@' or '-', beginning with a letter or digit", ErrName, name, maxName)
	}
	if name == EnvironmentActor {
		return fmt.Errorf("%w: %q is what the token of the environment is called", ErrName, name)
	}
	return nil
}

// wellFormed tells what may be a secret from what cannot be one, so that
// nonsense costs no look-up in the store.
func wellFormed(secret string) bool {
	rest, ok := strings.CutPrefix(secret, Prefix)
	if !ok {
		return false
	}
	id, random, ok := strings.Cut(rest, "_")
	return ok && len(id) == idLength && len(random) == randomLength
}
