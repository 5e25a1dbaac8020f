package relational

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/stranglerfig/strangler/internal/shadow"
)

// exemplarColumns are read by scanExemplar.
const exemplarColumns = `e.id, e.route, e.epoch, e.at, e.draw, e.document`

// describeExemplars returns the documents of exemplars by id. One that alone
// would take a large part of the quota has none, and is not kept.
func describeExemplars(exemplars []shadow.Exemplar) (map[string]string, error) {
	written := make(map[string]string, len(exemplars))
	for _, e := range exemplars {
		text, err := marshalExemplar(e)
		if err != nil {
			return nil, err
		}
		if len(text) <= exemplarBytes {
			written[e.ID] = text
		}
	}
	return written, nil
}

// putExemplars writes those that have a document, for each of their signatures,
// and forgets what each signature then has too many of.
func putExemplars(ctx context.Context, tx *sql.Tx, exemplars []shadow.Exemplar, written map[string]string) error {
	var rows, links [][]any
	touched := make(map[place]bool)
	for _, e := range exemplars {
		text, small := written[e.ID]
		if !small {
			continue
		}
		rows = append(rows, []any{e.ID, e.Route, e.Epoch, kept(e.At), int64(e.Draw), len(text), text})
		for _, signature := range slices.Compact(slices.Sorted(slices.Values(e.Signatures))) {
			links = append(links, []any{e.Route, e.Epoch, signature, e.ID, kept(e.At), int64(e.Draw)})
			touched[place{e.Route, e.Epoch, signature}] = true
		}
	}
	err := insert(ctx, tx, "shadow_exemplars", []string{"id", "route", "epoch", "at", "draw", "bytes", "document"}, rows, "ON CONFLICT (id) DO NOTHING")
	if err != nil {
		return err
	}
	err = insert(ctx, tx, "shadow_kept", []string{"route", "epoch", "signature", "exemplar", "at", "draw"}, links,
		"ON CONFLICT (route, epoch, signature, exemplar) DO NOTHING")
	if err != nil {
		return err
	}
	if err := thinOut(ctx, tx, touched); err != nil {
		return err
	}
	return keepQuota(ctx, tx, routesOf(shadow.Batch{Exemplars: exemplars}))
}

// thinOut keeps of each signature the newest exemplars, and those with the
// smallest draws. The draws of all routers are of one kind, so the smallest of
// all are a fair sample of what all of them saw, in whatever order it came. An
// exemplar that is neither will not be later: others only come before it.
func thinOut(ctx context.Context, tx *sql.Tx, touched map[place]bool) error {
	signatures := keys{columns: []string{"route", "epoch", "signature"}}
	for at := range touched {
		signatures.rows = append(signatures.rows, []any{at.route, at.epoch, at.id})
	}
	links := keys{columns: []string{"exemplar", "signature"}}
	var ids []string
	err := signatures.each(ctx, tx, func(rows *sql.Rows) error {
		var id, signature string
		err := rows.Scan(&id, &signature)
		ids = append(ids, id)
		links.rows = append(links.rows, []any{id, signature})
		return err
	}, fmt.Sprintf(`SELECT exemplar, signature FROM (
			SELECT k.exemplar, k.signature,
				row_number() OVER (PARTITION BY k.route, k.epoch, k.signature ORDER BY k.at DESC, k.exemplar) AS newest,
				row_number() OVER (PARTITION BY k.route, k.epoch, k.signature ORDER BY k.draw, k.exemplar) AS smallest
			FROM shadow_kept k JOIN named n ON k.route = n.route AND k.epoch = n.epoch AND k.signature = n.signature) AS ranked
		WHERE newest > %d AND smallest > %d`, shadow.Newest, shadow.Random))
	if err != nil {
		return fmt.Errorf("look for exemplars beyond those that are kept: %w", err)
	}
	if err := links.exec(ctx, tx, `DELETE FROM shadow_kept WHERE (exemplar, signature) IN (SELECT exemplar, signature FROM named)`); err != nil {
		return fmt.Errorf("thin out exemplars: %w", err)
	}
	err = keysOf("id", ids).exec(ctx, tx, `DELETE FROM shadow_exemplars WHERE id IN (SELECT id FROM named)
		AND NOT EXISTS (SELECT 1 FROM shadow_kept k WHERE k.exemplar = shadow_exemplars.id)`)
	if err != nil {
		return fmt.Errorf("forget exemplars that no signature keeps: %w", err)
	}
	return nil
}

// forgetExemplars forgets exemplars for all of their signatures.
func forgetExemplars(ctx context.Context, tx *sql.Tx, ids []string) error {
	if err := keysOf("id", ids).exec(ctx, tx, `DELETE FROM shadow_kept WHERE exemplar IN (SELECT id FROM named)`); err != nil {
		return fmt.Errorf("forget exemplars: %w", err)
	}
	if err := keysOf("id", ids).exec(ctx, tx, `DELETE FROM shadow_exemplars WHERE id IN (SELECT id FROM named)`); err != nil {
		return fmt.Errorf("forget exemplars: %w", err)
	}
	return nil
}

// Exemplar implements shadow.Reader.
func (d *DB) Exemplar(ctx context.Context, id string) (shadow.Exemplar, error) {
	if !keepable(id) {
		return shadow.Exemplar{}, fmt.Errorf("%w: %q", shadow.ErrUnknownExemplar, id)
	}
	var e shadow.Exemplar
	err := d.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		var err error
		e, err = scanExemplar(tx.QueryRowContext(ctx, `SELECT `+exemplarColumns+` FROM shadow_exemplars e WHERE e.id = $1`, id))
		return err
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return shadow.Exemplar{}, fmt.Errorf("%w: %q", shadow.ErrUnknownExemplar, id)
	case err != nil:
		return shadow.Exemplar{}, fmt.Errorf("read exemplar %q: %w", id, err)
	}
	return e, nil
}

// Exemplars implements shadow.Reader. One that this program cannot read is left
// out, and logged: a newer router may write them otherwise.
func (d *DB) Exemplars(ctx context.Context, ids []string) ([]shadow.Exemplar, error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	ids = slices.DeleteFunc(ids, func(id string) bool { return !keepable(id) })
	var exemplars []shadow.Exemplar
	err := d.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return keysOf("id", ids).each(ctx, tx, func(rows *sql.Rows) error {
			e, err := scanExemplar(rows)
			if errors.Is(err, errUnreadable) {
				d.logger.Warn("an exemplar is left out", "error", err)
				return nil
			}
			exemplars = append(exemplars, e)
			return err
		}, `SELECT `+exemplarColumns+` FROM shadow_exemplars e JOIN named n ON e.id = n.id`)
	})
	if err != nil {
		return nil, fmt.Errorf("read exemplars: %w", err)
	}
	slices.SortFunc(exemplars, func(a, b shadow.Exemplar) int { return b.At.Compare(a.At) })
	return exemplars, nil
}

// scanner is a row.
type scanner interface {
	Scan(into ...any) error
}

func scanExemplar(row scanner) (shadow.Exemplar, error) {
	var (
		e    shadow.Exemplar
		at   instant
		text document
	)
	if err := row.Scan(&e.ID, &e.Route, &e.Epoch, &at, &e.Draw, &text); err != nil {
		return e, err
	}
	e.At = at.Time
	return e, unmarshalExemplar(text, &e)
}
