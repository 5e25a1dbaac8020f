package relational

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/stranglerfig/strangler/internal/stats"
)

// lateFor is how long after its minute a window is taken, in minutes. Windows are
// kept longer than that, so that all of a minute are there when the last is merged.
const lateFor = 10

var windowColumns = []string{
	"instance", "route", "side", "step", "minute", "ended_at", "written_at", "build", "request_ids", "late", "seen",
}

// AddWindows implements stats.WindowSink. It takes no part in the order of
// changes: a verb does not wait for it but on SQLite, for one short transaction.
// A transaction ends within patience, or not at all: whoever reads what was
// written since then, and some seconds before, misses nothing.
func (d *DB) AddWindows(ctx context.Context, instance string, windows []stats.LaneWindow) error {
	if len(windows) == 0 {
		return nil
	}
	if err := checkText(field{"instance", instance}); err != nil {
		return err
	}
	written := make([]windowRow, len(windows))
	for i := range windows {
		var err error
		if written[i], err = describeWindow(&windows[i]); err != nil {
			return err
		}
	}
	return d.adding(ctx, addition{"windows", stats.ErrUncertain}, func(ctx context.Context, tx *sql.Tx, at time.Time) error {
		rows := make([][]any, 0, len(written))
		for _, w := range written {
			minute := min(w.minute, minuteOf(at))
			if age := minuteOf(at) - minute; age <= lateFor {
				rows = append(rows, []any{instance, w.route, w.side, w.step, minute, w.ended, at, w.build, w.requests, age > lateAfter, w.seen})
			}
		}
		if late := len(written) - len(rows); late > 0 {
			d.logger.Warn("statistics came too late and were not kept: if that goes on, compare this machine's clock with the database's",
				"instance", instance, "windows", late, "after", lateFor*time.Minute)
		}
		return insert(ctx, tx, "lane_windows", windowColumns, rows, "")
	})
}

// windowRow is a window as it is written.
type windowRow struct {
	route, side     string
	step, minute    int64
	ended           time.Time
	build, requests string // JSON
	seen            []byte
}

func describeWindow(w *stats.LaneWindow) (windowRow, error) {
	if err := checkText(field{"route", w.Route}, field{"side", w.Side}); err != nil {
		return windowRow{}, err
	}
	ids := make([]anyBytes, 0, stats.MaxRequestIDs)
	for _, id := range w.Requests[:min(len(w.Requests), stats.MaxRequestIDs)] {
		ids = append(ids, anyBytes(id))
	}
	build, err := json.Marshal(anyBytes(w.Build[:min(len(w.Build), stats.MaxBuild)]))
	if err != nil {
		return windowRow{}, fmt.Errorf("describe the build of a window of route %q: %w", w.Route, err)
	}
	requests, err := json.Marshal(ids)
	if err != nil {
		return windowRow{}, fmt.Errorf("describe the requests of a window of route %q: %w", w.Route, err)
	}
	seen, err := w.MarshalBinary()
	if err != nil {
		return windowRow{}, fmt.Errorf("describe a window of route %q: %w", w.Route, err)
	}
	return windowRow{
		route: w.Route, side: w.Side, step: int64(w.Step),
		// What ends with a minute belongs to that one.
		minute: minuteOf(w.To.Add(-time.Millisecond)), ended: kept(w.To),
		build: string(build), requests: string(requests), seen: seen,
	}, nil
}

// Thresholds implements stats.WindowSink. The autopilot keeps them with what it
// has come to.
func (d *DB) Thresholds(ctx context.Context) (map[string]time.Duration, error) {
	slow := make(map[string]time.Duration)
	err := d.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var (
				route string
				over  int64
			)
			err := rows.Scan(&route, &over)
			slow[route] = time.Duration(over)
			return err
		}, `SELECT route, slow_over_ns FROM dossiers WHERE slow_over_ns > 0`)
	})
	if err != nil {
		return nil, fmt.Errorf("read what is slow: %w", err)
	}
	return slow, nil
}
