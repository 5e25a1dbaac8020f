package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/stranglerfig/strangler/internal/api"
	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/shadow/noise"
	"github.com/stranglerfig/strangler/internal/shadow/redact"
	"github.com/stranglerfig/strangler/internal/spec"
	"github.com/stranglerfig/strangler/internal/telemetry"
)

// settleFor is how long shadow requests under way may take when the router stops.
const settleFor = time.Second

// shadows is what a router needs to ask the other side as well.
type shadows struct {
	engine    *shadow.Engine
	collector *shadow.Collector
	keys      *auth.RedactionKeys
	evidence  shadow.Reader
	logger    *slog.Logger
}

// newShadows makes an engine whose copies take so many MiB at most.
func newShadows(instance string, memory int, evidence shadow.Reader, keys *auth.RedactionKeys, logger *slog.Logger) *shadows {
	s := &shadows{keys: keys, evidence: evidence, logger: logger}
	s.collector = shadow.NewCollector(shadow.CollectorConfig{Instance: instance})
	s.engine = shadow.NewEngine(shadow.Config{
		Budget: shadow.NewBudget(int64(memory) << 20), Collector: s.collector, Logger: logger,
	})
	return s
}

// setRoutes says what may be kept of each route's differences.
func (s *shadows) setRoutes(routes []spec.Route) {
	settings := make(map[string]shadow.RouteSettings, len(routes))
	for _, route := range routes {
		policy := route.ShadowPolicy()
		redactor, err := redact.New(s.keys, policy.Sensitive, policy.Reveal)
		if err != nil {
			s.logger.Error("of this route's differences no values are kept until its shadow section is mended",
				"route", route.Name, "error", err)
			settings[route.Name] = shadow.RouteSettings{} // and not by what was written before
			continue
		}
		settings[route.Name] = shadow.RouteSettings{Redactor: redactor}
	}
	s.collector.SetRoutes(settings)
}

// state is what metrics show.
func (s *shadows) state() telemetry.ShadowState {
	budget, lanes := s.engine.Budget(), s.engine.States()
	state := telemetry.ShadowState{Copied: budget.Used(), Limit: budget.Limit(), Lanes: make([]telemetry.ShadowLane, len(lanes))}
	for i, lane := range lanes {
		state.Lanes[i] = telemetry.ShadowLane{Route: lane.Route, InFlight: lane.Running, Queued: lane.Queued}
		for side := range lane.Breakers {
			state.Lanes[i].Breakers[side] = lane.Breakers[side].State
		}
	}
	return state
}

// replay asks both sides of an exemplar's route again, and says what has become
// of its differences, or of the one with that signature.
func (s *shadows) replay(ctx context.Context, exemplar shadow.Exemplar, signature string, header http.Header) (api.Replayed, error) {
	redactor := s.collector.Redactor(exemplar.Route)
	if redactor == nil {
		return api.Replayed{}, fmt.Errorf("%w: route %q is not in service on this router; nothing was sent", shadow.ErrNotAsked, exemplar.Route)
	}
	known, err := s.noise(ctx, &exemplar)
	if err != nil {
		return api.Replayed{}, err
	}
	answers, err := s.engine.Again(ctx, &exemplar, header)
	if err != nil {
		return api.Replayed{}, err
	}
	judged := shadow.Replay{
		Exemplar: exemplar, Now: answers.Result, Legacy: answers.OfLegacy, Given: header, Withheld: answers.Withheld,
		Noise: known, Asked: signature, Redactor: redactor,
	}.Judge()
	return api.Replayed{Replayed: judged, Legacy: answers.Legacy, New: answers.New}, nil
}

// noise returns the ids of the signatures that are noise in the present epoch of
// an exemplar's route, or were in that of the exemplar: whoever has just mended
// a bug asks when there are no pairs of the new build yet.
func (s *shadows) noise(ctx context.Context, exemplar *shadow.Exemplar) (map[string]bool, error) {
	known := make(map[string]bool)
	for _, epoch := range [...]string{"", exemplar.Epoch} {
		found, err := s.evidence.Evidence(ctx, shadow.Query{Routes: []string{exemplar.Route}, Epoch: epoch})
		if err != nil {
			return nil, err
		}
		for _, evidence := range found {
			for _, f := range shadow.Summarise(evidence).Found {
				known[f.ID] = known[f.ID] || f.Verdict == noise.Noise
			}
		}
	}
	return known, nil
}

// close ends shadowing, and lets what is nearly done come to its end.
func (s *shadows) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, settleFor)
	defer cancel()
	if err := s.engine.Settle(ctx); errors.Is(err, context.DeadlineExceeded) {
		s.logger.Info("shadow requests were broken off: nobody waits for their answers")
	}
	s.engine.Close()
}
