package autopilot

import (
	"context"

	"github.com/stranglerfig/strangler/internal/rollout/gate"
)

// Sources are where it is read how things stand.
type Sources struct {
	// Fleet is what this router knows of definitions and states, at the newest
	// revision that it serves.
	Fleet func() Fleet
	// Parity returns what the comparisons of the present epoch came to, of the
	// routes that were compared at all.
	Parity func(ctx context.Context, routes []string) (map[string]gate.Compared, error)
	// Breakers returns, by route, those of new's lanes that are not closed.
	Breakers func(ctx context.Context) (map[string][]gate.Breaker, error)
}
