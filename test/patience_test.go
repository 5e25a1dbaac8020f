package test_test

import (
	"testing"
	"time"
)

// patience bounds everything that should take no time to speak of. It is for a
// busy machine and the race detector; no test takes it for a promise.
const patience = time.Minute

// eventually polls until done, and fails the test when that takes too long.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain: %s", patience, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
