//go:build unix

package notify_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stranglerfig/strangler/internal/notify"
)

// A definition may name any file: one that never ends must not hold up all others,
// nor a router that is to stop.
func TestSecretIsReadFromAFileAlone(t *testing.T) {
	r := newReceiver(t, nil)
	folder := t.TempDir()
	pipe, long := filepath.Join(folder, "pipe"), filepath.Join(folder, "long")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(long, make([]byte, 1<<16+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		pipe: pipe + " is no file", "/dev/zero": "/dev/zero is no file", folder: folder + " is no file", long: long + " has more than 65536 bytes",
	} {
		target := oncall(t, r.URL)
		target.Secret = "file:" + path
		if _, err := made(t, notify.Options{Known: fixed(target)}).Test(t.Context(), "oncall"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}
