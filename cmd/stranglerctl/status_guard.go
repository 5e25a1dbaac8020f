package main

import (
	"fmt"
	"strings"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// printGuard says what the guard does at present: faults first, since a person
// makes them. Of a detail it is about that route and its backends alone.
func (s *statusReader) printGuard(now shown) {
	if now.router == nil {
		return
	}
	loud := func(format string, args ...any) {
		s.out.Linef("%s %s", s.out.Paint(term.Bad, markWarn), s.out.Paint(term.Bad, fmt.Sprintf(format, args...)))
	}
	about, uses := s.scope(now)
	for _, f := range now.router.Faults {
		if about(f.Route) {
			loud("FAULT %d injected into %s, side %s: %s; %s left, by %s", f.ID, f.Route, f.Side, faultText(f), leftText(f.LeftS), f.Actor)
		}
	}
	for _, d := range now.router.Drained {
		if uses(d.Backend) {
			loud("drained: %s of backend %s", d.Endpoint, d.Backend)
		}
	}
	for _, i := range now.instances {
		if i.Trouble == nil {
			continue
		}
		for _, lane := range i.Trouble.Lanes {
			if about(lane.Route) {
				loud("%s, side %s, on %s: %s", lane.Route, lane.Side, i.Instance, laneText(lane))
			}
		}
		for _, b := range i.Trouble.Backends {
			if uses(b.Backend) {
				loud("backend %s on %s: requests find no room, %d so far", b.Backend, i.Instance, b.Rejected)
			}
		}
		for _, e := range i.Trouble.Endpoints {
			if uses(e.Backend) {
				loud("%s of backend %s gets no requests from %s: %s", e.Endpoint, e.Backend, i.Instance, outText(e))
			}
		}
	}
}

// scope is which routes and backends are spoken of.
func (s *statusReader) scope(now shown) (about, uses func(string) bool) {
	if now.detail == nil {
		everything := func(string) bool { return true }
		return everything, everything
	}
	d := now.detail.value
	return func(route string) bool { return route == d.Name },
		func(backend string) bool { return backend == d.Legacy || backend == d.New }
}

func laneText(lane wire.LaneTrouble) string {
	var parts []string
	switch lane.Breaker {
	case wire.BreakerStateOpen:
		parts = append(parts, "breaker open")
	case wire.BreakerStateHalfOpen:
		parts = append(parts, "breaker half-open, "+untried)
	}
	if lane.Unhelped > 0 {
		parts = append(parts, fmt.Sprintf("users see errors: legacy has no room for fallbacks, %d so far", lane.Unhelped))
	}
	if lane.Rejected > 0 {
		parts = append(parts, fmt.Sprintf("requests find no room, %d so far", lane.Rejected))
	}
	if lane.NoRetries {
		parts = append(parts, "the budget for retries is used up")
	}
	if len(parts) == 0 {
		return counted(lane.Waiting, "request") + " waiting"
	}
	return strings.Join(parts, "; ")
}

func outText(e wire.EndpointTrouble) string {
	if e.Ill {
		return strings.TrimSuffix("its health check fails: "+e.Fault, ": ")
	}
	return "ejected for another " + leftText(e.LeftS)
}
