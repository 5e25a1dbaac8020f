package relational

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/stranglerfig/strangler/internal/shadow"
)

// Evidence implements shadow.Reader.
func (d *DB) Evidence(ctx context.Context, query shadow.Query) ([]shadow.Evidence, error) {
	var found []shadow.Evidence
	err := d.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		now, err := d.now(ctx, tx)
		if err != nil {
			return err
		}
		if found, err = readEpochs(ctx, tx, query); err != nil {
			return err
		}
		return fillEvidence(ctx, tx, found, span{query.Since, tallyFoldUntil(minuteOf(now))})
	})
	if err != nil {
		return nil, fmt.Errorf("read evidence: %w", err)
	}
	return slices.DeleteFunc(found, func(e shadow.Evidence) bool { return len(e.Epochs) == 0 && len(e.Tallies) == 0 }), nil
}

// readEpochs reads the routes with evidence, each with its epochs and the one
// that is asked for.
func readEpochs(ctx context.Context, tx *sql.Tx, query shadow.Query) ([]shadow.Evidence, error) {
	var found []shadow.Evidence
	scan := func(rows *sql.Rows) error {
		epoch, err := scanEpoch(rows)
		if last := len(found) - 1; last < 0 || found[last].Route != epoch.Route {
			found = append(found, shadow.Evidence{Route: epoch.Route})
		}
		if epoch.ID != "" {
			last := &found[len(found)-1]
			last.Epochs = append(last.Epochs, epoch)
		}
		return err
	}
	const (
		columns = `SELECT r.route, e.id, e.build, e.rules, e.began_at, e.last_at FROM shadow_routes r `
		epochs  = `LEFT JOIN shadow_epochs e ON e.route = r.route ORDER BY r.route`
	)
	var err error
	if query.Routes == nil {
		err = each(ctx, tx, scan, columns+epochs)
	} else {
		routes := slices.Compact(slices.Sorted(slices.Values(query.Routes)))
		routes = slices.DeleteFunc(routes, func(route string) bool { return !keepable(route) })
		err = keysOf("route", routes).each(ctx, tx, scan, columns+`JOIN named n ON n.route = r.route `+epochs)
	}
	if err != nil {
		return nil, fmt.Errorf("read epochs: %w", err)
	}
	for i := range found {
		slices.SortFunc(found[i].Epochs, newestFirst)
		found[i].Epoch = asked(found[i].Epochs, query.Epoch)
	}
	return slices.DeleteFunc(found, func(e shadow.Evidence) bool { return query.Epoch != "" && e.Epoch.ID == "" }), nil
}

// asked is the epoch of an id, or the current one; the zero one is none.
func asked(epochs []shadow.Epoch, id string) shadow.Epoch {
	if id == "" {
		return current(epochs)
	}
	for _, e := range epochs {
		if e.ID == id {
			return e
		}
	}
	return shadow.Epoch{}
}

// span is since when tallies are read.
type span struct {
	since  time.Time
	folded int64 // first minute that is not folded
}

// minutes returns the first minutes that count, of the epoch's own tallies and
// of those of skipped requests.
func (s span) minutes(epoch shadow.Epoch) (own, skipped int64) {
	if s.since.IsZero() {
		// All that carries the epoch: its first minutes may lie before it began, by
		// the clock of a router that is ahead.
		return 0, s.whole(epoch.Began)
	}
	return s.whole(s.since), s.whole(s.since)
}

// whole is the minute of a moment, or where those are folded that of its hour.
func (s span) whole(moment time.Time) int64 {
	minute := minuteOf(moment)
	if minute < s.folded {
		minute -= minute % hour
	}
	return minute
}

// reader fills in what belongs to the epochs that are asked for.
type reader struct {
	by     map[string]*shadow.Evidence // by route
	epochs keys
}

func fillEvidence(ctx context.Context, tx *sql.Tx, found []shadow.Evidence, since span) error {
	r := reader{by: make(map[string]*shadow.Evidence, len(found)), epochs: keys{columns: []string{"route", "epoch", "own bigint", "skipped bigint"}}}
	for i := range found {
		e := &found[i]
		r.by[e.Route], e.Exemplars = e, make(map[string][]string)
		own, skipped := since.minutes(e.Epoch)
		r.epochs.rows = append(r.epochs.rows, []any{e.Route, e.Epoch.ID, own, skipped})
	}
	for _, part := range []struct {
		what  string
		scan  func(*sql.Rows) error
		query string
	}{
		{"tallies", r.tally, `SELECT t.route, t.epoch, t.result, CAST(SUM(t.n) AS bigint) FROM shadow_tallies t JOIN named n ON t.route = n.route
			AND (t.epoch = n.epoch AND t.minute >= n.own OR t.epoch = '' AND t.minute >= n.skipped)
			GROUP BY t.route, t.epoch, t.result ORDER BY t.route, t.epoch, t.result`},
		{"signatures", r.sighting, `SELECT ` + sightingColumns + ` FROM shadow_signatures t JOIN named n USING (route, epoch) ORDER BY route, id`},
		{"sets", r.set, `SELECT route, epoch, id, members FROM shadow_sets t JOIN named n USING (route, epoch) ORDER BY route, id`},
		{"exemplars", r.exemplar, `SELECT route, signature, exemplar FROM shadow_kept t JOIN named n USING (route, epoch)
			ORDER BY route, signature, at DESC, exemplar`},
		{"the size of exemplars", r.size, `SELECT route, CAST(SUM(t.bytes) AS bigint) FROM shadow_exemplars t JOIN named n USING (route) GROUP BY route`},
	} {
		if err := r.epochs.each(ctx, tx, part.scan, part.query); err != nil {
			return fmt.Errorf("read %s: %w", part.what, err)
		}
	}
	return nil
}

func (r reader) tally(rows *sql.Rows) error {
	var t shadow.Tally
	if err := rows.Scan(&t.Route, &t.Epoch, &t.Result, &t.N); err != nil {
		return err
	}
	r.by[t.Route].Tallies = append(r.by[t.Route].Tallies, t)
	return nil
}

func (r reader) sighting(rows *sql.Rows) error {
	s, err := scanSighting(rows)
	if err != nil {
		return err
	}
	r.by[s.Route].Sightings = append(r.by[s.Route].Sightings, s)
	return nil
}

func (r reader) set(rows *sql.Rows) error {
	s, err := scanSet(rows)
	if err != nil {
		return err
	}
	r.by[s.Route].Sets = append(r.by[s.Route].Sets, s)
	return nil
}

func (r reader) exemplar(rows *sql.Rows) error {
	var route, signature, id string
	if err := rows.Scan(&route, &signature, &id); err != nil {
		return err
	}
	kept := r.by[route].Exemplars
	kept[signature] = append(kept[signature], id)
	return nil
}

func (r reader) size(rows *sql.Rows) error {
	var (
		route string
		bytes int64
	)
	if err := rows.Scan(&route, &bytes); err != nil {
		return err
	}
	r.by[route].Bytes = bytes
	return nil
}
