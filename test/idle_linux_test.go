package test_test

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
	"sync"
	"testing"
	"time"
)

// idlers is how many connections idle at once. With both ends of each, and
// those to the backend, the open files stay below 20,000.
const idlers = 5000

// idleLimit is what one of them may cost the router, in bytes.
const idleLimit = 24 * kib

// idler is a client that asks now and then over one connection.
type idler interface {
	ask() error
	Close() error
}

// TestAnIdleConnectionIsCheap opens connections that ask once and stay. What
// HTTP/1.1 costs is promised; the others are measured, by fewer.
func TestAnIdleConnectionIsCheap(t *testing.T) {
	skipWithoutMeaning(t)
	const token = "idle"
	cert, key := certificate(t)
	for _, c := range []struct {
		name    string
		flags   []string
		count   int
		limited bool
		open    func(address string) (idler, error)
	}{
		{"HTTP/1.1", nil, idlers, true, openPlain},
		{"HTTP/1.1 over TLS", []string{"--tls-cert", cert, "--tls-key", key}, idlers / 5, false, openTLS},
		{"HTTP/2 without TLS", nil, idlers / 5, false, openH2C},
	} {
		t.Run(c.name, func(t *testing.T) {
			app := startNewApp(t)
			flags := append([]string{"--database", "sqlite:" + filepath.Join(t.TempDir(), "s.db"), "--legacy", app.URL}, c.flags...)
			r := serve(t, "a", []string{"STRANGLER_ADMIN_TOKEN=" + token}, flags...)
			openAll(t, 50, func() (idler, error) { return c.open(r.data) }) // what only the first ones cost
			before := r.settled()
			openAll(t, c.count, func() (idler, error) { return c.open(r.data) })
			each := (r.settled() - before) / c.count
			t.Logf("%d idle connections cost %.1f KiB each", c.count, float64(each)/kib)
			if !c.limited {
				return
			}
			eventually(t, "an idle connection costs 24 KiB at most", func() bool {
				if (r.memory("VmRSS")-before)/c.count <= idleLimit {
					return true
				}
				_ = r.goroutines(token) // makes a little garbage: without any there is no reason to collect
				return false
			})
		})
	}
}

// openAll opens connections, lets each ask once, and keeps them until the test ends.
func openAll(t *testing.T, n int, open func() (idler, error)) []idler {
	t.Helper()
	all := make([]idler, n)
	each(t, all, func(i int) (err error) {
		if all[i], err = open(); err != nil {
			return err
		}
		return all[i].ask()
	})
	t.Cleanup(func() {
		for _, one := range all {
			_ = one.Close() // some tests have done that
		}
	})
	return all
}

// each does something for the index of every element, 32 at a time, and fails
// the test when that fails.
func each[T any](t *testing.T, all []T, do func(i int) error) {
	t.Helper()
	const workers = 32
	var group sync.WaitGroup
	errs := make([]error, workers)
	for worker := range workers {
		group.Go(func() {
			for i := worker; i < len(all) && errs[worker] == nil; i += workers {
				if err := do(i); err != nil {
					errs[worker] = fmt.Errorf("number %d: %w", i, err)
				}
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// plainIdler speaks HTTP/1.1 and allocates little, for there are many.
type plainIdler struct {
	net.Conn
	answers *bufio.Reader
}

func openPlain(address string) (idler, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &plainIdler{conn, bufio.NewReaderSize(conn, 512)}, nil
}

func openTLS(address string) (idler, error) {
	conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		return nil, err
	}
	return &plainIdler{conn, bufio.NewReaderSize(conn, 512)}, nil
}

func (i *plainIdler) ask() error {
	if err := i.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := io.WriteString(i, "GET /orders/42 HTTP/1.1\r\nHost: shop.example\r\n\r\n"); err != nil {
		return err
	}
	res, err := http.ReadResponse(i.answers, nil)
	if err != nil {
		return err
	}
	return checkOrder(res)
}

// h2cIdler speaks HTTP/2 over one connection of its own.
type h2cIdler struct {
	client *http.Client
	url    string
}

func openH2C(address string) (idler, error) {
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	return &h2cIdler{&http.Client{Transport: transport, Timeout: patience}, "http://" + address + "/orders/42"}, nil
}

func (i *h2cIdler) ask() error {
	res, err := i.client.Get(i.url)
	if err != nil {
		return err
	}
	return checkOrder(res)
}

func (i *h2cIdler) Close() error {
	i.client.CloseIdleConnections()
	return nil
}

// certificate writes a certificate for nobody in particular, and its key.
func certificate(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"shop.example"}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	certFile, keyFile = filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	for file, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: cert}, keyFile: {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}
