package auth_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stranglerfig/strangler/internal/auth"
)

var errAway = errors.New("connection refused")

// shelf is a store of tokens that can be taken away.
type shelf struct {
	mu     sync.Mutex
	tokens map[[32]byte]auth.Token
	away   bool
	hangs  bool
	asked  int
}

func (s *shelf) TokenByHash(ctx context.Context, hash [32]byte) (auth.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if s.hangs {
		<-ctx.Done()
		return auth.Token{}, ctx.Err()
	}
	if s.away {
		return auth.Token{}, errAway
	}
	token, ok := s.tokens[hash]
	if !ok {
		return auth.Token{}, auth.ErrNoToken
	}
	return token, nil
}

// put mints a token and shelves it.
func (s *shelf) put(t *testing.T, name string, role auth.Role, ttl time.Duration) (secret string) {
	t.Helper()
	token, secret, err := auth.Mint(name, role, ttl)
	if err != nil {
		t.Fatal(err)
	}
	if s.tokens == nil {
		s.tokens = make(map[[32]byte]auth.Token)
	}
	s.tokens[token.Hash] = token
	return secret
}

func (s *shelf) revoke(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	hash := auth.HashSecret(secret)
	token := s.tokens[hash]
	token.RevokedAt = time.Now()
	s.tokens[hash] = token
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func verify(v *auth.Verifier, secret string) (auth.Identity, error) {
	return v.Verify(context.Background(), secret, "127.0.0.1:1")
}

func TestVerifyKnowsWhoHoldsAToken(t *testing.T) {
	store := &shelf{}
	secret := store.put(t, "ana", auth.Operator, 0)
	v := auth.NewVerifier(store, "", quiet())
	got, err := verify(v, secret)
	if want := (auth.Identity{Name: "ana", Role: auth.Operator}); err != nil || got != want {
		t.Errorf("Verify = %+v, %v, want %+v", got, err, want)
	}
}

func TestVerifyDeniesWhatIsNoTokenInForce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &shelf{}
		expired := store.put(t, "old", auth.Admin, time.Minute)
		revoked := store.put(t, "gone", auth.Admin, 0)
		_, stranger, err := auth.Mint("stranger", auth.Admin, 0)
		if err != nil {
			t.Fatal(err)
		}
		store.revoke(revoked)
		time.Sleep(time.Minute)
		v := auth.NewVerifier(store, "", quiet())
		for secret, want := range map[string]string{
			"":                     "no token was given",
			"hunter2":              "not a token of strangler",
			"strangler_short":      "not a token of strangler",
			"strangler_aaaaaaaa_b": "not a token of strangler",
			stranger:               "no such token",
			expired:                "expired at 2000-01-01T00:01:00Z",
			revoked:                "revoked at 2000-01-01T00:00:00Z",
		} {
			got, err := verify(v, secret)
			if !errors.Is(err, auth.ErrDenied) || !strings.Contains(err.Error(), want) || got != (auth.Identity{}) {
				t.Errorf("Verify(%q) = %+v, %v, want ErrDenied with %q", secret, got, err, want)
			}
			if err != nil && secret != "" && strings.Contains(err.Error(), secret) {
				t.Errorf("the error tells the secret: %v", err)
			}
		}
		if got := v.Failed(); got != 7 {
			t.Errorf("Failed() = %d, want 7", got)
		}
		if store.asked != 3 {
			t.Errorf("the store was asked %d times, want 3: what cannot be a secret costs no look-up", store.asked)
		}
	})
}

func TestTheTokenOfTheEnvironmentNeedsNoStore(t *testing.T) {
	store := &shelf{away: true}
	v := auth.NewVerifier(store, "correct horse battery staple", quiet())
	got, err := verify(v, "correct horse battery staple")
	if want := (auth.Identity{Name: "admin-token", Role: auth.Admin}); err != nil || got != want {
		t.Errorf("Verify = %+v, %v, want %+v", got, err, want)
	}
	if _, err := verify(v, "correct horse battery stapl"); !errors.Is(err, auth.ErrDenied) {
		t.Errorf("a wrong one: %v, want ErrDenied", err)
	}
}

