package app

import (
	"crypto/tls"
	"log/slog"

	"github.com/stranglerfig/strangler/internal/certs"
)

// certificate is the TLS configuration of a listener whose pair is in two
// files, which are read again when they change; nil without them. A pair that
// cannot be used at the start is refused: nobody could be served with it.
func certificate(flag, cert, key string, logger *slog.Logger) (*tls.Config, error) {
	if cert == "" {
		return nil, nil //nolint:nilnil // no TLS is a configuration too
	}
	pair := certs.NewPair(cert, key, logger)
	if _, err := pair.Certificate(); err != nil {
		return nil, badSetting(flag+"-cert", cert, err.Error())
	}
	return pair.ServerConfig(), nil
}

// dataTLS is the TLS configuration of the data listener; nil: plain text.
func (c *Config) dataTLS(logger *slog.Logger) (*tls.Config, error) {
	if len(c.ACMEHosts) == 0 {
		return certificate("tls", c.TLSCert, c.TLSKey, logger)
	}
	return c.acmeTLS(logger)
}
