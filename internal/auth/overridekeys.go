package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// OverrideKeysVariable is the environment variable that holds the keys of a
// fleet, alike on every router: id:base64,id2:base64. The first one signs, all verify.
const OverrideKeysVariable = "STRANGLER_OVERRIDE_KEYS"

// overrideKeySize is the length of a key in bytes.
const overrideKeySize = 32

// Bounds of a ring of keys.
const (
	maxOverrideKeys = 8  // more rotations within a day are no routine
	maxOverrideID   = 32 // bytes
)

// ErrNoOverrideKeys says that this router has no key to sign overrides with.
var ErrNoOverrideKeys = errors.New("this router has no key for overrides: set " + OverrideKeysVariable +
	" to id:key, alike on every router, with 32 random bytes in base64 (openssl rand -base64 32) as the key, and restart")

// ErrOverrideKeysFixed says that the keys come from the environment, which only its owner changes.
var ErrOverrideKeysFixed = errors.New("the keys for overrides come from " + OverrideKeysVariable +
	": put a new id:key before the others there, on every router, and restart them; remove old keys a day later")

// ErrOverrideKeys says that keys are not written as they must be.
var ErrOverrideKeys = errors.New("not keys for overrides")

// OverrideKeys signs and verifies overrides. The zero value knows no key: it
// signs nothing and believes nothing. It is safe for concurrent use.
type OverrideKeys struct {
	ring atomic.Pointer[[]overrideKey] // the first one signs; what it points to never changes

	path   string     // of the file that keeps them; empty: they are fixed
	change sync.Mutex // held while the file and ring are replaced
}

// overrideKey is one key of a ring.
type overrideKey struct {
	id     string
	secret [overrideKeySize]byte
}

func (k *overrideKey) sum(text string) []byte {
	mac := hmac.New(sha256.New, k.secret[:])
	_, _ = mac.Write([]byte(text)) // never fails, by hash.Hash's contract
	return mac.Sum(nil)
}

// String keeps the secret out of whatever prints a key.
func (k overrideKey) String() string { return "key " + k.id }

// ParseOverrideKeys reads id:base64,id2:base64, as the environment has it.
// Errors match ErrOverrideKeys and repeat no secret.
func ParseOverrideKeys(text string) (*OverrideKeys, error) {
	ring, err := parseRing(strings.Split(text, ","))
	if err != nil {
		return nil, err
	}
	keys := new(OverrideKeys)
	keys.ring.Store(&ring)
	return keys, nil
}

// IDs returns the ids of the keys, the signing one first; none without a key.
func (k *OverrideKeys) IDs() []string {
	var ids []string
	for _, key := range k.keys() {
		ids = append(ids, key.id)
	}
	return ids
}

func (k *OverrideKeys) keys() []overrideKey {
	if ring := k.ring.Load(); ring != nil {
		return *ring
	}
	return nil
}

func (k *OverrideKeys) byID(id string) (key *overrideKey, known bool) {
	keys := k.keys()
	if i := slices.IndexFunc(keys, func(key overrideKey) bool { return key.id == id }); i >= 0 {
		return &keys[i], true
	}
	return nil, false
}

// signing returns the key that signs, and makes the first one where keys are kept in a file.
func (k *OverrideKeys) signing() (*overrideKey, error) {
	if keys := k.keys(); len(keys) > 0 {
		return &keys[0], nil
	}
	if k.path == "" {
		return nil, ErrNoOverrideKeys
	}
	if err := k.add(true); err != nil {
		return nil, err
	}
	return &k.keys()[0], nil
}

// Rotate makes a new key that signs from now on; the others still verify. At
// most eight are kept. ErrOverrideKeysFixed or ErrNoOverrideKeys: nothing was changed.
func (k *OverrideKeys) Rotate() error {
	switch {
	case k.path != "":
		return k.add(false)
	case len(k.keys()) > 0:
		return ErrOverrideKeysFixed
	default:
		return ErrNoOverrideKeys
	}
}

// add puts a new key before the others, in the file first. With first set it
// does so only when there is none.
func (k *OverrideKeys) add(first bool) error {
	k.change.Lock()
	defer k.change.Unlock()
	old := k.keys()
	if first && len(old) > 0 {
		return nil
	}
	ring := append([]overrideKey{newOverrideKey()}, old...)
	ring = ring[:min(len(ring), maxOverrideKeys)]
	if err := writeRing(k.path, ring); err != nil {
		return fmt.Errorf("keep a new key for overrides in %s: %w; nothing was changed", k.path, err)
	}
	k.ring.Store(&ring)
	return nil
}

func newOverrideKey() overrideKey {
	key := overrideKey{id: strings.ToLower(rand.Text()[:idLength])}
	_, _ = rand.Read(key.secret[:]) // never fails, by crypto/rand's contract
	return key
}

// parseRing reads keys of the form id:base64, with or without space around them.
func parseRing(written []string) ([]overrideKey, error) {
	ring := make([]overrideKey, 0, len(written))
	for i, text := range written {
		key, fault := parseOverrideKey(strings.TrimSpace(text))
		if fault == "" && slices.ContainsFunc(ring, func(k overrideKey) bool { return k.id == key.id }) {
			fault = fmt.Sprintf("another one has the id %q: give each its own", key.id)
		}
		if fault != "" {
			return nil, fmt.Errorf("%w: number %d: %s", ErrOverrideKeys, i+1, fault)
		}
		ring = append(ring, key)
	}
	if len(ring) > maxOverrideKeys {
		return nil, fmt.Errorf("%w: there are %d, and at most %d are allowed: remove old ones", ErrOverrideKeys, len(ring), maxOverrideKeys)
	}
	return ring, nil
}

// parseOverrideKey says what is wrong with a key; empty: nothing. What stands
// before the colon may be a secret at the wrong place, and is not repeated
// unless it looks like an id.
func parseOverrideKey(text string) (key overrideKey, fault string) {
	const want = "write id:key, the key being 32 bytes in base64, as openssl rand -base64 32 prints them"
	id, encoded, ok := strings.Cut(text, ":")
	if !ok {
		return key, "it has no colon: " + want
	}
	if !isName(id) || strings.Contains(id, ".") || len(id) > maxOverrideID {
		return key, fmt.Sprintf("its id is not up to %d letters, digits, '-' or '_': %s", maxOverrideID, want)
	}
	secret, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return key, fmt.Sprintf("key %q is not base64: %s", id, want)
	}
	if len(secret) != overrideKeySize {
		return key, fmt.Sprintf("key %q has %d bytes: %s", id, len(secret), want)
	}
	key.id = id
	copy(key.secret[:], secret)
	return key, ""
}
