package api

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/spec"
)

// DrainEndpoint sends an endpoint no new requests. What it is doing it finishes.
func (s *server) DrainEndpoint(w http.ResponseWriter, r *http.Request, backend string, params wire.DrainEndpointParams) {
	s.serve(w, r, backend, params.DryRun, "it is drained already", func(now fleet.Controlling, endpoint string) ([]string, error) {
		drained := now.Controls.DrainedOf(backend)
		if endpoint == "" || len(now.Backend.Endpoints) == 1 {
			return nil, lastEndpoint(now.Backend, now.Backend.Endpoints)
		}
		if slices.Contains(drained, endpoint) {
			return drained, nil
		}
		drained = append(drained, endpoint)
		if !slices.ContainsFunc(now.Backend.Endpoints, func(e string) bool { return !slices.Contains(drained, e) }) {
			return nil, lastEndpoint(now.Backend, []string{endpoint})
		}
		return drained, nil
	})
}

// lastEndpoint refuses to leave a backend without an endpoint that serves.
func lastEndpoint(backend *spec.Backend, endpoints []string) *problem {
	p := refused("last_endpoint", fmt.Sprintf("backend %s would have nobody to serve without %s", backend.Name, strings.Join(endpoints, " and ")))
	p.Hint = "drain one of several; to take everything from a backend, roll back the routes whose new side it is"
	return p
}

// ReadyEndpoint sends a drained endpoint requests again, or all of a backend's.
func (s *server) ReadyEndpoint(w http.ResponseWriter, r *http.Request, backend string, params wire.ReadyEndpointParams) {
	s.serve(w, r, backend, params.DryRun, "it serves already", func(now fleet.Controlling, endpoint string) ([]string, error) {
		return slices.DeleteFunc(now.Controls.DrainedOf(backend), func(e string) bool { return endpoint == "" || e == endpoint }), nil
	})
}

// serve changes which endpoints of a backend serve: choose returns those that
// shall be drained.
func (s *server) serve(w http.ResponseWriter, r *http.Request, backend string, dryRun *bool, note string,
	choose func(now fleet.Controlling, endpoint string) ([]string, error),
) {
	var body wire.EndpointRequest
	if err := readJSON(r, &body); err != nil {
		s.fail(w, r, err)
		return
	}
	var endpoints []string
	done, err := s.control(r, fleet.Control{Backend: backend, Reason: body.Reason}, dryRun, func(now fleet.Controlling) (fleet.Controls, error) {
		if err := s.known(now.Backend, backend, body.Endpoint); err != nil {
			return fleet.Controls{}, err
		}
		endpoints = now.Backend.Endpoints
		wanted, err := choose(now, body.Endpoint)
		return drained(now, backend, wanted, actor(r)), err
	})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer := wire.EndpointChange{
		Backend: backend, Serving: []string{}, Drained: orEmpty(done.Controls.DrainedOf(backend)),
		PreviousRevision: wire.Revision(done.Previous), Revision: wire.Revision(done.Revision),
		Changed: len(done.Changes) > 0, DryRun: dryRun != nil && *dryRun, Note: s.unheard(done.Revision), Actor: actor(r), At: done.At.UTC(),
	}
	if !answer.Changed {
		answer.Note = cmp.Or(answer.Note, note)
	}
	for _, endpoint := range endpoints {
		if !slices.Contains(answer.Drained, endpoint) {
			answer.Serving = append(answer.Serving, endpoint)
		}
	}
	s.writeJSON(w, r, answer)
}

// known refuses a backend that is not defined, and an endpoint that it does not have.
func (s *server) known(defined *spec.Backend, backend, endpoint string) error {
	if defined == nil {
		var others []string
		if snapshot := s.Router.Snapshot(); snapshot != nil {
			others = names(snapshot.Definitions.Backends, backendName)
		}
		return unknown(spec.KindBackend, backend, others)
	}
	if endpoint != "" && !slices.Contains(defined.Endpoints, endpoint) {
		return newProblem(http.StatusNotFound, "unknown_endpoint", "There is no such endpoint.",
			fmt.Sprintf("backend %s has no endpoint %s; nothing was changed", backend, quoted(endpoint)),
			"it has "+strings.Join(defined.Endpoints, ", "))
	}
	return nil
}

// drained is the controls with exactly these endpoints of a backend drained.
// Those that were already keep who did it, and when.
func drained(now fleet.Controlling, backend string, endpoints []string, actor string) fleet.Controls {
	c := now.Controls
	c.Drained = slices.DeleteFunc(slices.Clone(c.Drained), func(d fleet.Drain) bool {
		return d.Backend == backend && !slices.Contains(endpoints, d.Endpoint)
	})
	for _, endpoint := range endpoints {
		if !slices.Contains(c.DrainedOf(backend), endpoint) {
			c.Drained = append(c.Drained, fleet.Drain{Backend: backend, Endpoint: endpoint, Actor: actor, At: now.At})
		}
	}
	return c
}

func quoted(text string) string { return strconv.Quote(text) }
