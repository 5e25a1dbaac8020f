package app_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/app"
)

// acmeServer is an authority of one order at a time (RFC 8555). It believes
// signatures, since it is not they who are tested, but it does check the name
// by a handshake (RFC 8737) as a real one would.
type acmeServer struct {
	*httptest.Server
	t        *testing.T
	key      *ecdsa.PrivateKey
	root     *x509.Certificate
	verify   atomic.Pointer[string] // address to shake hands with
	thumb    atomic.Pointer[string] // of the account's key
	verified atomic.Pointer[error]  // of the last check
	chain    atomic.Pointer[[]byte]
	issued   atomic.Int32
}

func newACME(t *testing.T) *acmeServer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a := &acmeServer{t: t, key: key, root: root}
	a.Server = httptest.NewServer(http.HandlerFunc(a.serve))
	t.Cleanup(a.Close)
	return a
}

const acmeToken = "token-of-the-challenge"

func (a *acmeServer) serve(w http.ResponseWriter, r *http.Request) {
	var jws struct{ Protected, Payload string }
	_ = json.NewDecoder(r.Body).Decode(&jws)
	payload, _ := base64.RawURLEncoding.DecodeString(jws.Payload)
	w.Header().Set("Replay-Nonce", rand.Text())
	pending := map[string]any{"type": "tls-alpn-01", "url": a.URL + "/challenge", "token": acmeToken, "status": "pending"}
	switch r.URL.Path {
	case "/directory":
		a.reply(w, 200, map[string]string{
			"newNonce": a.URL + "/nonce", "newAccount": a.URL + "/account", "newOrder": a.URL + "/new-order",
			"revokeCert": a.URL + "/revoke", "keyChange": a.URL + "/key",
		})
	case "/nonce":
	case "/account":
		a.keepThumbprint(jws.Protected)
		w.Header().Set("Location", a.URL+"/account/1")
		a.reply(w, 201, map[string]string{"status": "valid"})
	case "/new-order":
		w.Header().Set("Location", a.URL+"/order")
		a.verified.Store(nil)
		a.chain.Store(nil)
		a.reply(w, 201, a.order())
	case "/order":
		a.reply(w, 200, a.order())
	case "/authorization":
		status := a.status("pending", "valid")
		pending["status"] = status
		a.reply(w, 200, map[string]any{"status": status, "identifier": identifier(), "challenges": []any{pending}})
	case "/challenge":
		err := a.check()
		a.verified.Store(&err)
		a.reply(w, 200, pending)
	case "/finalize":
		a.issue(payload)
		w.Header().Set("Location", a.URL+"/order")
		a.reply(w, 200, a.order())
	case "/certificate":
		w.Header().Set("Content-Type", "application/pem-certificate-chain")
		_, _ = w.Write(*a.chain.Load())
	default:
		http.NotFound(w, r)
	}
}

func (a *acmeServer) reply(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

func identifier() map[string]string { return map[string]string{"type": "dns", "value": "shop.example"} }

// status is before until the name was checked, then after or invalid.
func (a *acmeServer) status(before, after string) string {
	switch err := a.verified.Load(); {
	case err == nil:
		return before
	case *err != nil:
		return "invalid"
	default:
		return after
	}
}

func (a *acmeServer) order() map[string]any {
	order := map[string]any{
		"status": a.status("pending", "ready"), "identifiers": []any{identifier()},
		"authorizations": []string{a.URL + "/authorization"}, "finalize": a.URL + "/finalize",
	}
	if a.chain.Load() != nil {
		order["status"], order["certificate"] = "valid", a.URL+"/certificate"
	}
	return order
}

// keepThumbprint remembers the account's key by its thumbprint (RFC 7638).
func (a *acmeServer) keepThumbprint(protected string) {
	var head struct {
		JWK struct{ Crv, Kty, X, Y string }
	}
	text, _ := base64.RawURLEncoding.DecodeString(protected)
	_ = json.Unmarshal(text, &head)
	k := head.JWK
	sum := sha256.Sum256(fmt.Appendf(nil, `{"crv":%q,"kty":%q,"x":%q,"y":%q}`, k.Crv, k.Kty, k.X, k.Y))
	thumb := base64.RawURLEncoding.EncodeToString(sum[:])
	a.thumb.Store(&thumb)
}

// check looks whether the name's server knows the challenge.
func (a *acmeServer) check() error {
	conn, err := tls.Dial("tcp", *a.verify.Load(), &tls.Config{
		ServerName: "shop.example", NextProtos: []string{"acme-tls/1"}, InsecureSkipVerify: true, // that is the check
	})
	if err != nil {
		return err
	}
	defer conn.Close()
	want := sha256.Sum256([]byte(acmeToken + "." + *a.thumb.Load()))
	for _, extension := range conn.ConnectionState().PeerCertificates[0].Extensions {
		var got []byte
		if !extension.Id.Equal(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 31}) {
			continue
		}
		if _, err := asn1.Unmarshal(extension.Value, &got); err == nil && string(got) == string(want[:]) {
			return nil
		}
	}
	return errors.New("the server does not know the challenge")
}

