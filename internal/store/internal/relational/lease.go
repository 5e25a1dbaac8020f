package relational

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/rollout/autopilot"
)

// Lease implements autopilot.Leases. Whoever writes by the present number is
// waited for.
func (d *DB) Lease(ctx context.Context, holder string, term time.Duration) (autopilot.Lease, error) {
	if err := checkText(field{"instance", holder}); err != nil {
		return autopilot.Lease{}, err
	}
	var lease autopilot.Lease
	err := d.leasing(ctx, func(ctx context.Context, tx *sql.Tx) error {
		found, err := d.readLease(ctx, tx, d.dialect.Lock)
		if err != nil {
			return err
		}
		lease = found
		expired := !found.Expires.After(found.Read)
		if found.Holder != holder && !expired {
			return nil
		}
		if expired {
			lease.Number++
		}
		lease.Holder, lease.Expires = holder, found.Read.Add(term)
		return writeLease(ctx, tx, lease)
	})
	if err != nil {
		return autopilot.Lease{}, fmt.Errorf("take the autopilot's lease: %w", err)
	}
	return lease, nil
}

// CurrentLease implements autopilot.Leases.
func (d *DB) CurrentLease(ctx context.Context) (autopilot.Lease, error) {
	var lease autopilot.Lease
	err := d.read(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		lease, err = d.readLease(ctx, tx, "")
		return err
	})
	if err != nil || lease.Number == 0 {
		return autopilot.Lease{}, err
	}
	return lease, nil
}

// Release implements autopilot.Leases.
func (d *DB) Release(ctx context.Context, fence rollout.Fence) error {
	err := d.leasing(ctx, func(ctx context.Context, tx *sql.Tx) error {
		found, err := d.readLease(ctx, tx, d.dialect.Lock)
		if err != nil || found.Fence != fence {
			return err
		}
		found.Expires = found.Read
		return writeLease(ctx, tx, found)
	})
	if err != nil {
		return fmt.Errorf("give the autopilot's lease back: %w", err)
	}
	return nil
}

func (d *DB) leasing(ctx context.Context, fn func(context.Context, *sql.Tx) error) error {
	return d.adding(ctx, addition{what: "the lease", uncertain: rollout.ErrUncertain}, func(ctx context.Context, tx *sql.Tx, _ time.Time) error {
		return fn(ctx, tx)
	})
}

// readLease reads the lease, and then the clock: one may have waited for the lock.
func (d *DB) readLease(ctx context.Context, tx *sql.Tx, lock string) (autopilot.Lease, error) {
	var (
		lease   autopilot.Lease
		expires instant
	)
	err := tx.QueryRowContext(ctx, `SELECT holder, number, expires_at FROM autopilot_lease`+lock).Scan(&lease.Holder, &lease.Number, &expires)
	if err != nil {
		return autopilot.Lease{}, fmt.Errorf("read the lease: %w", err)
	}
	lease.Expires = expires.Time
	lease.Read, err = d.now(ctx, tx)
	return lease, err
}

func writeLease(ctx context.Context, tx *sql.Tx, lease autopilot.Lease) error {
	_, err := tx.ExecContext(ctx, `UPDATE autopilot_lease SET holder = $1, number = $2, expires_at = $3`,
		lease.Holder, lease.Number, kept(lease.Expires))
	if err != nil {
		return fmt.Errorf("write the lease: %w", err)
	}
	return nil
}

// leasePatience is how long a change waits for the lease's row: it may have the lock
// that all others need meanwhile, and whoever has the lease for longer has stalled.
const leasePatience = 2 * time.Second

// lockLease reads the lease for a transaction in which more is written than the lease.
func (d *DB) lockLease(ctx context.Context, tx *sql.Tx, lock string) (autopilot.Lease, error) {
	ctx, cancel := context.WithTimeout(ctx, leasePatience)
	defer cancel()
	return d.readLease(ctx, tx, lock)
}

// checkFence refuses a fence that is not the present lease's. Nobody takes the
// lease over before this transaction has ended: so what it writes comes before
// whatever a later holder reads.
func (d *DB) checkFence(ctx context.Context, tx *sql.Tx, fence rollout.Fence) error {
	lease, err := d.lockLease(ctx, tx, d.dialect.Share)
	switch {
	case err != nil:
		return err
	case lease.Fence != fence:
		return fmt.Errorf("%w: %q has lease %d, and this is lease %d of %q; nothing was changed",
			rollout.ErrFenced, lease.Holder, lease.Number, fence.Number, fence.Holder)
	case !lease.Expires.After(lease.Read):
		return fmt.Errorf("%w: lease %d of %q expired at %s by the store's clock; nothing was changed",
			rollout.ErrFenced, fence.Number, fence.Holder, lease.Expires.Format(time.RFC3339))
	default:
		return nil
	}
}

// fenced runs fn in a writing transaction that makes no revision, while the fence
// is the present lease's. at is the time by the store's clock.
func (d *DB) fenced(ctx context.Context, fence rollout.Fence, what string, fn func(ctx context.Context, tx *sql.Tx, at time.Time) error) error {
	return d.adding(ctx, addition{what: what, uncertain: rollout.ErrUncertain}, func(ctx context.Context, tx *sql.Tx, at time.Time) error {
		if err := d.checkFence(ctx, tx, fence); err != nil {
			return err
		}
		return fn(ctx, tx, at)
	})
}
