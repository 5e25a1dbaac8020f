package auth_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stranglerfig/strangler/internal/auth"
)

func TestRedactionHashesByTheFirstKey(t *testing.T) {
	keys, err := auth.ParseRedactionKeys(written("r2", 'b') + "," + written("r1", 'a'))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, []byte(strings.Repeat("b", 32)))
	_, _ = mac.Write([]byte("hunter2"))
	if got := keys.Sum("hunter2"); !hmac.Equal(got, mac.Sum(nil)) {
		t.Errorf("the sum is %x, want HMAC-SHA256 by r2", got)
	}
	if got := fmt.Sprint(keys.IDs()); got != "[r2 r1]" {
		t.Errorf("ids %s, want r2 first", got)
	}
}

func TestRedactionKeyIsMadeOnFirstNeedAndKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", auth.RedactionKeysFile)
	open := func() *auth.RedactionKeys {
		t.Helper()
		keys, err := auth.OpenRedactionKeys(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		return keys
	}
	keys := open()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) || len(keys.IDs()) != 0 {
		t.Errorf("before the first need there are keys %v, %v", keys.IDs(), err)
	}
	sums := make([][]byte, 8)
	var all sync.WaitGroup
	for i := range sums {
		all.Go(func() { sums[i] = keys.Sum("hunter2") })
	}
	all.Wait()
	sums[0] = open().Sum("hunter2") // after a restart
	for _, sum := range sums {
		if !bytes.Equal(sum, sums[0]) {
			t.Errorf("one value has the sums %x and %x", sums[0], sum)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 || len(keys.IDs()) != 1 {
		t.Errorf("the file is %v, %v, with keys %v; want one key, mode 0600", info, err, keys.IDs())
	}
}

func TestRedactionGoesOnWhereNoKeyCanBeKept(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "state")
	var log bytes.Buffer
	keys, err := auth.OpenRedactionKeys(filepath.Join(folder, auth.RedactionKeysFile), slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(folder, nil, 0o600); err != nil { // where a folder is wanted
		t.Fatal(err)
	}
	first := keys.Sum("hunter2")
	if second := keys.Sum("hunter2"); !bytes.Equal(first, second) || len(keys.IDs()) != 1 {
		t.Errorf("sums %x and %x by %v, want one key for as long as the process runs", first, second, keys.IDs())
	}
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, auth.RedactionKeysVariable) {
		t.Errorf("logged %q, want one line that says what to do", got)
	}
	if other := new(auth.RedactionKeys).Sum("hunter2"); bytes.Equal(first, other) {
		t.Errorf("two processes without a file have one key: %x", other)
	}
}

func TestRedactionKeysThatCannotBeUsed(t *testing.T) {
	secret := written("r1", 's')
	_, err := auth.ParseRedactionKeys(secret + "," + secret)
	if !errors.Is(err, auth.ErrRedactionKeys) || !strings.Contains(err.Error(), `number 2: another one has the id "r1"`) {
		t.Errorf("two keys of one id: %v", err)
	}
	path := filepath.Join(t.TempDir(), auth.RedactionKeysFile)
	if err := errors.Join(os.WriteFile(path, []byte(secret), 0o600), os.Chmod(path, 0o644)); err != nil {
		t.Fatal(err)
	}
	if _, err := auth.OpenRedactionKeys(path, nil); !errors.Is(err, auth.ErrRedactionKeys) || !strings.Contains(err.Error(), "mode 0644") {
		t.Errorf("a file that others may read: %v", err)
	}
}
