package api

import (
	"context"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/shadow"
)

// found is what was found on a route.
type found struct {
	shadow.Summary

	epoch shadow.Epoch
}

// parities returns what was found on each route with evidence, as it was read last;
// when it cannot be read that is nothing.
func (s *server) parities(ctx context.Context) map[string]found {
	return s.parity.get(ctx, 0, s.readParities)
}

func (s *server) readParities(ctx context.Context) map[string]found {
	evidence, err := s.Evidence.Evidence(ctx, shadow.Query{})
	if err != nil {
		s.Logger.Debug("what was compared could not be read", "error", err)
	}
	known := make(map[string]found, len(evidence))
	for _, e := range evidence {
		known[e.Route] = found{shadow.Summarise(e), e.Epoch}
	}
	return known
}

// parityOf is the parity of the i-th route of a snapshot; nil when nothing of it
// was ever compared or left out.
func parityOf(snapshot *fleet.Snapshot, i int, known map[string]found) *wire.Parity {
	definition := snapshot.Definitions.Routes[i]
	summary, compared := known[definition.Name]
	if !compared {
		return nil
	}
	parity := wire.Parity{
		ShareBp:  share(definition, snapshot.Routes[i].Stage),
		Compared: int64(summary.Compared), Mismatched: int64(summary.Mismatched), Noise: int64(summary.Noise),
		Outdated: isOutdated(definition, summary.epoch),
	}
	for _, n := range summary.Skipped {
		parity.Skipped += int64(n)
	}
	if parity.Compared == 0 && parity.Skipped == 0 {
		return nil
	}
	return &parity
}

// summary is what was found on one route; known: it could be read.
func (s *server) summary(ctx context.Context, route string) (summary shadow.Summary, known bool) {
	ctx, cancel := context.WithTimeout(ctx, latestWait)
	defer cancel()
	evidence, err := s.Evidence.Evidence(ctx, shadow.Query{Routes: []string{route}})
	switch {
	case err != nil:
		s.Logger.Debug("what was compared could not be read", "route", route, "error", err)
		return summary, false
	case len(evidence) == 0:
		return summary, true
	default:
		return shadow.Summarise(evidence[0]), true
	}
}
