package fleet

import (
	"context"
	"fmt"
)

// acceptance is a wish to follow the store, whatever it holds.
type acceptance struct {
	ctx  context.Context //nolint:containedctx // of the one who wishes, not of the loop that fulfils it
	done chan error
}

// Accept makes the router follow what its store holds now, although it cannot be
// a successor of what is served: somebody has looked, and means it. Without an
// alarm it only looks at the store. It returns what is served then; after an
// error that is what was served before.
func (w *Watcher) Accept(ctx context.Context) (*Snapshot, error) {
	wish := acceptance{ctx: ctx, done: make(chan error, 1)}
	select {
	case w.accepts <- wish:
	case <-ctx.Done():
		return w.Current(), fmt.Errorf("the store was not accepted: %w", ctx.Err())
	}
	err := <-wish.done
	return w.Current(), err
}

// adopt runs in the goroutine of follow.
func (w *Watcher) adopt(ctx context.Context) error {
	next, err := w.load(ctx, nil, loadTimeout)
	if err != nil {
		w.lost(ctx, err)
		return err
	}
	current := w.current.Load()
	alarm := lineage(current, next)
	if alarm == nil {
		w.consider(next)
		return nil
	}
	w.cfg.Logger.Warn("the store is accepted as it is", "revision", next.Revision, "store", next.StoreID,
		"served", current.Revision, "alarm", alarm)
	w.found(next)
	w.calm()
	w.acks.forget()
	w.serve(next)
	w.keeper.keep(next)
	return nil
}
