package app

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// validateACME checks the settings of certificates by ACME against themselves
// and against those of certificates from files.
func (c *Config) validateACME() error {
	switch {
	case len(c.ACMEHosts) == 0 && c.ACMEDirectory != "":
		return badSetting("acme-directory", c.ACMEDirectory, "it says whom to ask for certificates; give --acme-host as well, to say which")
	case len(c.ACMEHosts) == 0:
		return nil
	case c.TLSCert != "":
		return fmt.Errorf("%w: --acme-host %s and --tls-cert %s contradict each other: the certificate is either asked for or read from files, leave one out",
			ErrConfig, strings.Join(c.ACMEHosts, ","), c.TLSCert)
	}
	for _, host := range c.ACMEHosts {
		if fault := acmeHostFault(host); fault != "" {
			return badSetting("acme-host", host, fault)
		}
	}
	return c.validateACMEDirectory()
}

// acmeHostFault says why a name can get no certificate in this way; empty: it may.
func acmeHostFault(host string) string {
	switch _, err := netip.ParseAddr(host); {
	case err == nil:
		return "an address is no name; write the name under which clients reach the data listener"
	case strings.Contains(host, "*"):
		return "a certificate for many names is had by DNS only; list the names, or give --tls-cert and --tls-key"
	case !strings.Contains(strings.Trim(host, "."), "."):
		return "write the whole name, like shop.example"
	case strings.ContainsAny(host, "/: \t"):
		return "write the name alone, without scheme and port"
	default:
		return ""
	}
}

// validateACMEDirectory wants TLS to anything that is not on this machine: who
// can change the answers gets the certificates.
func (c *Config) validateACMEDirectory() error {
	if c.ACMEDirectory == "" {
		return nil
	}
	u, err := url.Parse(c.ACMEDirectory)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return badSetting("acme-directory", redactURL(c.ACMEDirectory), "write the URL of an ACME directory, like "+acme.LetsEncryptURL)
	}
	address, err := netip.ParseAddr(u.Hostname())
	if u.Scheme == "http" && (err != nil || !address.IsLoopback()) {
		return badSetting("acme-directory", redactURL(c.ACMEDirectory), "without TLS anybody on the way could have certificates made; write https://")
	}
	return nil
}

// acmeTLS is a TLS configuration whose certificates are had from an authority
// at a name's first handshake, kept in the state folder, and renewed a month
// before they end. The authority checks a name by a handshake with the data
// listener (TLS-ALPN-01), so that needs no second port.
func (c *Config) acmeTLS(logger *slog.Logger) (*tls.Config, error) {
	folder, err := c.stateDir()
	if err != nil {
		return nil, err
	}
	issuer := &issuer{
		logger: logger, hosts: c.ACMEHosts,
		manager: &autocert.Manager{
			Prompt:     autocert.AcceptTOS, // whoever gives --acme-host is told so there
			Cache:      autocert.DirCache(filepath.Join(folder, "acme")),
			HostPolicy: autocert.HostWhitelist(c.ACMEHosts...),
			Client:     &acme.Client{DirectoryURL: cmp.Or(c.ACMEDirectory, autocert.DefaultACMEDirectory)},
		},
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: issuer.certificate,
		NextProtos:     []string{"h2", "http/1.1", acme.ALPNProto},
	}, nil
}

// issuer asks for certificates, and says when there are none to be had.
type issuer struct {
	manager *autocert.Manager
	hosts   []string
	logger  *slog.Logger

	mu   sync.Mutex // owns said
	said time.Time  // when a failure was last logged
}

// sayAgain is how often failures are logged: every visitor causes one.
const sayAgain = time.Minute

func (i *issuer) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	pair, err := i.manager.GetCertificate(hello)
	if err != nil && slices.ContainsFunc(i.hosts, func(host string) bool { return strings.EqualFold(host, hello.ServerName) }) && i.mayLog() {
		i.logger.Error("no certificate for this name could be had: its clients are turned away", "host", hello.ServerName, "error", err)
	}
	return pair, err
}

func (i *issuer) mayLog() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if time.Since(i.said) < sayAgain {
		return false
	}
	i.said = time.Now()
	return true
}
