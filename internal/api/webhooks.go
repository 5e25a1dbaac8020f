package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/notify"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/spec"
)

// testFor bounds one test of a webhook. Whoever asks waits for it.
const testFor = 20 * time.Second

// ListWebhooks answers with every webhook, and how far it has been told.
func (s *server) ListWebhooks(w http.ResponseWriter, r *http.Request) {
	snapshot, err := s.read(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readFor)
	defer cancel()
	places, newest, err := s.places(ctx)
	if err != nil {
		s.Logger.Debug("how far the webhooks have been told could not be read", "error", err)
	}
	list := make([]wire.Webhook, len(snapshot.Definitions.Webhooks))
	for i, webhook := range snapshot.Definitions.Webhooks {
		list[i] = wireWebhook(webhook, namesWhere(snapshot.Definitions.Routes, func(route spec.Route) bool {
			return route.Notifies(webhook.Name)
		}))
		if place, begun := places[webhook.Name]; begun {
			list[i].Place = wirePlace(place, newest)
		}
	}
	s.writeJSON(w, r, list)
}

// places returns how far each webhook has come, and the id of the newest event.
func (s *server) places(ctx context.Context) (places map[string]notify.Place, newest int64, err error) {
	if places, err = s.Places.Places(ctx); err != nil {
		return nil, 0, err
	}
	events, err := s.History.Events(ctx, rollout.EventQuery{Limit: 1})
	if err != nil {
		return nil, 0, err
	}
	if len(events) > 0 {
		newest = events[0].ID
	}
	return places, newest, nil
}

func wireWebhook(webhook spec.Webhook, routes []string) wire.Webhook {
	answer := wire.Webhook{
		Name: webhook.Name, Format: wire.WebhookFormat(webhook.Kind()), URL: webhook.Host(),
		On: []string{}, Routes: orEmpty(routes),
	}
	for _, verb := range webhook.Verbs() {
		answer.On = append(answer.On, string(verb))
	}
	return answer
}

func wirePlace(place notify.Place, newest int64) *wire.WebhookPlace {
	return &wire.WebhookPlace{
		Event: place.Event, Behind: max(0, newest-place.Event), Failures: place.Failures,
		NextTry: orNull(place.NextTry), LastError: place.LastError, Delivered: orNull(place.Delivered),
	}
}

// orNull is a time, or nil where there is none.
func orNull(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	at = at.UTC()
	return &at
}

// TestWebhook sends a message that says it is a test.
func (s *server) TestWebhook(w http.ResponseWriter, r *http.Request, webhook string) {
	ctx, cancel := context.WithTimeout(r.Context(), testFor)
	defer cancel()
	delivery, err := s.Notifier.Test(ctx, webhook)
	if errors.Is(err, notify.ErrUnknown) {
		s.fail(w, r, s.unknownWebhook(webhook))
		return
	}
	answer := wire.WebhookTest{Webhook: webhook, Status: delivery.Status, TookMs: *milliseconds(delivery.Took)}
	if err != nil {
		answer.Error = err.Error()
	}
	s.writeJSON(w, r, answer)
}

// unknownWebhook looks for the names that may have been meant.
func (s *server) unknownWebhook(webhook string) *problem {
	var known []string
	if snapshot := s.Router.Snapshot(); snapshot != nil {
		known = names(snapshot.Definitions.Webhooks, func(w spec.Webhook) string { return w.Name })
	}
	return unknown(spec.KindWebhook, webhook, known)
}