func TestNoTokenOfTheEnvironmentIsNotAnEmptyOne(t *testing.T) {
	v := auth.NewVerifier(&shelf{}, "", quiet())
	if got, err := verify(v, ""); !errors.Is(err, auth.ErrDenied) {
		t.Errorf("Verify(\"\") = %+v, %v, want ErrDenied", got, err)
	}
}

func TestAShortTokenOfTheEnvironmentIsWarnedOf(t *testing.T) {
	var log bytes.Buffer
	auth.NewVerifier(&shelf{}, "changeme", slog.New(slog.NewTextHandler(&log, nil)))
	if !strings.Contains(log.String(), "level=WARN") || strings.Contains(log.String(), "changeme") {
		t.Errorf("log = %q, want a warning without the token", log.String())
	}
}

func TestARevocationIsSeenWithinFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &shelf{}
		secret := store.put(t, "ana", auth.Viewer, 0)
		v := auth.NewVerifier(store, "", quiet())
		if _, err := verify(v, secret); err != nil {
			t.Fatal(err)
		}
		store.revoke(secret)
		time.Sleep(5*time.Second - time.Millisecond)
		if _, err := verify(v, secret); err != nil {
			t.Fatalf("before 5 s the store is not asked again: %v", err)
		}
		time.Sleep(time.Millisecond)
		if _, err := verify(v, secret); !errors.Is(err, auth.ErrDenied) {
			t.Fatalf("after 5 s: %v, want ErrDenied", err)
		}
		if store.asked != 2 {
			t.Errorf("the store was asked %d times, want 2", store.asked)
		}
	})
}

func TestADeletedTokenIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &shelf{}
		secret := store.put(t, "ana", auth.Viewer, 0)
		v := auth.NewVerifier(store, "", quiet())
		if _, err := verify(v, secret); err != nil {
			t.Fatal(err)
		}
		delete(store.tokens, auth.HashSecret(secret))
		time.Sleep(5 * time.Second)
		if _, err := verify(v, secret); !errors.Is(err, auth.ErrDenied) {
			t.Fatalf("deleted: %v, want ErrDenied", err)
		}
		store.away = true
		if _, err := verify(v, secret); !errors.Is(err, auth.ErrUnavailable) {
			t.Fatalf("deleted, and the store went away: %v, want ErrUnavailable", err)
		}
	})
}

func TestAKnownTokenWorksForTenMinutesWithoutTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &shelf{}
		secret := store.put(t, "ana", auth.Operator, 0)
		unseen := store.put(t, "bob", auth.Operator, 0)
		v := auth.NewVerifier(store, "", quiet())
		if _, err := verify(v, secret); err != nil {
			t.Fatal(err)
		}
		store.away = true
		if _, err := verify(v, unseen); !errors.Is(err, auth.ErrUnavailable) || !errors.Is(err, errAway) {
			t.Fatalf("a token never seen: %v, want ErrUnavailable and why", err)
		}
		time.Sleep(10*time.Minute - time.Millisecond)
		if got, err := verify(v, secret); err != nil || got.Name != "ana" {
			t.Fatalf("after 10 m: %+v, %v, want ana", got, err)
		}
		time.Sleep(5 * time.Second)
		if _, err := verify(v, secret); !errors.Is(err, auth.ErrUnavailable) {
			t.Fatalf("after that: %v, want ErrUnavailable", err)
		}
		store.away = false
		if _, err := verify(v, secret); err != nil {
			t.Fatalf("the store is back: %v", err)
		}
	})
}

func TestATokenExpiresWhileItIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &shelf{}
		secret := store.put(t, "ana", auth.Viewer, time.Minute)
		v := auth.NewVerifier(store, "", quiet())
		if _, err := verify(v, secret); err != nil {
			t.Fatal(err)
		}
		store.away = true
		time.Sleep(time.Minute)
		if _, err := verify(v, secret); !errors.Is(err, auth.ErrDenied) {
			t.Fatalf("expired: %v, want ErrDenied", err)
		}
	})
}

func TestAStoreThatHangsIsAStoreThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &shelf{}
		secret := store.put(t, "ana", auth.Viewer, 0)
		v := auth.NewVerifier(store, "", quiet())
		if _, err := verify(v, secret); err != nil {
			t.Fatal(err)
		}
		store.hangs = true
		time.Sleep(5 * time.Second)
		start := time.Now()
		if _, err := verify(v, secret); err != nil {
			t.Fatalf("a known token: %v", err)
		}
		if waited := time.Since(start); waited != 2*time.Second {
			t.Errorf("waited %s, want 2 s", waited)
		}
		start = time.Now()
		if _, err := verify(v, secret); err != nil || time.Since(start) != 0 {
			t.Errorf("the next request waited %s (%v), want 0", time.Since(start), err)
		}
	})
}

