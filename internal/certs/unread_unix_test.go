//go:build unix

package certs_test

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stranglerfig/strangler/internal/certs"
)

// TestRenewedPairThatCannotBeReadYet: no file descriptor is free just when the
// files have changed, or they are not the router's to read. The old pair serves
// on, which is said once, and the new one follows as soon as it can be read,
// though the files do not change again.
func TestRenewedPairThatCannotBeReadYet(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	renew := func(number int64) {
		cert, key := pair(t, number)
		replace(t, certFile, cert)
		replace(t, keyFile, key)
	}
	renew(1)
	var log bytes.Buffer
	p := certs.NewPair(certFile, keyFile, slog.New(slog.NewTextHandler(&log, nil)))
	if got := serial(t, p); got != 1 {
		t.Fatalf("serial %d", got)
	}
	renew(2)
	withoutDescriptors(t, func() {
		for range 3 {
			if got := serial(t, p); got != 1 {
				t.Errorf("serial %d of files that cannot be read", got)
			}
		}
	})
	if n := strings.Count(log.String(), "stays in use"); n != 1 {
		t.Errorf("said %d times: %s", n, log.String())
	}
	if got := serial(t, p); got != 2 {
		t.Errorf("serial %d once the files can be read", got)
	}
}

// withoutDescriptors runs do while no file can be opened.
func withoutDescriptors(t *testing.T, do func()) {
	t.Helper()
	var usual syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &usual); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 3, Max: usual.Max}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &usual); err != nil {
			t.Fatal(err)
		}
	}()
	do()
}
