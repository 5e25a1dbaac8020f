package api

import (
	"maps"
	"slices"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

// sent says what the backend of an assigned request would be sent, by the same
// code that rewrites requests.
func (s *server) sent(asked question, a routing.Assignment) *wire.SentRequest {
	sent := &wire.SentRequest{Target: asked.target, Host: asked.host, SetHeaders: []string{}, RemoveHeaders: []string{}}
	written, rewrite := s.rewriting(a)
	if rewrite == nil {
		return sent
	}
	sent.Rewritten = true
	sent.SetHeaders = append(sent.SetHeaders, slices.Sorted(maps.Keys(written.SetHeaders))...)
	sent.RemoveHeaders = append(sent.RemoveHeaders, written.RemoveHeaders...)
	target, problem := exchange.Inspect(exchange.Head{Method: asked.Method, Target: asked.target, Host: asked.host})
	var rewritten *exchange.Rewritten
	if problem == nil {
		exchanged := &exchange.Exchange{Host: asked.host, Assignment: a}
		rewritten, problem = exchanged.Rewrite(rewrite, target)
	}
	if problem != nil {
		sent.Refused = problem.Title + " " + problem.Detail
		return sent
	}
	sent.Target, sent.Host = rewritten.Target.Raw, rewritten.Host
	if rewritten.Target.HasQuery {
		sent.Target += "?" + rewritten.Target.Query
	}
	return sent
}

// rewriting finds how the assigned side is rewritten; nil: not at all.
func (s *server) rewriting(a routing.Assignment) (*spec.SideRewrite, *exchange.Rewrite) {
	snapshot := s.Router.Snapshot()
	if snapshot == nil {
		return nil, nil
	}
	i, found := find(snapshot.Definitions.Routes, a.Route.Name, routeName)
	if !found || snapshot.Definitions.Routes[i].Rewrite == nil {
		return nil, nil
	}
	definition := snapshot.Definitions.Routes[i]
	written := definition.Rewrite.Legacy
	if a.Side == routing.New {
		written = definition.Rewrite.New
	}
	rewrite, _ := definition.Rewriting(a.Side) // what is faulty refuses every request, and says so
	return written, rewrite
}
