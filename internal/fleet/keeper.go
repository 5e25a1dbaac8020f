package fleet

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"time"
)

// How often the snapshot file is written at most.
const (
	writeSpacing = time.Second
	writeRetry   = 10 * time.Second // after a failure
)

// keeper keeps the newest snapshot of the store on disk, so that a router can
// start while the store is away.
type keeper struct {
	path   string // empty: nothing is kept
	logger *slog.Logger
	newest atomic.Pointer[Snapshot]
	news   chan struct{} // one slot

	written *Snapshot // on disk; owned by run, and by flush after it
	failing bool      // the last write failed; owned likewise
}

func newKeeper(folder string, logger *slog.Logger) *keeper {
	k := &keeper{logger: logger, news: make(chan struct{}, 1)}
	if folder != "" {
		k.path = filepath.Join(folder, SnapshotFile)
	}
	return k
}

// recall returns what an earlier run kept; nil without anything usable.
func (k *keeper) recall() *Snapshot {
	if k.path == "" {
		return nil
	}
	s, err := ReadSnapshot(k.path)
	switch {
	case err == nil:
		return s
	case !missing(err):
		k.logger.Warn("the snapshot file is ignored", "file", k.path, "error", err)
	}
	return nil
}

// keep has s written soon, unless a newer one comes first. It never blocks.
func (k *keeper) keep(s *Snapshot) {
	if k.path != "" {
		k.newest.Store(s)
		poke(k.news)
	}
}

func (k *keeper) run(ctx context.Context) {
	for {
		select {
		case <-k.news:
		case <-ctx.Done():
			return
		}
		spacing := writeSpacing
		if k.flush() != nil {
			spacing = writeRetry
			poke(k.news)
		}
		if !pause(ctx, spacing) {
			return
		}
	}
}

// flush writes the newest snapshot, if it is not on disk already.
func (k *keeper) flush() error {
	s := k.newest.Load()
	if s == k.written {
		return nil
	}
	if err := WriteSnapshot(k.path, s); err != nil {
		err = fmt.Errorf("keep revision %d in %s: %w", s.Revision, k.path, err)
		if !k.failing {
			k.logger.Warn("the snapshot file could not be written: started without the store, a router would serve an older table", "error", err)
		}
		k.failing = true
		return err
	}
	k.written, k.failing = s, false
	return nil
}
