package relational

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/stranglerfig/strangler/internal/shadow"
)

const (
	// tallyFoldAfter is when minutes become hours: whoever looks at a change that was
	// just made wants minutes.
	tallyFoldAfter = 2 * hour
	// evidenceKept is how long evidence is kept: a week has every kind of day.
	evidenceKept = 7 * 24 * time.Hour
)

// FoldEvidence implements shadow.Sink. Every route, and every hour of it, is a
// transaction of its own, so that nobody waits long. The route that was folded
// longest ago comes first: who is interrupted goes on there the next time.
func (d *DB) FoldEvidence(ctx context.Context) error {
	routes, err := d.routesToFold(ctx)
	if err != nil {
		return err
	}
	for _, route := range routes {
		if err := d.foldRoute(ctx, route); err != nil {
			return fmt.Errorf("fold the evidence of route %q: %w", route, err)
		}
	}
	return nil
}

func (d *DB) routesToFold(ctx context.Context) ([]string, error) {
	var routes []string
	err := d.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var route string
			err := rows.Scan(&route)
			routes = append(routes, route)
			return err
		}, `SELECT route FROM shadow_routes ORDER BY folded_at IS NOT NULL, folded_at, route`)
	})
	if err != nil {
		return nil, fmt.Errorf("look for evidence to fold: %w", err)
	}
	return routes, nil
}

func (d *DB) foldRoute(ctx context.Context, route string) error {
	for first, more := true, true; more; first = false {
		more = false // where the route has gone meanwhile, nobody says so
		err := d.withRoute(ctx, route, func(ctx context.Context, tx *sql.Tx, at time.Time) error {
			if first {
				if err := forgetOld(ctx, tx, route, at); err != nil {
					return err
				}
			}
			var err error
			more, err = foldOldestHour(ctx, tx, route, tallyFoldUntil(minuteOf(at)))
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// withRoute runs fn while nobody else writes evidence of a route; not at all if
// the route has none.
func (d *DB) withRoute(ctx context.Context, route string, fn func(ctx context.Context, tx *sql.Tx, at time.Time) error) error {
	return d.gathering(ctx, func(ctx context.Context, tx *sql.Tx, at time.Time) error {
		var locked string
		err := tx.QueryRowContext(ctx, `SELECT route FROM shadow_routes WHERE route = $1`+d.dialect.Lock, route).Scan(&locked)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("lock the evidence: %w", err)
		}
		return fn(ctx, tx, at)
	})
}

// foldOldestHour adds the oldest minutes that are to be folded up to their hour.
func foldOldestHour(ctx context.Context, tx *sql.Tx, route string, until int64) (more bool, err error) {
	var oldest sql.NullInt64
	err = tx.QueryRowContext(ctx, `SELECT MIN(minute) FROM shadow_tallies WHERE route = $1 AND minute < $2 AND minute % 60 <> 0`,
		route, until).Scan(&oldest)
	if err != nil || !oldest.Valid {
		return false, err
	}
	begin := oldest.Int64 - oldest.Int64%hour
	_, err = tx.ExecContext(ctx, `INSERT INTO shadow_tallies (route, minute, epoch, result, n)
		SELECT route, CAST($2 AS bigint), epoch, result, SUM(n)
		FROM shadow_tallies WHERE route = $1 AND minute > $2 AND minute < $3
		GROUP BY route, epoch, result `+addTallies, route, begin, begin+hour)
	if err != nil {
		return false, err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM shadow_tallies WHERE route = $1 AND minute > $2 AND minute < $3`, route, begin, begin+hour)
	return true, err
}

// tallyFoldUntil is the first minute that is not folded: whole hours only.
func tallyFoldUntil(minute int64) int64 {
	minute -= tallyFoldAfter
	return minute - minute%hour
}

// forgetOld forgets what is past its time, and the route where nothing is left.
func forgetOld(ctx context.Context, tx *sql.Tx, route string, at time.Time) error {
	before := at.Add(-evidenceKept)
	for _, step := range []struct {
		statement string
		before    any
	}{
		{`DELETE FROM shadow_tallies WHERE route = $1 AND minute < $2`, minuteOf(before)},
		{`DELETE FROM shadow_kept WHERE route = $1 AND at < $2`, before},
		{`DELETE FROM shadow_exemplars WHERE route = $1 AND at < $2`, before},
		{`DELETE FROM shadow_signatures WHERE route = $1 AND last_at < $2`, before},
		{`DELETE FROM shadow_epochs WHERE route = $1 AND last_at < $2`, before},
		// A set has no time of its own: it goes with the last that it was counted.
		{fmt.Sprintf(`DELETE FROM shadow_sets WHERE route = $1 AND (epoch, id) NOT IN (
			SELECT epoch, substr(result, %d) FROM shadow_tallies WHERE route = $1 AND minute >= $2 AND result LIKE '%s%%')`,
			len(shadow.PrefixSet)+1, shadow.PrefixSet), minuteOf(before)},
		{`UPDATE shadow_routes SET folded_at = $2 WHERE route = $1`, at},
	} {
		if _, err := tx.ExecContext(ctx, step.statement, route, step.before); err != nil {
			return fmt.Errorf("forget what is old: %w", err)
		}
	}
	if err := forgetEpochsBeyond(ctx, tx, []string{route}); err != nil {
		return err
	}
	if err := keepQuota(ctx, tx, []string{route}); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM shadow_routes WHERE route = $1
		AND NOT EXISTS (SELECT 1 FROM shadow_tallies t WHERE t.route = $1)
		AND NOT EXISTS (SELECT 1 FROM shadow_epochs e WHERE e.route = $1)`, route)
	if err != nil {
		return fmt.Errorf("forget the route: %w", err)
	}
	return nil
}