// issue signs what was asked for.
func (a *acmeServer) issue(payload []byte) {
	var asked struct{ CSR string }
	_ = json.Unmarshal(payload, &asked)
	der, _ := base64.RawURLEncoding.DecodeString(asked.CSR)
	request, err := x509.ParseCertificateRequest(der)
	if err != nil {
		a.t.Errorf("the request for a certificate: %v", err)
		return
	}
	leaf, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(int64(100 + a.issued.Add(1))), DNSNames: request.DNSNames,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(90 * 24 * time.Hour),
	}, a.root, request.PublicKey, a.key)
	if err != nil {
		a.t.Errorf("signing: %v", err)
		return
	}
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf})
	a.chain.Store(&chain)
}

// visit gets a page under a name, with the authority as the only trusted one.
func (a *acmeServer) visit(addr, name, path string) (string, error) {
	roots := x509.NewCertPool()
	roots.AddCert(a.root)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: name, MinVersion: tls.VersionTLS12}}
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport, Timeout: 30 * time.Second}).Get("https://" + addr + path)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return string(body), err
}

// TestACME: a certificate is asked for at the first handshake, kept, and found
// again by the next start; other names get none.
func TestACME(t *testing.T) {
	authority, legacy, dir := newACME(t), monolith(t), t.TempDir()
	settings := func(c *app.Config) {
		c.Legacy, c.StateDir, c.HealthPath = legacy, filepath.Join(dir, "state"), "/up"
		c.ACMEHosts, c.ACMEDirectory = []string{"Shop.example"}, authority.URL+"/directory"
	}
	for range 2 {
		r := run(t, settings, quiet())
		addr := r.DataAddr().String()
		authority.verify.Store(&addr)
		for range 2 {
			if _, err := authority.visit(addr, "shop.example", "/up"); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := authority.visit(addr, "other.example", "/up"); err == nil {
			t.Error("another name got a certificate")
		}
		if err := r.end(); err != nil {
			t.Fatal(err)
		}
	}
	if n := authority.issued.Load(); n != 1 {
		t.Errorf("%d certificates were issued", n)
	}
}

// TestACMEFails: the log says so, once, and not for names nobody asked for.
func TestACMEFails(t *testing.T) {
	authority, legacy := newACME(t), monolith(t)
	nowhere := "127.0.0.1:1" // the check of the name finds nobody
	authority.verify.Store(&nowhere)
	var log lockedBuffer
	r := run(t, func(c *app.Config) {
		c.Legacy, c.StateDir = legacy, t.TempDir()
		c.ACMEHosts, c.ACMEDirectory = []string{"shop.example"}, authority.URL+"/directory"
	}, app.Env{Version: "test", Stdout: io.Discard, Stderr: &log})
	for _, name := range []string{"other.example", "shop.example", "shop.example"} {
		if _, err := authority.visit(r.DataAddr().String(), name, "/"); err == nil {
			t.Errorf("%s got a certificate", name)
		}
	}
	if n := strings.Count(log.String(), "no certificate for this name"); n != 1 {
		t.Errorf("said %d times: %s", n, log.String())
	}
}
