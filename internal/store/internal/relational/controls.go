package relational

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/guard"
)

// The tables of controls, as they are read.
const (
	selectFaults = `SELECT id, route, side, latency_us, jitter_us, percent_bp, status, reset, header, value,
		started_at, ends_at, actor, reason FROM faults ORDER BY id`
	selectDrained = `SELECT backend, endpoint, actor, at FROM drained_endpoints ORDER BY backend, endpoint`
	selectResets  = `SELECT route, side, generation FROM breaker_resets ORDER BY route, side`

	selectAutopilots = `SELECT route, mode, actor, at FROM autopilots ORDER BY route`
	selectFreeze     = `SELECT actor, at, reason FROM freezes`
)

// selectControls reads the controls, with faults that have ended: what a
// revision holds must not depend on when it is read.
func (d *DB) selectControls(ctx context.Context, tx *sql.Tx) (fleet.Controls, error) {
	var (
		c   fleet.Controls
		err error
	)
	if c.Faults, err = d.selectFaults(ctx, tx); err != nil {
		return c, fmt.Errorf("read faults: %w", err)
	}
	err = each(ctx, tx, func(rows *sql.Rows) error {
		var (
			drain fleet.Drain
			at    instant
		)
		err := rows.Scan(&drain.Backend, &drain.Endpoint, &drain.Actor, &at)
		drain.At = at.Time
		c.Drained = append(c.Drained, drain)
		return err
	}, selectDrained)
	if err != nil {
		return c, fmt.Errorf("read drained endpoints: %w", err)
	}
	err = each(ctx, tx, func(rows *sql.Rows) error {
		var r fleet.Reset
		err := rows.Scan(&r.Route, &r.Side, &r.Generation)
		c.Resets = append(c.Resets, r)
		return err
	}, selectResets)
	if err != nil {
		return c, fmt.Errorf("read resets of breakers: %w", err)
	}
	return c, selectPromotion(ctx, tx, &c)
}

// selectPromotion reads who may let new serve more: the autopilot, and anybody.
func selectPromotion(ctx context.Context, tx *sql.Tx, c *fleet.Controls) error {
	err := each(ctx, tx, func(rows *sql.Rows) error {
		var (
			a  fleet.Autopilot
			at instant
		)
		err := rows.Scan(&a.Route, &a.Mode, &a.Actor, &at)
		a.At = at.Time
		c.Autopilots = append(c.Autopilots, a)
		return err
	}, selectAutopilots)
	if err != nil {
		return fmt.Errorf("read autopilots: %w", err)
	}
	err = each(ctx, tx, func(rows *sql.Rows) error {
		var (
			f  fleet.Freeze
			at instant
		)
		err := rows.Scan(&f.Actor, &at, &f.Reason)
		f.At = at.Time
		c.Freeze = &f
		return err
	}, selectFreeze)
	if err != nil {
		return fmt.Errorf("read the freeze: %w", err)
	}
	return nil
}

// selectFaults reads the faults and gives each its end by this machine's clock.
// That is read first: on the way a fault may lose time, and never gains any.
func (d *DB) selectFaults(ctx context.Context, tx *sql.Tx) ([]fleet.Fault, error) {
	here := time.Now()
	var faults []fleet.Fault
	err := each(ctx, tx, func(rows *sql.Rows) error {
		f, err := scanFault(rows)
		faults = append(faults, f)
		return err
	}, selectFaults)
	if err != nil || len(faults) == 0 {
		return nil, err
	}
	there, err := d.now(ctx, tx)
	if err != nil {
		return nil, err
	}
	for i := range faults {
		faults[i].Until = here.Add(min(faults[i].EndsAt.Sub(there), guard.MaxFault))
	}
	return faults, nil
}

func scanFault(rows *sql.Rows) (fleet.Fault, error) {
	var (
		f               fleet.Fault
		latency, jitter int64
		started, ends   instant
	)
	err := rows.Scan(&f.ID, &f.Route, &f.Side, &latency, &jitter, &f.Percent, &f.Status, &f.Reset, &f.Header, &f.Value,
		&started, &ends, &f.Actor, &f.Reason)
	f.Latency, f.Jitter = time.Duration(latency)*time.Microsecond, time.Duration(jitter)*time.Microsecond
	f.StartedAt, f.EndsAt = started.Time, ends.Time
	return f, err
}
