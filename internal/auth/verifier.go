package auth

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// EnvironmentActor is who did what was done with the token of the environment.
const EnvironmentActor = "admin-token"

// How long a checked token is believed.
const (
	// askAfter bounds how long a revoked token still works while the store answers.
	askAfter = 5 * time.Second
	// staleFor bounds how long a token works while the store does not.
	staleFor = 10 * time.Minute
	// askFor bounds how long one look-up may take; a store that hangs is a store that is away.
	askFor = 2 * time.Second
	// strangers is how many tokens that are not remembered may be looked up at a
	// time, so that somebody who guesses cannot keep the store from everybody else.
	strangers = 2
	// keep bounds the number of remembered tokens.
	keep = 1024
	// weak is the shortest token of the environment that goes without a warning.
	weak = 20
)

// ErrDenied says that there is no token, or none that is in force.
var ErrDenied = errors.New("not authenticated")

// ErrUnavailable says that a token could not be checked because the store did not answer.
var ErrUnavailable = errors.New("the token cannot be checked")

// errCrowd says that other unknown tokens took all the time there was.
var errCrowd = errors.New("too many unknown tokens are being looked up")

// Identity is who presented a token.
type Identity struct {
	Name    string // the actor of events
	Role    Role
	Expires time.Time // of the token; zero: never
}

// Lookup is the store of tokens as a Verifier needs it. TokenByHash returns
// ErrNoToken when there is none; any other error means that the store is away.
type Lookup interface {
	TokenByHash(ctx context.Context, hash [32]byte) (Token, error)
}

// Verifier checks presented secrets. It remembers what it found, so that known
// tokens keep working for 10 minutes while the store is away; while it answers,
// a revocation is seen within 5 seconds. It is safe for concurrent use.
type Verifier struct {
	tokens   Lookup
	admin    [32]byte // hash of the environment's token
	hasAdmin bool
	failures *failureLog
	denied   *tally
	failed   atomic.Uint64
	lookups  chan struct{} // holds one for each look-up of a stranger

	mu    sync.Mutex
	known map[[32]byte]remembered // guarded by mu
}

// remembered is a token that the store once confirmed.
type remembered struct {
	token     Token
	confirmed time.Time // by the store
	askAt     time.Time // before that it is believed without asking
}

// NewVerifier returns a Verifier over tokens. adminToken, when not empty, is
// one more admin token that no store knows.
func NewVerifier(tokens Lookup, adminToken string, logger *slog.Logger) *Verifier {
	v := &Verifier{
		tokens:   tokens,
		failures: newFailureLog(logger),
		denied:   newTally(),
		lookups:  make(chan struct{}, strangers),
		known:    make(map[[32]byte]remembered),
	}
	if adminToken != "" {
		v.admin, v.hasAdmin = HashSecret(adminToken), true
	}
	if v.hasAdmin && len(adminToken) < weak {
		logger.Warn("the admin token of the environment is short and may be guessed",
			"length", len(adminToken), "want", weak)
	}
	return v
}

// Verify returns who holds secret. from is where it came from, for the log of
// failures. Errors: ErrDenied, ErrUnavailable, or the context's own.
func (v *Verifier) Verify(ctx context.Context, secret, from string) (Identity, error) {
	identity, err := v.verify(ctx, secret)
	if !errors.Is(err, ErrDenied) {
		return identity, err
	}
	v.failed.Add(1)
	v.failures.report(err, from)
	if secret != "" { // who shows nothing has not tried
		v.denied.add(identity.Name, err.Error(), from, time.Now())
	}
	return Identity{}, err
}

// Failed returns how many log-ins were denied, those without any token too.
func (v *Verifier) Failed() uint64 { return v.failed.Load() }

// TakeDenied returns what was denied since it was last asked: a source at most
// once a minute, however often it tries, and no more than 17 at a time. With all
// it returns also what would have to wait.
func (v *Verifier) TakeDenied(all bool) []Denied {
	return v.denied.take(time.Now(), all)
}

// Recheck returns who holds the token of which hash is the HashSecret, for what goes
// on after its secret was verified. It counts nothing as a log-in, and names the
// holder of a token that is not in force any more as well. Errors: as of Verify.
func (v *Verifier) Recheck(ctx context.Context, hash [32]byte) (Identity, error) {
	if v.isAdmin(hash) {
		return Identity{Name: EnvironmentActor, Role: Admin}, nil
	}
	token, err := v.token(ctx, hash)
	if err != nil {
		return Identity{}, err
	}
	if err := token.InForce(time.Now()); err != nil {
		return Identity{Name: token.Name}, err
	}
	return Identity{Name: token.Name, Role: token.Role, Expires: token.ExpiresAt}, nil
}

func (v *Verifier) verify(ctx context.Context, secret string) (Identity, error) {
	if secret == "" {
		return Identity{}, fmt.Errorf("%w: no token was given", ErrDenied)
	}
	hash := HashSecret(secret)
	if !v.isAdmin(hash) && !wellFormed(secret) {
		return Identity{}, fmt.Errorf("%w: this is not a token of strangler", ErrDenied)
	}
	return v.Recheck(ctx, hash)
}

func (v *Verifier) isAdmin(hash [32]byte) bool {
	return v.hasAdmin && subtle.ConstantTimeCompare(hash[:], v.admin[:]) == 1
}

// token returns what is known of hash, asking the store when that is too old.
func (v *Verifier) token(ctx context.Context, hash [32]byte) (Token, error) {
	now := time.Now()
	memory, known := v.recall(hash)
	if known && now.Before(memory.askAt) {
		return memory.token, nil
	}
	token, err := v.ask(ctx, hash, known)
	switch {
	case err == nil:
		v.remember(hash, remembered{token: token, confirmed: now, askAt: now.Add(askAfter)})
		return token, nil
	case errors.Is(err, ErrNoToken):
		v.forget(hash)
		return Token{}, fmt.Errorf("%w: no such token", ErrDenied)
	case ctx.Err() != nil:
		return Token{}, ctx.Err()
	case known && now.Sub(memory.confirmed) < staleFor:
		// Not every request has to wait for a store that is away.
		memory.askAt = now.Add(askAfter)
		v.remember(hash, memory)
		return memory.token, nil
	default:
		return Token{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
}

func (v *Verifier) ask(ctx context.Context, hash [32]byte, known bool) (Token, error) {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	if !known {
		select {
		case v.lookups <- struct{}{}:
			defer func() { <-v.lookups }()
		case <-ctx.Done():
			return Token{}, errCrowd
		}
	}
	token, err := v.tokens.TokenByHash(ctx, hash)
	if err != nil {
		return Token{}, err
	}
	if subtle.ConstantTimeCompare(token.Hash[:], hash[:]) != 1 {
		return Token{}, ErrNoToken
	}
	return token, nil
}

func (v *Verifier) recall(hash [32]byte) (remembered, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	memory, ok := v.known[hash]
	return memory, ok
}

func (v *Verifier) remember(hash [32]byte, memory remembered) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, ok := v.known[hash]; !ok && len(v.known) >= keep {
		for other := range v.known { // any one: what is in use comes back at its next request
			delete(v.known, other)
			break
		}
	}
	v.known[hash] = memory
}

func (v *Verifier) forget(hash [32]byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.known, hash)
}
