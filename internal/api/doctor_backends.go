package api

import (
	"context"
	"net"
	"net/url"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/spec"
)

// How endpoints are looked for.
const (
	dialFor = time.Second // one connection
	dials   = 16          // connections at once
)

// backendChecks looks whether something listens at every endpoint. It sends nothing.
func (s *server) backendChecks(ctx context.Context, backends []spec.Backend) []wire.Check {
	group := checkup(wire.CheckGroupBackends)
	type endpoint struct{ backend, url string }
	var endpoints []endpoint
	for _, backend := range backends {
		for _, url := range backend.Endpoints {
			endpoints = append(endpoints, endpoint{backend.Name, url})
		}
	}
	checks := make([]wire.Check, len(endpoints))
	var dialling errgroup.Group
	dialling.SetLimit(dials)
	for i, e := range endpoints {
		dialling.Go(func() error {
			checks[i] = group.ok("endpoint_reachable", "%s: %s accepts connections", e.backend, e.url)
			if err := s.reach(ctx, e.url); err != nil {
				checks[i] = group.fail("endpoint_unreachable", "start it, or correct the backend's endpoints",
					"%s: %s: %v", e.backend, e.url, err)
			}
			return nil
		})
	}
	_ = dialling.Wait() // what went wrong is in the checks
	return slices.Concat(checks, s.backendFiles(backends))
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

// reach opens a connection to an endpoint and closes it again.
func (s *server) reach(ctx context.Context, endpoint string) error {
	target, err := url.Parse(endpoint)
	if err != nil {
		return err
	}
	port := target.Port()
	switch {
	case port != "":
	case target.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	ctx, cancel := context.WithTimeout(ctx, dialFor)
	defer cancel()
	conn, err := s.Dial(ctx, "tcp", net.JoinHostPort(target.Hostname(), port))
	if err != nil {
		return err
	}
	return conn.Close()
}
