package api

import (
	"context"
	"encoding/json"
	"time"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/spec"
)

// How long a rollback, which is done by then, may take to say what new served,
// and how far back it looks for when new began to.
const (
	servedFor   = 2 * time.Second
	servedPages = 20
	servedPage  = 50
)

// tellUnsafe adds to rollbacks how many requests that may have changed something
// new has served since it began to serve the route. What cannot be found out in
// time is left out: nobody waits for a number at three in the morning.
func (s *server) tellUnsafe(ctx context.Context, moves []wire.Move, results []rollout.Result) {
	ctx, cancel := context.WithTimeout(ctx, servedFor)
	defer cancel()
	for i, result := range results {
		if result.After.Weight >= result.Before.Weight {
			continue
		}
		since, err := s.servesSince(ctx, result.Route)
		if err == nil && !since.IsZero() {
			err = s.tellServed(ctx, &moves[i], since)
		}
		if err != nil {
			s.Logger.Warn("what new has served could not be read", "route", result.Route, "error", err)
			return
		}
	}
}

func (s *server) tellServed(ctx context.Context, move *wire.Move, since time.Time) error {
	served, err := s.Counts.UnsafeServed(ctx, move.Route, since)
	if err != nil {
		return err
	}
	count, at := int64(served), since.UTC().Truncate(time.Minute)
	move.UnsafeServedByNew, move.UnsafeSince = &count, &at
	return nil
}

// servesSince finds the newest event by which new began to serve the route; the
// zero time when there is none.
func (s *server) servesSince(ctx context.Context, route string) (time.Time, error) {
	query := rollout.EventQuery{Kind: spec.KindRoute, Subject: route, Limit: servedPage}
	for range servedPages {
		events, err := s.History.Events(ctx, query)
		if err != nil {
			return time.Time{}, err
		}
		for _, event := range events {
			if began(event) {
				return event.At, nil
			}
		}
		if len(events) < servedPage {
			break
		}
		query.Before = events[len(events)-1].ID
	}
	return time.Time{}, nil
}

// began reports whether by this event new began to serve. Events of definitions
// hold no states and do not.
func began(event rollout.Event) bool {
	var before, after struct {
		Weight int `json:"weight_bp"`
	}
	if json.Unmarshal(event.Before, &before) != nil || json.Unmarshal(event.After, &after) != nil {
		return false
	}
	return before.Weight == 0 && after.Weight > 0
}
