package spec

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/stranglerfig/strangler/internal/routing"
)

// The words by which people name the kinds of keys.
const (
	wordHeader        = "header"
	wordCookie        = "cookie"
	wordClaim         = "claim"
	wordClientAddress = "client_address"
	wordMint          = "mint"
)

// keyHint is the end of every message about a key that cannot be read.
const keyHint = "write {header: NAME}, {cookie: NAME}, {claim: NAME}, client_address or mint"

// word returns the kind as people write it; empty for a kind that does not exist.
func (k Key) word() string {
	switch k.Kind {
	case routing.KeyHeader:
		return wordHeader
	case routing.KeyCookie:
		return wordCookie
	case routing.KeyClaim:
		return wordClaim
	case routing.KeyClientAddress:
		return wordClientAddress
	case routing.KeyMint:
		return wordMint
	default:
		return ""
	}
}

// named reports whether keys of this kind carry a name.
func (k Key) named() bool {
	return k.Kind == routing.KeyHeader || k.Kind == routing.KeyCookie || k.Kind == routing.KeyClaim
}

// String writes the key as a definitions file does: "{header: X-User-Id}", "mint".
func (k Key) String() string {
	if k.named() {
		return "{" + k.word() + ": " + k.Name + "}"
	}
	return k.word()
}

// bareKey reads the keys that are a single word.
func bareKey(word string) (Key, error) {
	switch word {
	case wordMint:
		return Key{routing.Key{Kind: routing.KeyMint}}, nil
	case wordClientAddress:
		return Key{routing.Key{Kind: routing.KeyClientAddress}}, nil
	default:
		return Key{}, fmt.Errorf("unknown key %q: %s", word, keyHint)
	}
}

// namedKey reads the keys that are a word with a name.
func namedKey(word, name string) (Key, error) {
	switch word {
	case wordHeader:
		return Key{routing.Key{Kind: routing.KeyHeader, Name: name}}, nil
	case wordCookie:
		return Key{routing.Key{Kind: routing.KeyCookie, Name: name}}, nil
	case wordClaim:
		return Key{routing.Key{Kind: routing.KeyClaim, Name: name}}, nil
	default:
		return Key{}, fmt.Errorf("unknown key %q: %s", word, keyHint)
	}
}

// plain is the key as JSON and YAML hold it: a word, or a word with a name.
func (k Key) plain() (any, error) {
	switch word := k.word(); {
	case word == "":
		return nil, fmt.Errorf("unknown kind of key %d", k.Kind)
	case k.named():
		return map[string]string{word: k.Name}, nil
	default:
		return word, nil
	}
}

// MarshalJSON writes {"header": "X-User-Id"} or "mint".
func (k Key) MarshalJSON() ([]byte, error) {
	value, err := k.plain()
	if err != nil {
		return nil, err
	}
	return json.Marshal(value)
}

// MarshalYAML writes {header: X-User-Id} or mint.
func (k Key) MarshalYAML() (any, error) { return k.plain() }

// UnmarshalJSON reads what MarshalJSON writes, and refuses everything else.
func (k *Key) UnmarshalJSON(text []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte(`"`)) {
		var word string
		if err := json.Unmarshal(text, &word); err != nil {
			return fmt.Errorf("key: %w", err)
		}
		key, err := bareKey(word)
		if err != nil {
			return err
		}
		*k = key
		return nil
	}
	var pair map[string]string
	if err := json.Unmarshal(text, &pair); err != nil || len(pair) != 1 {
		return fmt.Errorf("cannot read the key %s: %s", text, keyHint)
	}
	for word, name := range pair {
		key, err := namedKey(word, name)
		if err != nil {
			return err
		}
		*k = key
	}
	return nil
}
