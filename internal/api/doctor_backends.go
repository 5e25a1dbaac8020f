package api

import (
	"context"
	"crypto/tls"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/spec"
)

// How endpoints are looked for.
const (
	reachFor = 3 * time.Second // one connection, its TLS handshake included
	dials    = 16              // connections at once
)

// backendChecks looks whether every endpoint takes connections. It sends nothing.
func (s *server) backendChecks(ctx context.Context, backends []spec.Backend) []wire.Check {
	var dialling errgroup.Group
	dialling.SetLimit(dials)
	checks := make([][]wire.Check, len(backends))
	for i, backend := range backends {
		checks[i] = make([]wire.Check, len(backend.Endpoints))
		for j, endpoint := range backend.Endpoints {
			dialling.Go(func() error {
				checks[i][j] = s.endpointCheck(ctx, backend, endpoint)
				return nil
			})
		}
	}
	_ = dialling.Wait() // what went wrong is in the checks
	return slices.Concat(slices.Concat(checks...), s.backendFiles(backends))
}

// endpointCheck looks whether one endpoint takes connections that the data
// plane would use.
func (s *server) endpointCheck(ctx context.Context, backend spec.Backend, endpoint string) wire.Check {
	group := checkup(wire.CheckGroupBackends)
	ctx, cancel := context.WithTimeout(ctx, reachFor)
	defer cancel()
	err := s.Reach(ctx, backend, endpoint)
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	_, noTLS := errors.AsType[tls.RecordHeaderError](err)
	hint := "start it, or correct the backend's endpoints"
	switch {
	case err == nil:
		return group.ok("endpoint_reachable", "%s: %s accepts connections", backend.Name, endpoint)
	case untrusted:
		return group.fail("endpoint_untrusted",
			"every request to it fails: name the certificate's authority (tls.ca) or a name that is in it (tls.server_name) in the backend's definition",
			"%s: %s: %v", backend.Name, endpoint, err)
	case noTLS:
		hint = "if it speaks plain HTTP, begin its address with http://"
	}
	return group.fail("endpoint_unreachable", hint, "%s: %s: %v", backend.Name, endpoint, err)
}

// backendFiles looks whether this router can use the certificate files that
// backends name.
func (s *server) backendFiles(backends []spec.Backend) []wire.Check {
	group := checkup(wire.CheckGroupBackends)
	var checks []wire.Check
	for _, backend := range backends {
		if backend.TLS == nil || s.BackendTLS == nil {
			continue
		}
		if err := s.BackendTLS(backend); err != nil {
			checks = append(checks, group.fail("tls_unusable", "put the files in place on this router's machine, or correct the backend's tls",
				"%s: %v", backend.Name, err))
			continue
		}
		checks = append(checks, group.ok("tls_usable", "%s: what its tls names can be used", backend.Name))
	}
	return checks
}
