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
	parityFor  = 2 * time.Second // for so long the last reading will do
	parityRest = 10              // and for so many times as long as it took
	parityWait = time.Second     // a status does not wait for a reading for longer
)

// found is what was found on a route.
type found struct {
	shadow.Summary

	epoch shadow.Epoch
}

// parities are what was found on all routes, as it was read last.
type parities struct {
	mu      sync.Mutex       // owns the rest
	until   time.Time        // the last reading will do
	known   map[string]found // by route; never changed
	reading chan struct{}    // closed when the reading under way has ended; nil: none is
}

// parities returns what was found on each route with evidence, as it was read last.
// When it cannot be read that is nothing, and a reading that takes long is not
// waited for: a status is more urgent than a number.
func (s *server) parities(ctx context.Context) map[string]found {
	p := &s.parity
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Now().Before(p.until) {
		return p.known
	}
	if p.reading == nil {
		p.reading = make(chan struct{})
		go s.readParities(context.WithoutCancel(ctx), p.reading) // others wait for it as well
	}
	reading := p.reading
	p.mu.Unlock()
	select {
	case <-reading:
	case <-time.After(parityWait):
	case <-ctx.Done():
	}
	p.mu.Lock()
	return p.known
}

func (s *server) readParities(ctx context.Context, done chan struct{}) {
	defer close(done)
	ctx, cancel := context.WithTimeout(ctx, evidenceFor)
	defer cancel()
	began := time.Now()
	evidence, err := s.Evidence.Evidence(ctx, shadow.Query{})
	if err != nil {
		s.Logger.Debug("what was compared could not be read", "error", err)
	}
	known := make(map[string]found, len(evidence))
	for _, e := range evidence {
		known[e.Route] = found{shadow.Summarise(e), e.Epoch}
	}
	s.parity.mu.Lock()
	defer s.parity.mu.Unlock()
	s.parity.known, s.parity.reading = known, nil
	s.parity.until = time.Now().Add(max(parityFor, parityRest*time.Since(began)))
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
	ctx, cancel := context.WithTimeout(ctx, parityWait)
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
