package proxy

import (
	"crypto/rand"
	"encoding/hex"
)

// newCohortKey returns 128 random bits in hex: unlike a request id it must not
// be guessable, or one user could choose another's cohort.
func newCohortKey() string {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails, by crypto/rand's contract
	return hex.EncodeToString(raw[:])
}
