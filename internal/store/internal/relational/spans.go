package relational

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/stats"
)

// spansAtOnce is how many spans one transaction makes, of some dozens of rows each:
// some ten milliseconds' work, for which a verb waits on SQLite.
const spansAtOnce = 50

// spans are windows of all routers together, each of one minute or hour.
type spans map[spanPlace]*stats.Window

// spanPlace is where a span belongs.
type spanPlace struct {
	route, side string
	began       int64 // minute since 1970
}

func (p spanPlace) compare(q spanPlace) int {
	return cmp.Or(cmp.Compare(p.began, q.began), strings.Compare(p.route, q.route), strings.Compare(p.side, q.side))
}

// spansToFold reads the places of some spans that are to be made, by a query that
// returns when they begin, and their route and side.
func spansToFold(ctx context.Context, tx *sql.Tx, query string, args ...any) (spans, error) {
	found := make(spans)
	err := each(ctx, tx, func(rows *sql.Rows) error {
		var at spanPlace
		err := rows.Scan(&at.began, &at.route, &at.side)
		found[at] = new(stats.Window)
		return err
	}, query+fmt.Sprintf(" LIMIT %d", spansAtOnce), args...)
	if err != nil {
		return nil, fmt.Errorf("look for what is not merged: %w", err)
	}
	return found, nil
}

func (s spans) named() keys {
	k := keys{columns: []string{"route", "side", "began bigint"}}
	for at := range s {
		k.rows = append(k.rows, []any{at.route, at.side, at.began})
	}
	return k
}

// mergeInto merges windows, of which the query returns id, place and what was seen,
// into the spans of their places. It returns the ids that are not 0.
func (d *DB) mergeInto(ctx context.Context, tx *sql.Tx, into spans, query string) (ids keys, err error) {
	ids.columns = []string{"id bigint"}
	var (
		id   int64
		at   spanPlace
		seen sql.RawBytes
		w    stats.Window
	)
	err = into.named().each(ctx, tx, func(rows *sql.Rows) error {
		if err := rows.Scan(&id, &at.began, &at.route, &at.side, &seen); err != nil {
			return err
		}
		if id != 0 {
			ids.rows = append(ids.rows, []any{id})
		}
		if err := w.UnmarshalBinary(seen); err != nil {
			d.passOver(at.route, err)
			return nil
		}
		into[at].Merge(&w)
		return nil
	}, query)
	if err != nil {
		return ids, fmt.Errorf("read what is to be merged: %w", err)
	}
	return ids, nil
}

// replaceSpan makes an insertion replace what is there.
const replaceSpan = `ON CONFLICT (route, side, minutes, began) DO UPDATE SET requests = excluded.requests,
	exposed = excluded.exposed, failed = excluded.failed, slowed = excluded.slowed, seen = excluded.seen`

// put writes spans of this length, settled: which keys there were is forgotten.
func (s spans) put(ctx context.Context, tx *sql.Tx, length time.Duration) error {
	var rows [][]any
	for at, w := range s {
		if w.To.IsZero() { // nothing of it could be read
			continue
		}
		w.Settle()
		w.From, w.To = atMinute(at.began), atMinute(at.began).Add(length)
		seen, err := w.MarshalBinary()
		if err != nil {
			return fmt.Errorf("describe a span of route %q: %w", at.route, err)
		}
		rows = append(rows, []any{
			at.route, at.side, int64(length / time.Minute), at.began,
			int64(w.Requests()), int64(w.Exposed.Count()), int64(w.Failed.Count()), int64(w.Slowed.Count()), seen,
		})
	}
	return insert(ctx, tx, "lane_spans",
		[]string{"route", "side", "minutes", "began", "requests", "exposed", "failed", "slowed", "seen"}, rows, replaceSpan)
}

// atMinute is when a minute begins that minuteOf counts.
func atMinute(minute int64) time.Time { return time.Unix(minute*60, 0).UTC() }

