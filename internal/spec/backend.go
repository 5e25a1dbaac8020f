package spec

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stranglerfig/strangler/internal/guard"
)

// BackendTLS is how a backend's https:// endpoints are verified, and who we say
// we are. Files are those of each router's own machine: definitions hold no
// keys, since every viewer sees them.
type BackendTLS struct {
	CA         string `json:"ca,omitempty" yaml:"ca,omitempty"`                   // file, or PEM itself; "": the system's authorities
	ServerName string `json:"server_name,omitempty" yaml:"server_name,omitempty"` // asked for and verified; "": the endpoint's host
	Cert       string `json:"cert,omitempty" yaml:"cert,omitempty"`               // file of our client certificate, with Key
	Key        string `json:"key,omitempty" yaml:"key,omitempty"`                 // file
}

// The values of protocol.
const (
	protocolHTTP1 = "http1" // what is not written; upgrades need it
	protocolH2    = "h2"    // HTTP/2 over TLS, and nothing else
	protocolH2C   = "h2c"   // HTTP/2 in plain text, by prior knowledge
	protocolAuto  = "auto"  // over TLS, HTTP/2 where the server offers it
)

// What the tls of a backend may hold at most.
const (
	maxPEM  = 64 << 10 // bytes: some tens of certificates
	maxPath = 4096     // bytes, as Linux has it
)

func (b *Backend) normalize() {
	if b.Protocol == protocolHTTP1 {
		b.Protocol = ""
	}
	if b.TLS != nil && *b.TLS == (BackendTLS{}) {
		b.TLS = nil
	}
	b.Bulkhead, b.Health = b.Bulkhead.normalized(), b.Health.normalized()
	if b.Fallback != nil && *b.Fallback == (FallbackBudget{}) {
		b.Fallback = nil
	}
}

// check takes whether some route's legacy side is this backend.
func (b Backend) check(legacy bool, found *findings) {
	b.checkBulkhead(legacy, found)
	b.checkHealth(found)
	var unused guard.FallbackBudgetPolicy
	b.fallbackPart(&unused).check("", found)
	if len(b.Endpoints) == 0 {
		found.add("endpoints", CodeEndpoint, "it has no endpoints: name at least one, like http://127.0.0.1:3000")
	}
	if found.tooMany("endpoints", CodeEndpoint, len(b.Endpoints), maxEndpoints) {
		return
	}
	for i, endpoint := range b.Endpoints {
		field := fmt.Sprintf("endpoints[%d]", i)
		if fault := endpointFault(endpoint); fault != "" {
			found.add(field, CodeEndpoint, "the endpoint %s", fault)
		} else if slices.Contains(b.Endpoints[:i], endpoint) {
			found.add(field, CodeDuplicate, "the endpoint %s occurs twice: write it once", endpoint)
		}
	}
	b.checkTrust(found)
	b.checkProtocol(found)
	if b.TLS != nil {
		if !slices.ContainsFunc(b.Endpoints, secure) {
			found.add("tls", CodeTLS, "it has tls and no https endpoint: write https://, or leave tls out")
		}
		b.TLS.check(found)
	}
}

func secure(endpoint string) bool { return strings.HasPrefix(strings.ToLower(endpoint), "https:") }

// checkProtocol finds protocols that do not exist, and those that an endpoint
// cannot speak.
func (b Backend) checkProtocol(found *findings) {
	switch b.Protocol {
	case "", protocolHTTP1:
	case protocolH2, protocolAuto:
		for i, endpoint := range b.Endpoints {
			if !secure(endpoint) {
				found.add(fmt.Sprintf("endpoints[%d]", i), CodeProtocol,
					"protocol %s is agreed on in a TLS handshake and the endpoint %q has none: write https://, or protocol: h2c for HTTP/2 in plain text",
					b.Protocol, withoutUserinfo(endpoint))
			}
		}
	case protocolH2C:
		for i, endpoint := range b.Endpoints {
			if secure(endpoint) {
				found.add(fmt.Sprintf("endpoints[%d]", i), CodeProtocol,
					"protocol h2c is HTTP/2 in plain text and the endpoint %q is https: write http://, or protocol: h2", withoutUserinfo(endpoint))
			}
		}
	default:
		found.add("protocol", CodeProtocol, "protocol is %q: write http1, h2, h2c or auto", b.Protocol)
	}
}

func (t *BackendTLS) check(found *findings) {
	if (t.Cert == "") != (t.Key == "") {
		found.add("tls", CodeTLS, "tls.cert and tls.key go together: write both or neither")
	}
	if t.ServerName != "" {
		if err := checkHost(t.ServerName); err != nil {
			found.add("tls.server_name", CodeTLS, "tls.server_name %q is refused: %v", t.ServerName, err)
		}
	}
	for _, file := range [...]struct{ field, path string }{{"tls.cert", t.Cert}, {"tls.key", t.Key}} {
		if isPEM(file.path) {
			// Not repeated: it may be a private key.
			found.add(file.field, CodeTLS, "%s holds PEM: definitions are shown to every viewer, so write the name of a file on the routers' machines", file.field)
		} else if fault := pathFault(file.path); fault != "" {
			found.add(file.field, CodeTLS, "%s %s", file.field, fault)
		}
	}
	if isPEM(t.CA) {
		if err := checkAuthorities(t.CA); err != nil {
			found.add("tls.ca", CodeTLS, "tls.ca is refused: %v", err)
		}
	} else if fault := pathFault(t.CA); fault != "" {
		found.add("tls.ca", CodeTLS, "tls.ca %s", fault)
	}
}

func isPEM(text string) bool { return strings.Contains(text, "-----BEGIN") }

// pathFault says what is wrong with a file's name; empty: nothing, or none is
// written. Whether the file is there each router finds out for itself.
func pathFault(path string) string {
	switch {
	case path == "":
		return ""
	case len(path) > maxPath:
		return fmt.Sprintf("has %d bytes: at most %d are allowed", len(path), maxPath)
	case strings.ContainsFunc(path, unprintable):
		return fmt.Sprintf("%q contains a control character or what is no UTF-8", path)
	case !filepath.IsAbs(path):
		return fmt.Sprintf("%q depends on the folder a router was started in: write the whole path, like /etc/strangler/ca.pem", path)
	default:
		return ""
	}
}

// checkAuthorities checks PEM that is written into the definitions: certificates
// and nothing else, so that no key gets in with them.
func checkAuthorities(text string) error {
	if len(text) > maxPEM {
		return fmt.Errorf("it has %d bytes: at most %d are allowed, use a file", len(text), maxPEM)
	}
	count := 0
	for rest := []byte(text); ; count++ {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return fmt.Errorf("it contains a block %q: write certificates only", block.Type)
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return fmt.Errorf("its certificate %d cannot be read: %w", count+1, err)
		}
	}
	if count == 0 {
		return errors.New("its PEM contains no whole certificate")
	}
	return nil
}
