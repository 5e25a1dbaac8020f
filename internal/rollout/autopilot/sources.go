package autopilot

import (
	"context"
	"log/slog"

	"github.com/stranglerfig/strangler/internal/rollout/gate"
)

// Sources are where it is read how things stand.
type Sources struct {
	// Fleet is what this router knows of definitions and states, at the newest
	// revision that it serves.
	Fleet func() Fleet
	// Doubt says why that may not be what the store has. Then another router's autopilot
	// acts. Nil: it always is.
	Doubt func() error
	// Parity returns what the comparisons of the present epoch came to, of the
	// routes that were compared at all.
	Parity func(ctx context.Context, routes []string) (map[string]gate.Compared, error)
	// Breakers returns, by route, those of new's lanes that are not closed.
	Breakers func(ctx context.Context) (map[string][]gate.Breaker, error)
}

// compared returns the same of all of the routes, also of those of which nothing was
// compared; nothing at all when it cannot be read. Then nobody promotes them.
func (s *Sources) compared(ctx context.Context, routes []string, logger *slog.Logger) map[string]gate.Compared {
	if len(routes) == 0 {
		return nil
	}
	known, err := s.Parity(ctx, routes)
	if err != nil {
		logger.Debug("what was compared could not be read", "error", err)
		return nil
	}
	all := make(map[string]gate.Compared, len(routes))
	for _, route := range routes {
		all[route] = known[route]
	}
	return all
}
