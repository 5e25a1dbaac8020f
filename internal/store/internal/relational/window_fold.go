package relational

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/stranglerfig/strangler/internal/stats"
)

const (
	// settleAfter is how many minutes after its own a minute is merged: routers have
	// written all of it by then, or come late.
	settleAfter = 2
	// lateAfter is from when on a window is late. What is written just before is
	// committed by the time that its minute is merged: patience is shorter than the
	// difference.
	lateAfter = settleAfter - 1
	// windowsAtOnce is how many windows one transaction forgets.
	windowsAtOnce = 2000
)

// FoldWindows implements stats.WindowReader. Whoever folds waits for the others who
// do, one short transaction at a time, and then takes what they have left: several
// share the work. Windows are forgotten last, so that none goes before its minute
// was merged.
func (d *DB) FoldWindows(ctx context.Context) error {
	for _, step := range []struct {
		what string
		do   func(ctx context.Context, tx *sql.Tx, p progress) (more bool, err error)
	}{
		{"merge windows to minutes", d.foldMinutes},
		{"merge windows that came late", d.foldLate},
		{"merge minutes to hours", d.foldHours},
		{"forget old windows", forgetWindows},
		{"forget old hours", forgetHours},
	} {
		for more := true; more; {
			var err error
			if more, err = d.foldOnce(ctx, step.do); err != nil {
				return fmt.Errorf("%s: %w", step.what, err)
			}
		}
	}
	return nil
}

// progress is how far windows have been merged.
type progress struct {
	at   time.Time // now, by the store's clock
	done spanPlace // with all before it
}

// foldOnce runs fn in a transaction while nobody else folds.
func (d *DB) foldOnce(ctx context.Context, fn func(ctx context.Context, tx *sql.Tx, p progress) (bool, error)) (more bool, err error) {
	err = d.adding(ctx, addition{"spans", stats.ErrUncertain}, func(ctx context.Context, tx *sql.Tx, at time.Time) (err error) {
		p := progress{at: at}
		err = tx.QueryRowContext(ctx, `SELECT minute, route, side FROM lane_folding`+d.dialect.Lock).Scan(&p.done.began, &p.done.route, &p.done.side)
		if err != nil {
			return fmt.Errorf("wait for others who do: %w", err)
		}
		more, err = fn(ctx, tx, p)
		return err
	})
	return more, err
}

// foldMinutes merges windows of the first minute that is not done.
func (d *DB) foldMinutes(ctx context.Context, tx *sql.Tx, p progress) (more bool, err error) {
	until := minuteOf(p.at) - settleAfter
	if p.done.began >= until {
		return false, nil
	}
	minutes, err := spansToFold(ctx, tx, `SELECT DISTINCT minute, route, side FROM lane_windows
		WHERE minute = $1 AND (route, side) > ($2, $3) ORDER BY route, side`, p.done.began, p.done.route, p.done.side)
	if err != nil {
		return false, err
	}
	if err := d.mergeMinutes(ctx, tx, minutes); err != nil {
		return false, err
	}
	var next spanPlace
	if len(minutes) == spansAtOnce {
		next = slices.MaxFunc(slices.Collect(maps.Keys(minutes)), spanPlace.compare)
	} else if next, err = nextMinute(ctx, tx, p.done.began, until); err != nil {
		return false, err
	}
	_, err = tx.ExecContext(ctx, `UPDATE lane_folding SET minute = $1, route = $2, side = $3`, next.began, next.route, next.side)
	return true, err
}

// nextMinute is before all that is to be merged after a minute.
func nextMinute(ctx context.Context, tx *sql.Tx, minute, until int64) (spanPlace, error) {
	var next spanPlace
	err := tx.QueryRowContext(ctx, `SELECT COALESCE(MIN(minute), $2) FROM lane_windows WHERE minute > $1 AND minute < $2`, minute, until).Scan(&next.began)
	if err != nil {
		return next, fmt.Errorf("look for the next minute: %w", err)
	}
	return next, nil
}

