package auth

import (
	"errors"
	"fmt"
	"strings"
)

// OverrideKeysVariable is the environment variable that holds the keys of a
// fleet, alike on every router: id:base64,id2:base64. The first one signs, all verify.
const OverrideKeysVariable = "STRANGLER_OVERRIDE_KEYS"

// OverrideKeysFile is the name of the file of keys in the state folder.
const OverrideKeysFile = "override.keys"

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
type OverrideKeys struct{ keyring }

// ParseOverrideKeys reads id:base64,id2:base64, as the environment has it.
// Errors match ErrOverrideKeys and repeat no secret.
func ParseOverrideKeys(text string) (*OverrideKeys, error) {
	list, err := parseKeys(ErrOverrideKeys, strings.Split(text, ","))
	if err != nil {
		return nil, err
	}
	keys := new(OverrideKeys)
	keys.list.Store(&list)
	return keys, nil
}

// OpenOverrideKeys reads the keys kept in the file at path, one id:base64 a
// line, the signing one first. Without a file there are none until the first
// override is signed. Errors match ErrOverrideKeys when the file is not one of
// keys, or others than its owner may read it.
func OpenOverrideKeys(path string) (*OverrideKeys, error) {
	list, err := readKeys(ErrOverrideKeys, path)
	if err != nil {
		return nil, err
	}
	keys := new(OverrideKeys)
	keys.path = path
	keys.list.Store(&list)
	return keys, nil
}

// signing returns the key that signs, and makes the first one where keys are kept in a file.
func (k *OverrideKeys) signing() (*key, error) {
	if keys := k.keys(); len(keys) > 0 {
		return &keys[0], nil
	}
	if k.path == "" {
		return nil, ErrNoOverrideKeys
	}
	if err := k.make(true); err != nil {
		return nil, err
	}
	return &k.keys()[0], nil
}

// Rotate makes a new key that signs from now on; the others still verify. At
// most eight are kept. ErrOverrideKeysFixed or ErrNoOverrideKeys: nothing was changed.
func (k *OverrideKeys) Rotate() error {
	switch {
	case k.path != "":
		return k.make(false)
	case len(k.keys()) > 0:
		return ErrOverrideKeysFixed
	default:
		return ErrNoOverrideKeys
	}
}

// make puts a new key before the others; with first set, only when there is none.
func (k *OverrideKeys) make(first bool) error {
	if err := k.add(first); err != nil {
		return fmt.Errorf("keep a new key for overrides in %s: %w; nothing was changed", k.path, err)
	}
	return nil
}
