package spec_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/spec"
)

// authority is a self-signed certificate as PEM.
func authority(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func TestBackendProtocols(t *testing.T) {
	const h2Text = `protocol h2 is agreed on in a TLS handshake and the endpoint "http://b:1" has none: write https://, or protocol: h2c for HTTP/2 in plain text`
	for _, test := range []struct{ protocol, endpoint, fault string }{
		{"", "http://b:1", ""},
		{"http1", "https://b:1", ""},
		{"h2", "https://b:1", ""},
		{"h2", "HTTPS://b:1", ""},
		{"auto", "https://b:1", ""},
		{"h2c", "http://b:1", ""},
		{"h2", "http://b:1", `endpoints[0]: backend "b": ` + h2Text},
		{"auto", "http://b:1", `endpoints[0]: backend "b": ` + strings.Replace(h2Text, "h2", "auto", 1)},
		{"h2c", "https://b:1", `endpoints[0]: backend "b": protocol h2c is HTTP/2 in plain text and the endpoint "https://b:1" is https: write http://, or protocol: h2`},
		{"spdy", "https://b:1", `protocol: backend "b": protocol is "spdy": write http1, h2, h2c or auto`},
	} {
		backend := spec.Backend{Name: "b", Endpoints: []string{test.endpoint}, Protocol: test.protocol}
		checkBackend(t, test.protocol+" "+test.endpoint, backend, test.fault)
	}
}

// checkBackend compares the one fault of a backend, without the list it is in.
func checkBackend(t *testing.T, about string, backend spec.Backend, want string) {
	t.Helper()
	got := spec.Validate(spec.Definitions{Backends: []spec.Backend{backend}}, spec.Source{}).Error()
	if got = strings.TrimPrefix(got, "backends[0]."); got != want {
		t.Errorf("%s: got\n%s\nwant\n%s", about, got, want)
	}
}

func TestBackendTLS(t *testing.T) {
	ca := authority(t)
	key := "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"
	for name, test := range map[string]struct {
		tls   spec.BackendTLS
		fault string
	}{
		"files":             {spec.BackendTLS{CA: "/etc/ca.pem", ServerName: "b.internal", Cert: "/etc/c.pem", Key: "/etc/k.pem"}, ""},
		"inline":            {spec.BackendTLS{CA: ca + ca}, ""},
		"address as a name": {spec.BackendTLS{ServerName: "10.0.0.7"}, ""},
		"half a pair":       {spec.BackendTLS{Cert: "/etc/c.pem"}, `tls: backend "b": tls.cert and tls.key go together: write both or neither`},
		"relative":          {spec.BackendTLS{CA: "ca.pem"}, `tls.ca: backend "b": tls.ca "ca.pem" depends on the folder a router was started in: write the whole path, like /etc/strangler/ca.pem`},
		"control character": {spec.BackendTLS{CA: "/etc/\x1b[31m"}, `tls.ca: backend "b": tls.ca "/etc/\x1b[31m" contains a control character or what is no UTF-8`},
		"long path":         {spec.BackendTLS{CA: "/" + strings.Repeat("a", 4096)}, `tls.ca: backend "b": tls.ca has 4097 bytes: at most 4096 are allowed`},
		"key in the file":   {spec.BackendTLS{Cert: "/etc/c.pem", Key: key}, `tls.key: backend "b": tls.key holds PEM: definitions are shown to every viewer, so write the name of a file on the routers' machines`},
		"key as authority":  {spec.BackendTLS{CA: ca + key}, `tls.ca: backend "b": tls.ca is refused: it contains a block "PRIVATE KEY": write certificates only`},
		"cut certificate":   {spec.BackendTLS{CA: ca[:100]}, `tls.ca: backend "b": tls.ca is refused: its PEM contains no whole certificate`},
		"no certificate":    {spec.BackendTLS{CA: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}, `tls.ca: backend "b": tls.ca is refused: its certificate 1 cannot be read: x509: malformed certificate`},
		"metadata":          {spec.BackendTLS{ServerName: "169.254.169.254"}, `tls.server_name: backend "b": tls.server_name "169.254.169.254" is refused: address refused: 169.254.169.254 is link-local, where metadata services live`},
	} {
		checkBackend(t, name, spec.Backend{Name: "b", Endpoints: []string{"https://b:1"}, TLS: &test.tls}, test.fault)
	}
	long := &spec.BackendTLS{CA: ca + strings.Repeat(" ", 64<<10-len(ca)+1)}
	checkBackend(t, "too long", spec.Backend{Name: "b", Endpoints: []string{"https://b:1"}, TLS: long},
		`tls.ca: backend "b": tls.ca is refused: it has 65537 bytes: at most 65536 are allowed, use a file`)
	checkBackend(t, "plain endpoint", spec.Backend{Name: "b", Endpoints: []string{"http://b:1"}, TLS: &spec.BackendTLS{CA: ca}},
		`tls: backend "b": it has tls and no https endpoint: write https://, or leave tls out`)
}

// What stores and routers agree on must not change for those who write
// neither protocol nor tls.
func TestDigestOfABackendWithoutTLS(t *testing.T) {
	plain := spec.Definitions{Backends: []spec.Backend{{Name: "b", Endpoints: []string{"https://b:1"}}}}
	const before = "fe103ece5d67e33270b9b452f025f1c41f9c113bf07921aababe5a6ab81cdd18"
	if got := plain.Digest(); got != before {
		t.Errorf("the digest was %s and is %s", before, got)
	}
	spelt := spec.Definitions{Backends: []spec.Backend{{Name: "b", Endpoints: []string{"https://b:1"}, Protocol: "http1", TLS: &spec.BackendTLS{}}}}
	if got := spelt.Digest(); got != before {
		t.Errorf("the default spelt out has the digest %s", got)
	}
	if other := (spec.Definitions{Backends: []spec.Backend{{Name: "b", Endpoints: []string{"https://b:1"}, Protocol: "auto"}}}).Digest(); other == before {
		t.Error("another protocol has the same digest")
	}
}

func TestInlineAuthoritySurvivesAFile(t *testing.T) {
	defs := spec.Definitions{Backends: []spec.Backend{{Name: "b", Endpoints: []string{"https://b:1"}, TLS: &spec.BackendTLS{CA: authority(t)}}}}
	text, err := spec.FormatYAML(defs)
	if err != nil {
		t.Fatal(err)
	}
	back, src, err := spec.ParseYAML("f.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	if back.Digest() != defs.Digest() {
		t.Errorf("it came back as another one:\n%s", text)
	}
	if problems := spec.Validate(back, src); len(problems) > 0 {
		t.Error(problems)
	}
}
