package certs

import (
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// Authorities are the certificates that servers are verified against.
type Authorities struct {
	fixed *x509.CertPool // of PEM that was given as such
	files *files[*x509.CertPool]
}

// NewAuthorities returns those of a PEM file, or of PEM itself. The file need
// not be there yet; text that holds no certificate fails in Pool.
func NewAuthorities(ca string, logger *slog.Logger) *Authorities {
	if strings.Contains(ca, "-----BEGIN") {
		pool, _ := authorities([]byte(ca))
		return &Authorities{fixed: pool}
	}
	parse := func(contents [][]byte) (*x509.CertPool, error) {
		pool, err := authorities(contents[0])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", ca, err)
		}
		return pool, nil
	}
	return &Authorities{files: &files[*x509.CertPool]{paths: []string{ca}, parse: parse, logger: logger}}
}

// Pool returns the authorities as they are now, or as they were when they last
// could be used. An error means that they never could.
func (a *Authorities) Pool() (*x509.CertPool, error) {
	switch {
	case a.files != nil:
		return a.files.get()
	case a.fixed == nil:
		return nil, errNoCertificate
	default:
		return a.fixed, nil
	}
}

var errNoCertificate = errors.New("it contains no PEM certificate that can be read")

func authorities(text []byte) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, errNoCertificate
	}
	return pool, nil
}
