package relational

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/stats"
)

const (
	selectWindows = `SELECT w.id, w.instance, w.route, w.side, w.step, w.build, w.request_ids, w.seen FROM lane_windows w `
	onlyExposed   = ` AND w.route IN (SELECT name FROM routes WHERE stage IN ('canary', 'new'))`
)

// Windows implements stats.WindowReader.
func (d *DB) Windows(ctx context.Context, query stats.WindowQuery) (windows []stats.LaneWindow, read time.Time, err error) {
	err = d.read(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		if read, err = d.now(ctx, tx); err != nil {
			return err
		}
		windows, err = d.readWindows(ctx, tx, query)
		return err
	})
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("read windows: %w", err)
	}
	slices.SortFunc(windows, func(a, b stats.LaneWindow) int {
		return cmp.Or(strings.Compare(a.Route, b.Route), a.To.Compare(b.To), cmp.Compare(a.ID, b.ID))
	})
	return windows, read, nil
}

// Recorders returns the names of the instances that have written windows within so
// long, sorted.
func (d *DB) Recorders(ctx context.Context, within time.Duration) ([]string, error) {
	var names []string
	err := d.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		now, err := d.now(ctx, tx)
		if err != nil {
			return err
		}
		return each(ctx, tx, func(rows *sql.Rows) error {
			var name string
			err := rows.Scan(&name)
			names = append(names, name)
			return err
		}, `SELECT DISTINCT instance FROM lane_windows WHERE written_at >= $1 ORDER BY instance`, kept(now.Add(-within)))
	})
	if err != nil {
		return nil, fmt.Errorf("read who writes windows: %w", err)
	}
	return names, nil
}

func (d *DB) readWindows(ctx context.Context, tx *sql.Tx, query stats.WindowQuery) (windows []stats.LaneWindow, err error) {
	scan := func(rows *sql.Rows) error {
		w, met, err := scanWindow(rows, query.Met)
		switch {
		case errors.Is(err, stats.ErrMalformed):
			d.passOver(w.Route, err)
		case err != nil:
			return err
		case !met:
			windows = append(windows, w)
		}
		return nil
	}
	exposed := ""
	if query.Exposed {
		exposed = onlyExposed
	}
	written, ended := kept(query.Written), kept(query.From)
	if len(query.Routes) == 0 {
		err = each(ctx, tx, scan, selectWindows+`WHERE w.written_at >= $1 AND w.ended_at > $2`+exposed, written, ended)
		return windows, err
	}
	named := keys{columns: []string{"route", "written timestamptz", "ended timestamptz"}}
	for _, route := range findable(query.Routes) {
		named.rows = append(named.rows, []any{route, written, ended})
	}
	err = named.each(ctx, tx, scan, selectWindows+`JOIN named n ON n.route = w.route
		WHERE w.written_at >= n.written AND w.ended_at > n.ended`+exposed)
	return windows, err
}

// scanWindow reads a window, but no further than its id where it has been met.
// After an error that matches stats.ErrMalformed the reading may go on.
func scanWindow(rows *sql.Rows, met func(id int64) bool) (w stats.LaneWindow, was bool, err error) {
	var build, requests, seen sql.RawBytes
	if err := rows.Scan(&w.ID, &w.Instance, &w.Route, &w.Side, &w.Step, &build, &requests, &seen); err != nil {
		return w, false, err
	}
	if met != nil && met(w.ID) {
		return w, true, nil
	}
	if err := w.UnmarshalBinary(seen); err != nil {
		return w, false, err
	}
	var (
		text anyBytes
		ids  []anyBytes
	)
	if err := errors.Join(json.Unmarshal(build, &text), json.Unmarshal(requests, &ids)); err != nil {
		return w, false, fmt.Errorf("window %d of route %q cannot be read: %w", w.ID, w.Route, err)
	}
	w.Build = string(text)
	for _, id := range ids {
		w.Requests = append(w.Requests, string(id))
	}
	return w, false, nil
}

// passOver says that a row is left out: one that cannot be read must not hide
// all others.
func (d *DB) passOver(route string, err error) {
	d.logger.Warn("some statistics cannot be read, and are left out", "route", route, "error", err)
}

// findable are the names that a database may be asked for, sorted, each once.
func findable(names []string) []string {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	return slices.DeleteFunc(names, func(name string) bool { return !keepable(name) })
}
