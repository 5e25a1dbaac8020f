package api

import (
	"context"
	"sync"
	"time"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/shadow"
)

// What reading the evidence of all routes may cost those who watch a status: it
// is read every two seconds at most, and takes a tenth of the time at most.
const (
	parityFor   = 2 * time.Second // for so long the last reading will do
	parityRest  = 10              // and for so many times as long as it took
	parityReads = time.Second     // a status does not wait for longer
)

// parities are the summaries of all routes, as they were read last.
type parities struct {
	mu    sync.Mutex
	until time.Time                 // the reading will do; guarded by mu
	known map[string]shadow.Summary // by route; guarded by mu, never changed
}

// parities returns the summary of each route with evidence. When that cannot be
// read it returns nothing: a status is more urgent than a number.
func (s *server) parities(ctx context.Context) map[string]shadow.Summary {
	p := &s.parity
	p.mu.Lock()
	defer p.mu.Unlock()
	began := time.Now()
	if began.Before(p.until) {
		return p.known
	}
	// Whoever asks meanwhile waits for this reading, so it does not end with its caller.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), parityReads)
	defer cancel()
	evidence, err := s.Evidence.Evidence(ctx, shadow.Query{})
	if err != nil {
		s.Logger.Debug("what was compared could not be read", "error", err)
	}
	p.known = make(map[string]shadow.Summary, len(evidence))
	for _, e := range evidence {
		p.known[e.Route] = shadow.Summarise(e)
	}
	took := time.Since(began)
	p.until = time.Now().Add(max(parityFor, parityRest*took))
	return p.known
}

// parityOf is the parity of the i-th route of a snapshot; nil when nothing of it
// was ever compared or left out.
func parityOf(snapshot *fleet.Snapshot, i int, summaries map[string]shadow.Summary) *wire.Parity {
	definition := snapshot.Definitions.Routes[i]
	summary, known := summaries[definition.Name]
	if !known {
		return nil
	}
	parity := wire.Parity{
		ShareBp:  share(definition, snapshot.Routes[i].Stage),
		Compared: int64(summary.Compared), Mismatched: int64(summary.Mismatched), Noise: int64(summary.Noise),
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
	ctx, cancel := context.WithTimeout(ctx, parityReads)
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
