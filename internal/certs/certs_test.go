package certs_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/certs"
)

// pair makes a self-signed certificate and its key, both PEM.
func pair(t *testing.T, serial int64) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

// replace puts a file in place as renewers do: whole, by renaming.
func replace(t *testing.T, path string, content []byte) {
	t.Helper()
	fresh := path + ".new"
	if err := os.WriteFile(fresh, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(fresh, path); err != nil {
		t.Fatal(err)
	}
}

// serial is the serial number of the certificate in use.
func serial(t *testing.T, p *certs.Pair) int64 {
	t.Helper()
	got, err := p.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	return got.Leaf.SerialNumber.Int64()
}

func TestPairFollowsItsFiles(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	var log bytes.Buffer
	p := certs.NewPair(certFile, keyFile, slog.New(slog.NewTextHandler(&log, nil)))

	if _, err := p.Certificate(); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("without files: %v", err)
	}
	cert1, key1 := pair(t, 1)
	replace(t, certFile, cert1)
	replace(t, keyFile, key1)
	if got := serial(t, p); got != 1 {
		t.Fatalf("serial %d", got)
	}

	// A renewal seen half way: the old pair serves on, and that is said once.
	cert2, key2 := pair(t, 2)
	replace(t, certFile, cert2)
	for range 3 {
		if got := serial(t, p); got != 1 {
			t.Fatalf("serial %d with a key that does not fit", got)
		}
	}
	if n := strings.Count(log.String(), "stays in use"); n != 1 {
		t.Errorf("said %d times: %s", n, log.String())
	}
	replace(t, keyFile, key2)
	if got := serial(t, p); got != 2 {
		t.Errorf("serial %d after the renewal", got)
	}

	for what, breakIt := range map[string]func(){
		"rubbish": func() { replace(t, certFile, []byte("rubbish")) },
		"missing": func() { _ = os.Remove(keyFile) },
	} {
		breakIt()
		if got := serial(t, p); got != 2 {
			t.Errorf("%s: serial %d", what, got)
		}
	}
}

func TestAuthoritiesFollowTheirFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ca.pem")
	a := certs.NewAuthorities(file, slog.New(slog.DiscardHandler))
	if _, err := a.Pool(); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("without a file: %v", err)
	}
	const device = "/dev/zero"
	if _, err := certs.NewAuthorities(device, nil).Pool(); err == nil || !strings.HasPrefix(err.Error(), device+" is no file of certificates") {
		t.Fatalf("with a device: %v", err)
	}
	replace(t, file, []byte("rubbish"))
	if _, err := a.Pool(); err == nil || err.Error() != file+": it contains no PEM certificate that can be read" {
		t.Fatalf("with rubbish: %v", err)
	}
	first, _ := pair(t, 1)
	second, _ := pair(t, 2)
	replace(t, file, first)
	before, err := a.Pool()
	if err != nil {
		t.Fatal(err)
	}
	replace(t, file, second)
	after, err := a.Pool()
	if err != nil || after.Equal(before) {
		t.Errorf("the new authority is not in use: %v", err)
	}
	if fixed, err := certs.NewAuthorities(string(second), nil).Pool(); err != nil || !fixed.Equal(after) {
		t.Errorf("the same as PEM: %v", err)
	}
	if _, err := certs.NewAuthorities("-----BEGIN NOTHING-----", nil).Pool(); err == nil {
		t.Error("PEM without a certificate was taken")
	}
}
