package relational

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/stranglerfig/strangler/internal/shadow"
)

const (
	// epochsKept is how many epochs of one route are kept: some releases of the new
	// side, and some changes of rules. A build header that changes with every answer
	// must not fill the database.
	epochsKept = 10
	// stillHeard is how long before the newest word of any epoch another must have
	// been heard of to be current. Routers write every few seconds.
	stillHeard = time.Minute
)

const replaceEpoch = `ON CONFLICT (route, id) DO UPDATE SET
	began_at = CASE WHEN excluded.began_at < shadow_epochs.began_at THEN excluded.began_at ELSE shadow_epochs.began_at END,
	last_at = CASE WHEN excluded.last_at > shadow_epochs.last_at THEN excluded.last_at ELSE shadow_epochs.last_at END`

func putEpochs(ctx context.Context, tx *sql.Tx, epochs []shadow.Epoch) error {
	rows := make([][]any, len(epochs))
	for i, e := range epochs {
		build, err := json.Marshal(anyBytes(e.Build))
		if err != nil {
			return fmt.Errorf("describe epoch %q: %w", e.ID, err)
		}
		rows[i] = []any{e.Route, e.ID, string(build), e.Rules, kept(e.Began), kept(e.Last)}
	}
	return insert(ctx, tx, "shadow_epochs", []string{"route", "id", "build", "rules", "began_at", "last_at"}, rows, replaceEpoch)
}

// scanEpoch reads an epoch that an outer join may not have found: then it has no ID.
func scanEpoch(rows *sql.Rows) (shadow.Epoch, error) {
	var (
		e           shadow.Epoch
		id, rules   sql.NullString
		build       document
		began, last instant
	)
	if err := rows.Scan(&e.Route, &id, &build, &rules, &began, &last); err != nil || !id.Valid {
		return e, err
	}
	e.ID, e.Rules, e.Began, e.Last = id.String, rules.String, began.Time, last.Time
	var text anyBytes
	if err := json.Unmarshal(build, &text); err != nil {
		return e, fmt.Errorf("epoch %q cannot be read: %w", e.ID, err)
	}
	e.Build = string(text)
	return e, nil
}

// current is the epoch that is meant where none is named, as shadow.Reader has
// it; of no epochs the zero one. They are sorted, the one that began last first.
func current(epochs []shadow.Epoch) shadow.Epoch {
	var newest time.Time
	for _, e := range epochs {
		newest = later(newest, e.Last)
	}
	var found shadow.Epoch
	for _, e := range epochs {
		if newest.Sub(e.Last) <= stillHeard && (found.ID == "" || found.Build == "" && e.Build != "") {
			found = e
		}
	}
	return found
}

func newestFirst(a, b shadow.Epoch) int {
	return cmp.Or(b.Began.Compare(a.Began), cmp.Compare(a.ID, b.ID))
}

// forgetEpochsBeyond keeps the epochs of each route that were heard of last.
func forgetEpochsBeyond(ctx context.Context, tx *sql.Tx, routes []string) error {
	beyond := keys{columns: []string{"route", "epoch"}}
	err := keysOf("route", routes).each(ctx, tx, func(rows *sql.Rows) error {
		var route, epoch string
		err := rows.Scan(&route, &epoch)
		beyond.rows = append(beyond.rows, []any{route, epoch})
		return err
	}, fmt.Sprintf(`SELECT route, id FROM (
			SELECT e.route, e.id, row_number() OVER (PARTITION BY e.route ORDER BY e.last_at DESC, e.began_at DESC, e.id) AS place
			FROM shadow_epochs e JOIN named n ON e.route = n.route) AS ranked
		WHERE place > %d`, epochsKept))
	if err != nil {
		return fmt.Errorf("look for epochs beyond the newest: %w", err)
	}
	return forgetEpochs(ctx, tx, beyond)
}

// forgetEpochs forgets epochs, which are keys of route and epoch, with all that
// was found in them.
func forgetEpochs(ctx context.Context, tx *sql.Tx, epochs keys) error {
	for _, table := range []string{"shadow_tallies", "shadow_signatures", "shadow_sets", "shadow_kept", "shadow_exemplars"} {
		if err := epochs.exec(ctx, tx, "DELETE FROM "+table+" WHERE (route, epoch) IN (SELECT route, epoch FROM named)"); err != nil {
			return fmt.Errorf("forget the %s of old epochs: %w", table, err)
		}
	}
	if err := epochs.exec(ctx, tx, "DELETE FROM shadow_epochs WHERE (route, id) IN (SELECT route, epoch FROM named)"); err != nil {
		return fmt.Errorf("forget old epochs: %w", err)
	}
	return nil
}
