package auth

import (
	"errors"
	"log/slog"
	"strings"
)

// RedactionKeysVariable is the environment variable that holds the keys of a
// fleet, alike on every router: id:base64. Of several the first one is used.
const RedactionKeysVariable = "STRANGLER_REDACTION_KEYS"

// RedactionKeysFile is the name of the file of keys in the state folder.
const RedactionKeysFile = "redaction.keys"

// ErrRedactionKeys says that keys are not written as they must be.
var ErrRedactionKeys = errors.New("not keys for redaction")

// RedactionKeys makes the hashes that stand for values which are not kept. They
// are no use to whoever has the database alone: that a value is a certain
// password could be tried out on a hash without a key. The zero value makes a
// key on first need and forgets it with the process. It is safe for concurrent use.
type RedactionKeys struct {
	keyring

	logger *slog.Logger // nil: nothing is said
}

// ParseRedactionKeys reads id:base64,id2:base64, as the environment has it.
// Errors match ErrRedactionKeys and repeat no secret.
func ParseRedactionKeys(text string) (*RedactionKeys, error) {
	list, err := parseKeys(ErrRedactionKeys, strings.Split(text, ","))
	if err != nil {
		return nil, err
	}
	keys := new(RedactionKeys)
	keys.list.Store(&list)
	return keys, nil
}

// OpenRedactionKeys reads the keys kept in the file at path, one id:base64 a
// line, the one in use first. Without a file there are none until the first
// value is hidden. Errors match ErrRedactionKeys when the file is not one of
// keys, or others than its owner may read it.
func OpenRedactionKeys(path string, logger *slog.Logger) (*RedactionKeys, error) {
	list, err := readKeys(ErrRedactionKeys, path)
	if err != nil {
		return nil, err
	}
	keys := &RedactionKeys{logger: logger}
	keys.path = path
	keys.list.Store(&list)
	return keys, nil
}

// Sum is the HMAC-SHA256 of text by the first key.
func (k *RedactionKeys) Sum(text string) []byte {
	keys := k.keys()
	if len(keys) == 0 {
		k.first()
		keys = k.keys()
	}
	return keys[0].sum(text)
}

// first makes the first key. A folder that cannot be written is no reason to
// show values, nor to compare nothing: the key is then forgotten with the process.
func (k *RedactionKeys) first() {
	if k.path != "" {
		err := k.add(true)
		if err == nil {
			return
		}
		if k.logger != nil {
			k.logger.Warn("the key by which values are hidden could not be kept: after a restart the same value is hidden by another hash; "+
				"let the router write the folder, or set "+RedactionKeysVariable, "file", k.path, "error", err)
		}
	}
	k.change.Lock()
	defer k.change.Unlock()
	if len(k.keys()) == 0 {
		k.list.Store(&[]key{newKey()})
	}
}
