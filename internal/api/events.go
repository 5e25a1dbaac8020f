package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/spec"
)

// How many events one answer holds.
const (
	defaultEvents = 50
	maxEvents     = 1000
)

// ListEvents answers with the history, newest first. A route that was removed
// still has one.
func (s *server) ListEvents(w http.ResponseWriter, r *http.Request, params wire.ListEventsParams) {
	query, err := eventQuery(params)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readFor)
	defer cancel()
	events, err := s.History.Events(ctx, query)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	list := make([]wire.Event, len(events))
	for i, event := range events {
		list[i] = wireEvent(event)
	}
	s.writeJSON(w, r, list)
}

// verifyFor bounds how long the whole history may take.
const verifyFor = time.Minute

// VerifyEvents follows the chain of hashes through the whole history.
func (s *server) VerifyEvents(w http.ResponseWriter, r *http.Request) {
	select {
	case s.verifying <- struct{}{}:
		defer func() { <-s.verifying }()
	case <-r.Context().Done():
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), verifyFor)
	defer cancel()
	found, err := s.History.VerifyEvents(ctx)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer := wire.Verification{Events: found.Events, Intact: found.Broken == nil, Head: found.Head}
	if found.Broken != nil {
		answer.Broken = &wire.BrokenEvent{ID: found.Broken.ID, Why: found.Broken.Why}
	}
	s.writeJSON(w, r, answer)
}

func eventQuery(params wire.ListEventsParams) (rollout.EventQuery, error) {
	query := rollout.EventQuery{Limit: defaultEvents}
	if params.Route != nil {
		query.Kind, query.Subject = spec.KindRoute, *params.Route
		query.AlsoKinds = []string{fleet.KindFault, fleet.KindBreaker, fleet.KindAutopilot}
	}
	if params.Limit != nil {
		if *params.Limit < 1 || *params.Limit > maxEvents {
			return query, badRequest("bad_parameter", fmt.Sprintf("limit is %d and has to be from 1 to %d", *params.Limit, maxEvents), "")
		}
		query.Limit = *params.Limit
	}
	if params.Before != nil {
		if *params.Before < 1 {
			return query, badRequest("bad_parameter", fmt.Sprintf("before is %d and has to be the id of an event", *params.Before), "")
		}
		query.Before = *params.Before
	}
	return query, nil
}

func wireEvent(e rollout.Event) wire.Event {
	return wire.Event{
		ID: e.ID, Revision: wire.Revision(e.Revision), Verb: string(e.Verb), Kind: e.Kind, Subject: e.Subject,
		Actor: e.Actor, Cause: wire.EventCause(e.Cause), Reason: e.Reason,
		Before: promised(e, e.Before), After: promised(e, e.After), Evidence: e.Evidence, At: e.At.UTC(),
	}
}

// promised writes the states that a lifecycle event holds as every other answer
// does, and webhooks without what may be a secret. What cannot be read as a state
// is shown as it is.
func promised(e rollout.Event, text json.RawMessage) json.RawMessage {
	if e.Kind == spec.KindWebhook {
		return cutDefinition(text)
	}
	switch e.Verb {
	case rollout.VerbPromote, rollout.VerbPause, rollout.VerbResume, rollout.VerbRollback, rollout.VerbRetire, rollout.VerbUndo:
	default:
		return text
	}
	var state *rollout.State
	if err := json.Unmarshal(text, &state); err != nil || state == nil {
		return text
	}
	written, err := json.Marshal(wireState(*state))
	if err != nil {
		return text
	}
	return written
}
