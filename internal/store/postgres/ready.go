package postgres

import (
	"context"
	"log/slog"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"github.com/stranglerfig/strangler/internal/store/internal/schema"
)

// readiness makes sure once that the schema can be served. It is asked before
// every operation, because the database may be away when the store is opened.
type readiness struct {
	done   atomic.Bool
	turn   *semaphore.Weighted // one asks at a time; a mutex would not heed a context
	schema schema.Schema
	up     bool
	logger *slog.Logger
}

func (r *readiness) check(ctx context.Context) error {
	if r.done.Load() {
		return nil
	}
	if err := r.turn.Acquire(ctx, 1); err != nil {
		return err
	}
	defer r.turn.Release(1)
	if r.done.Load() {
		return nil
	}
	status, err := r.schema.Ensure(ctx, r.up)
	if err != nil {
		return err
	}
	if status.Version > status.Latest {
		r.logger.Warn("the schema is newer than this program: it is served, not migrated", "version", status.Version, "known", status.Latest)
	}
	r.done.Store(true)
	return nil
}
