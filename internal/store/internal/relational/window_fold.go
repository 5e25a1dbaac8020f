package relational

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/stranglerfig/strangler/internal/stats"
)

const (
	// settleAfter is how many minutes after its own a minute is merged: routers have
	// written all of it by then, or come late.
	settleAfter = 2
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
		do   func(ctx context.Context, tx *sql.Tx, at time.Time) (more bool, err error)
	}{
		{"merge windows to minutes", d.foldMinutes},
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

// foldOnce runs fn in a transaction while nobody else folds.
func (d *DB) foldOnce(ctx context.Context, fn func(ctx context.Context, tx *sql.Tx, at time.Time) (bool, error)) (more bool, err error) {
	err = d.adding(ctx, addition{"spans", stats.ErrUncertain}, func(ctx context.Context, tx *sql.Tx, at time.Time) (err error) {
		var alone bool
		if err := tx.QueryRowContext(ctx, `SELECT only_row FROM lane_folding`+d.dialect.Lock).Scan(&alone); err != nil {
			return fmt.Errorf("wait for others who do: %w", err)
		}
		more, err = fn(ctx, tx, at)
		return err
	})
	return more, err
}

// foldMinutes merges windows that are in no span yet, each with all others of its
// minute, be they in one or not: a key that both have counts once. A window that
// cannot be read is left out for good.
func (d *DB) foldMinutes(ctx context.Context, tx *sql.Tx, at time.Time) (more bool, err error) {
	minutes, err := spansToFold(ctx, tx, `SELECT DISTINCT minute, route, side FROM lane_windows
		WHERE NOT folded AND minute < $1 ORDER BY minute, route, side`, minuteOf(at)-settleAfter)
	if err != nil || len(minutes) == 0 {
		return false, err
	}
	ids, err := d.mergeInto(ctx, tx, minutes, `SELECT w.id, n.began, w.route, w.side, w.seen FROM lane_windows w
		JOIN named n ON w.route = n.route AND w.side = n.side AND w.minute = n.began`)
	if err != nil {
		return false, err
	}
	if err := minutes.put(ctx, tx, time.Minute); err != nil {
		return false, err
	}
	// By their ids: one that comes meanwhile is merged the next time.
	folded := keys{columns: []string{"id bigint"}, rows: ids}
	err = folded.exec(ctx, tx, `UPDATE lane_windows SET folded = TRUE WHERE id IN (SELECT id FROM named)`)
	return len(minutes) == spansAtOnce, err
}

// foldHours merges the oldest minutes, if all of their hour are old enough.
func (d *DB) foldHours(ctx context.Context, tx *sql.Tx, at time.Time) (more bool, err error) {
	until := minuteOf(at.Add(-stats.MinutesKept))
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

// forgetWindows forgets the oldest windows. It waits for those of the same minute
// that are to be merged with them, which come lateFor minutes late at most.
func forgetWindows(ctx context.Context, tx *sql.Tx, at time.Time) (more bool, err error) {
	done, err := tx.ExecContext(ctx, `DELETE FROM lane_windows WHERE id IN (SELECT id FROM lane_windows
		WHERE written_at < $1 AND minute < COALESCE((SELECT MIN(minute) FROM lane_windows WHERE NOT folded), $2)
		ORDER BY written_at LIMIT $3)`, at.Add(-stats.WindowsKept), minuteOf(at), windowsAtOnce)
	if err != nil {
		return false, err
	}
	forgotten, err := done.RowsAffected()
	return forgotten == windowsAtOnce, err
}

func forgetHours(ctx context.Context, tx *sql.Tx, at time.Time) (more bool, err error) {
	_, err = tx.ExecContext(ctx, `DELETE FROM lane_spans WHERE minutes = 60 AND began < $1`, minuteOf(at.Add(-stats.HoursKept)))
	return false, err
}
