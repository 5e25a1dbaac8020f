package app_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/app"
)

// pairFiles are a certificate and its key in a folder.
type pairFiles struct{ cert, key string }

func newPairFiles(t *testing.T, serial int64) pairFiles {
	t.Helper()
	dir := t.TempDir()
	p := pairFiles{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	p.renew(t, serial)
	return p
}

// renew puts a new pair in place, each file whole.
func (p pairFiles) renew(t *testing.T, serial int64) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	replaceFile(t, p.cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	replaceFile(t, p.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}

func replaceFile(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// shake connects and returns the serial number of the certificate shown. What
// is verified is which certificate it is, not who made it.
func shake(t *testing.T, addr net.Addr) (*tls.Conn, int64) {
	t.Helper()
	conn, err := tls.Dial("tcp", addr.String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	return conn, conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

// ask sends a request on a connection and returns the status.
func ask(t *testing.T, conn *tls.Conn, reader *bufio.Reader, path string) int {
	t.Helper()
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: shop.example\r\n\r\n", path); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

// TestCertificatesAreReadAgain: on both listeners a renewed pair is shown to
// new connections, old ones live on, and a broken pair changes nothing.
func TestCertificatesAreReadAgain(t *testing.T) {
	data, admin := newPairFiles(t, 1), newPairFiles(t, 1)
	var log lockedBuffer
	legacy := monolith(t)
	r := run(t, func(c *app.Config) {
		c.Legacy, c.HealthPath = legacy, "/up"
		c.TLSCert, c.TLSKey, c.AdminTLSCert, c.AdminTLSKey = data.cert, data.key, admin.cert, admin.key
	}, app.Env{Version: "test", Stdout: io.Discard, Stderr: &log})
	for _, listener := range []struct {
		files pairFiles
		addr  net.Addr
		path  string
	}{
		{data, r.DataAddr(), "/up"}, {admin, r.AdminAddr(), "/livez"},
	} {
		before, serial := shake(t, listener.addr)
		reader := bufio.NewReader(before)
		if serial != 1 {
			t.Fatalf("serial %d", serial)
		}
		ask(t, before, reader, listener.path)
		listener.files.renew(t, 2)
		if _, serial = shake(t, listener.addr); serial != 2 {
			t.Errorf("%s: serial %d after the renewal", listener.path, serial)
		}
		replaceFile(t, listener.files.cert, []byte("broken"))
		if _, serial = shake(t, listener.addr); serial != 2 {
			t.Errorf("%s: serial %d after a broken renewal", listener.path, serial)
		}
		if text := log.String(); !strings.Contains(text, "stays in use") || !strings.Contains(text, listener.files.cert) {
			t.Errorf("the broken pair was not reported: %s", text)
		}
		if status := ask(t, before, reader, listener.path); status != 200 {
			t.Errorf("%s: the old connection is answered with %d", listener.path, status)
		}
	}
}
