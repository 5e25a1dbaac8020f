package spec

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Digest identifies the definitions: SHA-256, in hex, of the JSON of their
// normal form. It does not depend on the order of writing, and holds no stage,
// weight or hold.
func (d Definitions) Digest() string {
	sum := sha256.Sum256(canonical(d.Normalize()))
	return hex.EncodeToString(sum[:])
}

// canonical is the JSON of a definition. It cannot fail for anything that was
// read or validated: the only value with no JSON is a Key of a kind that does
// not exist, and that is a programmer's mistake.
func canonical(definition any) json.RawMessage {
	text, err := json.Marshal(definition)
	if err != nil {
		panic(fmt.Sprintf("spec: a definition without JSON: %v", err))
	}
	return text
}