// foldLate merges anew what has got windows since it was merged.
func (d *DB) foldLate(ctx context.Context, tx *sql.Tx, p progress) (more bool, err error) {
	minutes, err := spansToFold(ctx, tx, `SELECT DISTINCT minute, route, side FROM lane_windows
		WHERE late AND minute < $1 ORDER BY minute, route, side`, p.done.began)
	if err != nil {
		return false, err
	}
	return len(minutes) == spansAtOnce, d.mergeMinutes(ctx, tx, minutes)
}

// mergeMinutes makes spans of all windows that are there: a key that several of
// them have counts once. A window that cannot be read is left out for good.
func (d *DB) mergeMinutes(ctx context.Context, tx *sql.Tx, minutes spans) error {
	late, err := d.mergeInto(ctx, tx, minutes, `SELECT CASE WHEN w.late THEN w.id ELSE 0 END, n.began, w.route, w.side, w.seen
		FROM lane_windows w JOIN named n ON w.minute = n.began AND w.route = n.route AND w.side = n.side`)
	if err != nil {
		return err
	}
	if err := minutes.put(ctx, tx, time.Minute); err != nil {
		return err
	}
	// By their ids: one that comes meanwhile is merged the next time.
	if err := late.exec(ctx, tx, `UPDATE lane_windows SET late = FALSE WHERE id IN (SELECT id FROM named)`); err != nil {
		return fmt.Errorf("note that late windows are merged: %w", err)
	}
	return nil
}

// foldHours merges the oldest minutes, if all of their hour are old enough.
func (d *DB) foldHours(ctx context.Context, tx *sql.Tx, p progress) (more bool, err error) {
	until := minuteOf(p.at.Add(-stats.MinutesKept))
	var oldest sql.NullInt64
	err = tx.QueryRowContext(ctx, `SELECT MIN(began) FROM lane_spans WHERE minutes = 1 AND began < $1`, until-until%hour).Scan(&oldest)
	if err != nil || !oldest.Valid {
		return false, err
	}
	begin := oldest.Int64 - oldest.Int64%hour
	hours, err := spansToFold(ctx, tx, `SELECT DISTINCT CAST($1 AS bigint), route, side FROM lane_spans
		WHERE minutes = 1 AND began >= $1 AND began < $2 ORDER BY route, side`, begin, begin+hour)
	if err != nil {
		return false, err
	}
	_, err = d.mergeInto(ctx, tx, hours, fmt.Sprintf(`SELECT 0, n.began, s.route, s.side, s.seen FROM lane_spans s
		JOIN named n ON s.route = n.route AND s.side = n.side
		WHERE s.minutes IN (1, 60) AND s.began >= %d AND s.began < %d`, begin, begin+hour))
	if err != nil {
		return false, err
	}
	if err := hours.put(ctx, tx, time.Hour); err != nil {
		return false, err
	}
	err = hours.named().exec(ctx, tx, fmt.Sprintf(`DELETE FROM lane_spans WHERE minutes = 1 AND began >= %d AND began < %d
		AND (route, side) IN (SELECT route, side FROM named)`, begin, begin+hour))
	return true, err
}

// forgetWindows forgets the oldest windows, but none of a minute that is to be
// merged, be it anew. What comes later is lateFor minutes late at most.
func forgetWindows(ctx context.Context, tx *sql.Tx, p progress) (more bool, err error) {
	done, err := tx.ExecContext(ctx, `DELETE FROM lane_windows WHERE id IN (SELECT id FROM lane_windows
		WHERE written_at < $1 AND minute < COALESCE((SELECT MIN(minute) FROM lane_windows WHERE late AND minute < $2), $2)
		ORDER BY written_at LIMIT $3)`, p.at.Add(-stats.WindowsKept), p.done.began, windowsAtOnce)
	if err != nil {
		return false, err
	}
	forgotten, err := done.RowsAffected()
	return forgotten == windowsAtOnce, err
}

func forgetHours(ctx context.Context, tx *sql.Tx, p progress) (more bool, err error) {
	_, err = tx.ExecContext(ctx, `DELETE FROM lane_spans WHERE minutes = 60 AND began < $1`, minuteOf(p.at.Add(-stats.HoursKept)))
	return false, err
}
