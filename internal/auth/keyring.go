package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// keySize is the length of a key in bytes.
const keySize = 32

// Bounds of a ring of keys.
const (
	maxKeys  = 8  // more than so many at once is no routine
	maxKeyID = 32 // bytes
)

// key is one key of a ring.
type key struct {
	id     string
	secret [keySize]byte
}

// sum is the HMAC-SHA256 of text.
func (k *key) sum(text string) []byte {
	mac := hmac.New(sha256.New, k.secret[:])
	_, _ = mac.Write([]byte(text)) // never fails, by hash.Hash's contract
	return mac.Sum(nil)
}

// String keeps the secret out of whatever prints a key.
func (k key) String() string { return "key " + k.id }

// keyring is a list of keys, of which the first one is in use and the others
// are remembered. The zero value has none. It is safe for concurrent use.
type keyring struct {
	list atomic.Pointer[[]key] // what it points to never changes

	path   string     // of the file that keeps them; empty: they are fixed
	change sync.Mutex // held while the file and list are replaced
}

// IDs returns the ids of the keys, the one in use first; none without a key.
func (r *keyring) IDs() []string {
	var ids []string
	for _, k := range r.keys() {
		ids = append(ids, k.id)
	}
	return ids
}

func (r *keyring) keys() []key {
	if list := r.list.Load(); list != nil {
		return *list
	}
	return nil
}

func (r *keyring) byID(id string) (found *key, known bool) {
	keys := r.keys()
	if i := slices.IndexFunc(keys, func(k key) bool { return k.id == id }); i >= 0 {
		return &keys[i], true
	}
	return nil, false
}

// add puts a new key before the others, in the file first. With first set it
// does so only when there is none.
func (r *keyring) add(first bool) error {
	r.change.Lock()
	defer r.change.Unlock()
	old := r.keys()
	if first && len(old) > 0 {
		return nil
	}
	keys := append([]key{newKey()}, old...)
	keys = keys[:min(len(keys), maxKeys)]
	if err := writeKeys(r.path, keys); err != nil {
		return err
	}
	r.list.Store(&keys)
	return nil
}

func newKey() key {
	k := key{id: strings.ToLower(rand.Text()[:idLength])}
	_, _ = rand.Read(k.secret[:]) // never fails, by crypto/rand's contract
	return k
}

// parseKeys reads keys of the form id:base64, with or without space around
// them. The errors match kind.
func parseKeys(kind error, written []string) ([]key, error) {
	keys := make([]key, 0, len(written))
	for i, text := range written {
		one, fault := parseKey(strings.TrimSpace(text))
		if fault == "" && slices.ContainsFunc(keys, func(k key) bool { return k.id == one.id }) {
			fault = fmt.Sprintf("another one has the id %q: give each its own", one.id)
		}
		if fault != "" {
			return nil, fmt.Errorf("%w: number %d: %s", kind, i+1, fault)
		}
		keys = append(keys, one)
	}
	if len(keys) > maxKeys {
		return nil, fmt.Errorf("%w: there are %d, and at most %d are allowed: remove old ones", kind, len(keys), maxKeys)
	}
	return keys, nil
}

// parseKey says what is wrong with a key; empty: nothing. What stands before
// the colon may be a secret at the wrong place, and is not repeated unless it
// looks like an id.
func parseKey(text string) (k key, fault string) {
	const want = "write id:key, the key being 32 bytes in base64, as openssl rand -base64 32 prints them"
	id, encoded, ok := strings.Cut(text, ":")
	if !ok {
		return k, "it has no colon: " + want
	}
	if !isName(id) || strings.Contains(id, ".") || len(id) > maxKeyID {
		return k, fmt.Sprintf("its id is not up to %d letters, digits, '-' or '_': %s", maxKeyID, want)
	}
	secret, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return k, fmt.Sprintf("key %q is not base64: %s", id, want)
	}
	if len(secret) != keySize {
		return k, fmt.Sprintf("key %q has %d bytes: %s", id, len(secret), want)
	}
	k.id = id
	copy(k.secret[:], secret)
	return k, ""
}
