package relational

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/stranglerfig/strangler/internal/stats"
)

// How long counts are kept, in minutes.
const (
	hour       = 60
	foldAfter  = 24 * hour
	countsKept = 90 * 24 * hour
)

// AddCounts implements stats.Sink. Each instance has rows of its own, so that
// none waits for another, and takes no part in the order of changes.
func (d *DB) AddCounts(ctx context.Context, instance string, counts []stats.Count) error {
	if err := checkText(field{"instance", instance}); err != nil {
		return err
	}
	counts = slices.SortedFunc(slices.Values(counts), func(a, b stats.Count) int {
		return cmp.Or(cmp.Compare(a.Route, b.Route), cmp.Compare(a.Side, b.Side))
	})
	return d.counting(ctx, func(ctx context.Context, tx *sql.Tx, minute int64) error {
		rows := make([][]any, len(counts))
		for i, c := range counts {
			rows[i] = []any{c.Route, c.Side, instance, minute, int64(c.Requests), int64(c.Unsafe)}
		}
		return insert(ctx, tx, "lane_counts", []string{"route", "side", "instance", "minute", "requests", "unsafe"}, rows, addCounts)
	})
}

// addCounts makes an insertion an addition to what is there.
const addCounts = `ON CONFLICT (route, side, minute, instance) DO UPDATE SET
	requests = lane_counts.requests + excluded.requests, unsafe = lane_counts.unsafe + excluded.unsafe`

// FoldCounts implements stats.Sink. Each hour is a transaction of its own: it
// locks the store's row, because two instances that fold the same rows would
// count them twice, and a verb must not wait for all that has piled up.
func (d *DB) FoldCounts(ctx context.Context) error {
	err := d.folding(ctx, func(ctx context.Context, tx *sql.Tx, minute int64) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM lane_counts WHERE minute < $1`, minute-countsKept)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget old counts: %w", err)
	}
	for {
		oldest, found, err := d.unfolded(ctx)
		if err != nil || !found {
			return err
		}
		if err := d.foldHour(ctx, oldest-oldest%hour); err != nil {
			return fmt.Errorf("fold counts: %w", err)
		}
	}
}

// unfolded finds the oldest minute that is to be folded.
func (d *DB) unfolded(ctx context.Context) (oldest int64, found bool, err error) {
	var minute sql.NullInt64
	err = d.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		now, err := d.now(ctx, tx)
		if err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `SELECT MIN(minute) FROM lane_counts WHERE minute < $1 AND minute % 60 <> 0`,
			foldUntil(minuteOf(now))).Scan(&minute)
	})
	if err != nil {
		return 0, false, fmt.Errorf("look for counts to fold: %w", err)
	}
	return minute.Int64, minute.Valid, nil
}

// foldHour adds the minutes of one hour up, at the minute it begins with.
func (d *DB) foldHour(ctx context.Context, begin int64) error {
	return d.folding(ctx, func(ctx context.Context, tx *sql.Tx, _ int64) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO lane_counts (route, side, instance, minute, requests, unsafe)
			SELECT route, side, instance, CAST($1 AS bigint), SUM(requests), SUM(unsafe)
			FROM lane_counts WHERE minute > $1 AND minute < $2
			GROUP BY route, side, instance `+addCounts, begin, begin+hour)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM lane_counts WHERE minute > $1 AND minute < $2`, begin, begin+hour)
		return err
	})
}

// folding runs fn while nobody else folds.
func (d *DB) folding(ctx context.Context, fn func(ctx context.Context, tx *sql.Tx, minute int64) error) error {
	return d.counting(ctx, func(ctx context.Context, tx *sql.Tx, minute int64) error {
		if _, err := readHead(ctx, tx, d.dialect.Lock); err != nil {
			return err
		}
		return fn(ctx, tx, minute)
	})
}

// foldUntil is the first minute that is not folded: whole hours only.
func foldUntil(minute int64) int64 {
	minute -= foldAfter
	return minute - minute%hour
}

// counting runs fn in a writing transaction that makes no revision.
func (d *DB) counting(ctx context.Context, fn func(ctx context.Context, tx *sql.Tx, minute int64) error) error {
	return d.adding(ctx, addition{"counts", stats.ErrUncertain}, func(ctx context.Context, tx *sql.Tx, at time.Time) error {
		return fn(ctx, tx, minuteOf(at))
	})
}

// minuteOf counts minutes since 1970.
func minuteOf(at time.Time) int64 { return at.Unix() / 60 }

// UnsafeServed returns how many requests with a method that may change something
// the new side of a route has served since a moment, on all instances, as far as
// they have told. It is exact to the minute, and beyond a day to the hour, which
// is then counted whole; it knows nothing older than countsKept.
func (d *DB) UnsafeServed(ctx context.Context, route string, since time.Time) (uint64, error) {
	var served int64
	err := d.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		now, err := d.now(ctx, tx)
		if err != nil {
			return err
		}
		from := minuteOf(since)
		if from < foldUntil(minuteOf(now)) {
			from -= from % hour
		}
		return tx.QueryRowContext(ctx, `SELECT CAST(COALESCE(SUM(unsafe), 0) AS bigint) FROM lane_counts
			WHERE route = $1 AND side = 'new' AND minute >= $2`, route, from).Scan(&served)
	})
	if err != nil {
		return 0, fmt.Errorf("read what new served of route %q: %w", route, err)
	}
	return uint64(served), nil
}

// Traffic returns the requests per second of each instance over the last whole
// minute, by the store's clock. Who served nothing is not in it.
func (d *DB) Traffic(ctx context.Context) (map[string]float64, error) {
	traffic := make(map[string]float64)
	err := d.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		now, err := d.now(ctx, tx)
		if err != nil {
			return err
		}
		return each(ctx, tx, func(rows *sql.Rows) error {
			var (
				instance string
				requests int64
			)
			err := rows.Scan(&instance, &requests)
			traffic[instance] = float64(requests) / 60
			return err
		}, `SELECT instance, CAST(SUM(requests) AS bigint) FROM lane_counts WHERE minute = $1 GROUP BY instance`, minuteOf(now)-1)
	})
	if err != nil {
		return nil, fmt.Errorf("read the traffic: %w", err)
	}
	return traffic, nil
}
