package certs

import (
	"crypto/tls"
	"fmt"
	"log/slog"
)

// Pair is a certificate with its chain and its key, in two PEM files.
type Pair struct {
	files *files[*tls.Certificate]
}

// NewPair returns the pair in two files. They need not be there yet.
func NewPair(cert, key string, logger *slog.Logger) *Pair {
	parse := func(contents [][]byte) (*tls.Certificate, error) {
		pair, err := tls.X509KeyPair(contents[0], contents[1])
		if err != nil {
			return nil, fmt.Errorf("%s and %s: %w", cert, key, err)
		}
		return &pair, nil
	}
	return &Pair{&files[*tls.Certificate]{paths: []string{cert, key}, parse: parse, logger: logger}}
}

// Certificate returns the pair as it is now, or as it was when it last could
// be used. An error means that it never could.
func (p *Pair) Certificate() (*tls.Certificate, error) { return p.files.get() }

// ServerConfig returns a TLS configuration whose every handshake takes the
// pair as it is by then.
func (p *Pair) ServerConfig() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return p.Certificate() },
	}
}