// Spans implements stats.WindowReader.
func (d *DB) Spans(ctx context.Context, routes []string, from time.Time) ([]stats.LaneWindow, error) {
	var found []stats.LaneWindow
	err := d.eachSpan(ctx, routes, from, `'legacy', 'new'`, func(at spanPlace, minutes int64, seen []byte) error {
		w := stats.LaneWindow{Route: at.route, Side: at.side}
		if err := w.UnmarshalBinary(seen); err != nil {
			return err
		}
		w.From, w.To = atMinute(at.began), atMinute(at.began+minutes)
		found = append(found, w)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read spans: %w", err)
	}
	slices.SortFunc(found, func(a, b stats.LaneWindow) int {
		return cmp.Or(strings.Compare(a.Route, b.Route), strings.Compare(a.Side, b.Side), a.From.Compare(b.From))
	})
	return found, nil
}

// Latencies implements stats.WindowReader.
func (d *DB) Latencies(ctx context.Context, routes []string, from time.Time) (map[string]*stats.Histogram, error) {
	took := make(map[string]*stats.Histogram)
	var w stats.Window
	err := d.eachSpan(ctx, routes, from, `'legacy'`, func(at spanPlace, _ int64, seen []byte) error {
		if err := w.UnmarshalBinary(seen); err != nil {
			return err
		}
		if took[at.route] == nil {
			took[at.route] = new(stats.Histogram)
		}
		took[at.route].Merge(&w.Latency)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read latencies: %w", err)
	}
	return took, nil
}

// eachSpan runs fn on the spans of routes on some sides, in no order, from the one
// in which from lies. What fn cannot read is left out.
func (d *DB) eachSpan(ctx context.Context, routes []string, from time.Time, sides string, fn func(at spanPlace, minutes int64, seen []byte) error) error {
	return d.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return routesSince(routes, minuteOf(from)).each(ctx, tx, func(rows *sql.Rows) error {
			var (
				at      spanPlace
				minutes int64
				seen    sql.RawBytes
			)
			if err := rows.Scan(&at.route, &at.side, &at.began, &minutes, &seen); err != nil {
				return err
			}
			if err := fn(at, minutes, seen); err != nil {
				d.passOver(at.route, err)
			}
			return nil
		}, `SELECT s.route, s.side, s.began, s.minutes, s.seen FROM lane_spans s JOIN named n ON s.route = n.route
			WHERE s.side IN (`+sides+`) AND s.began > n.began - 60 AND s.began + s.minutes > n.began`)
	})
}

// Totals implements stats.WindowReader.
func (d *DB) Totals(ctx context.Context, routes []string, since time.Time) (map[string]stats.Total, error) {
	totals := make(map[string]stats.Total)
	whole := minuteOf(since.Add(time.Minute - time.Nanosecond))
	err := d.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return routesSince(routes, whole).each(ctx, tx, func(rows *sql.Rows) error {
			var (
				route string
				t     stats.Total
			)
			err := rows.Scan(&route, &t.Requests, &t.Exposed, &t.Failed, &t.Slowed)
			totals[route] = t
			return err
		}, `SELECT s.route, CAST(SUM(s.requests) AS bigint), CAST(SUM(s.exposed) AS bigint),
				CAST(SUM(s.failed) AS bigint), CAST(SUM(s.slowed) AS bigint)
			FROM lane_spans s JOIN named n ON s.route = n.route
			WHERE s.side = 'legacy' AND s.began >= n.began GROUP BY s.route`)
	})
	if err != nil {
		return nil, fmt.Errorf("add spans up: %w", err)
	}
	return totals, nil
}

// routesSince are keys of routes, each with the same minute.
func routesSince(routes []string, began int64) keys {
	k := keys{columns: []string{"route", "began bigint"}}
	for _, route := range findable(routes) {
		k.rows = append(k.rows, []any{route, began})
	}
	return k
}