func TestAClientThatLeftIsNotAStoreThatIsAway(t *testing.T) {
	store := &shelf{hangs: true}
	v := auth.NewVerifier(store, "", quiet())
	secret := store.put(t, "ana", auth.Viewer, 0)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := v.Verify(ctx, secret, ""); !errors.Is(err, context.Canceled) || errors.Is(err, auth.ErrUnavailable) {
		t.Errorf("Verify = %v, want context.Canceled alone", err)
	}
}

func TestDeniedLogInsAreLoggedAtABoundedRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		v := auth.NewVerifier(&shelf{}, "", slog.New(slog.NewTextHandler(&log, nil)))
		for range 500 {
			_, _ = v.Verify(t.Context(), "guess", "192.0.2.7:99")
		}
		time.Sleep(time.Second)
		_, _ = v.Verify(t.Context(), "guess", "192.0.2.7:99")
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		if len(lines) != 2 {
			t.Fatalf("%d lines, want 2:\n%s", len(lines), log.String())
		}
		if !strings.Contains(lines[1], "suppressed=499") || !strings.Contains(lines[1], "from=192.0.2.7:99") || strings.Contains(log.String(), "guess") {
			t.Errorf("line = %q, want the count and where from, and never the secret", lines[1])
		}
		if v.Failed() != 501 {
			t.Errorf("Failed() = %d, want 501", v.Failed())
		}
	})
}

func TestAVerifierRemembersManyTokensAtOnce(t *testing.T) {
	store := &shelf{}
	secrets := make([]string, 1500)
	for i := range secrets {
		secrets[i] = store.put(t, fmt.Sprintf("user-%d", i), auth.Viewer, 0)
	}
	v := auth.NewVerifier(store, "", quiet())
	var wg sync.WaitGroup
	for i, secret := range secrets {
		wg.Go(func() {
			if got, err := verify(v, secret); err != nil || got.Name != fmt.Sprintf("user-%d", i) {
				t.Errorf("user-%d: %+v, %v", i, got, err)
			}
		})
	}
	wg.Wait()
}

// crowded is a store that answers for one token at once and for others never.
type crowded struct {
	shelf
	guest [32]byte
	mu    sync.Mutex
	now   int // look-ups that hang
	most  int
}

func (c *crowded) TokenByHash(ctx context.Context, hash [32]byte) (auth.Token, error) {
	if hash == c.guest {
		return c.shelf.TokenByHash(ctx, hash)
	}
	c.mu.Lock()
	c.now++
	c.most = max(c.most, c.now)
	c.mu.Unlock()
	<-ctx.Done()
	c.mu.Lock()
	c.now--
	c.mu.Unlock()
	return auth.Token{}, ctx.Err()
}

func TestGuessingDoesNotCrowdOutWhoIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &crowded{}
		secret := store.put(t, "ana", auth.Operator, 0)
		store.guest = auth.HashSecret(secret)
		v := auth.NewVerifier(store, "", quiet())
		if _, err := verify(v, secret); err != nil {
			t.Fatal(err)
		}
		time.Sleep(6 * time.Second) // ana's token has to be looked up again
		var guessing sync.WaitGroup
		for range 50 {
			guessing.Go(func() {
				_, guess, err := auth.Mint("eve", auth.Admin, 0)
				if err != nil {
					t.Error(err)
				}
				if _, err := verify(v, guess); !errors.Is(err, auth.ErrUnavailable) {
					t.Errorf("a guess that nobody answers: %v", err)
				}
			})
		}
		synctest.Wait()
		start := time.Now()
		if got, err := verify(v, secret); err != nil || got.Name != "ana" || time.Since(start) > 0 {
			t.Errorf("ana got %+v, %v after %s", got, err, time.Since(start))
		}
		guessing.Wait()
		if store.most != 2 {
			t.Errorf("%d guesses were looked up at a time, want 2", store.most)
		}
	})
}
