package relational

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/notify"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/spec"
)

// Places implements notify.Places.
func (d *DB) Places(ctx context.Context) (map[string]notify.Place, error) {
	places := make(map[string]notify.Place)
	err := d.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var (
				place           notify.Place
				next, delivered instant
			)
			err := rows.Scan(&place.Webhook, &place.Event, &place.Failures, &next, &place.LastError, &delivered)
			place.NextTry, place.Delivered = next.Time, delivered.Time
			places[place.Webhook] = place
			return err
		}, `SELECT webhook, event, failures, next_try, last_error, delivered_at FROM webhook_places`)
	})
	if err != nil {
		return nil, fmt.Errorf("read the places of webhooks: %w", err)
	}
	return places, nil
}

// KeepPlace implements notify.Places. That of a webhook which is not defined any
// more is left out.
func (d *DB) KeepPlace(ctx context.Context, fence rollout.Fence, place notify.Place) error {
	if !keepable(place.Webhook) {
		return nil // none can have this name
	}
	// What a receiver answers may hold anything.
	failed := strings.ReplaceAll(strings.ToValidUTF8(place.LastError, "�"), "\x00", "�")
	return d.fenced(ctx, fence, "the place of a webhook", func(ctx context.Context, tx *sql.Tx, _ time.Time) error {
		_, err := tx.ExecContext(ctx, `UPDATE webhook_places SET event = $2, failures = $3, next_try = $4, last_error = $5, delivered_at = $6
			WHERE webhook = $1`,
			place.Webhook, place.Event, place.Failures, orNull(place.NextTry), failed, orNull(place.Delivered))
		if err != nil {
			return fmt.Errorf("keep the place of webhook %q: %w", place.Webhook, err)
		}
		return nil
	})
}

// beginPlaces gives each webhook that an edit adds its place: behind the edit, so
// that nobody is told of what was before. One that it changes is tried again at
// once, and as often as a new one: an address that was wrong may be right now.
func (w *writing) beginPlaces(ctx context.Context, changes []spec.Change) error {
	var added [][]any
	for _, change := range changes {
		switch {
		case change.Kind != spec.KindWebhook:
		case change.Op == spec.Added:
			added = append(added, []any{change.Name, w.head.eventID})
		case change.Op == spec.Changed:
			_, err := w.tx.ExecContext(ctx, `UPDATE webhook_places SET next_try = NULL, failures = 0, last_error = '' WHERE webhook = $1`, change.Name)
			if err != nil {
				return fmt.Errorf("try webhook %q again: %w", change.Name, err)
			}
		}
	}
	return insert(ctx, w.tx, "webhook_places", []string{"webhook", "event"}, added, "")
}
