package relational

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/shadow/compare"
)

// signatureDocument is what a signature's row says besides its id.
type signatureDocument struct {
	Where  anyBytes     `json:"where"`
	Kind   compare.Kind `json:"kind"`
	Legacy anyBytes     `json:"legacy,omitempty"`
	New    anyBytes     `json:"new,omitempty"`
}

// addSightings makes an insertion an addition to what is there.
const addSightings = `ON CONFLICT (route, epoch, id) DO UPDATE SET
	first_at = CASE WHEN excluded.first_at < shadow_signatures.first_at THEN excluded.first_at ELSE shadow_signatures.first_at END,
	last_at = CASE WHEN excluded.last_at > shadow_signatures.last_at THEN excluded.last_at ELSE shadow_signatures.last_at END,
	pairs_both = shadow_signatures.pairs_both + excluded.pairs_both,
	pairs_new = shadow_signatures.pairs_new + excluded.pairs_new,
	pairs_legacy = shadow_signatures.pairs_legacy + excluded.pairs_legacy,
	confirmed = shadow_signatures.confirmed + excluded.confirmed,
	transient = shadow_signatures.transient + excluded.transient`

const sightingColumns = `route, epoch, id, signature, first_at, last_at, pairs_both, pairs_new, pairs_legacy, confirmed, transient`

func putSightings(ctx context.Context, tx *sql.Tx, sightings []shadow.Sighting) error {
	rows := make([][]any, len(sightings))
	for i, s := range sightings {
		text, err := json.Marshal(signatureDocument{
			Where: anyBytes(s.Signature.Where), Kind: s.Signature.Kind,
			Legacy: anyBytes(s.Signature.Legacy), New: anyBytes(s.Signature.New),
		})
		if err != nil {
			return fmt.Errorf("describe signature %q: %w", s.Signature.ID, err)
		}
		rows[i] = []any{
			s.Route, s.Epoch, s.Signature.ID, string(text), kept(firstOf(s)), kept(s.Last),
			int64(s.Pairs.Both), int64(s.Pairs.New), int64(s.Pairs.Legacy), int64(s.Confirmed), int64(s.Transient),
		}
	}
	return insert(ctx, tx, "shadow_signatures", strings.Split(sightingColumns, ", "), rows, addSightings)
}

func firstOf(s shadow.Sighting) time.Time {
	if s.First.IsZero() {
		return s.Last
	}
	return s.First
}

func scanSighting(rows *sql.Rows) (shadow.Sighting, error) {
	var (
		s           shadow.Sighting
		text        document
		first, last instant
	)
	err := rows.Scan(&s.Route, &s.Epoch, &s.Signature.ID, &text, &first, &last,
		&s.Pairs.Both, &s.Pairs.New, &s.Pairs.Legacy, &s.Confirmed, &s.Transient)
	if err != nil {
		return s, err
	}
	var d signatureDocument
	if err := json.Unmarshal(text, &d); err != nil {
		return s, fmt.Errorf("signature %q cannot be read: %w", s.Signature.ID, err)
	}
	s.Signature.Where, s.Signature.Kind = string(d.Where), d.Kind
	s.Signature.Legacy, s.Signature.New = string(d.Legacy), string(d.New)
	s.First, s.Last = first.Time, last.Time
	return s, nil
}
