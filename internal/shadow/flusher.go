package shadow

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// The times of a Flusher.
const (
	flushEvery = 5 * time.Second
	foldEvery  = time.Hour
	flushFor   = 5 * time.Second // one flush
	foldFor    = time.Minute     // one fold, which may have many exemplars to forget
	lastFor    = 2 * time.Second // the flush at the end, which must not keep a router from stopping
)

// Flusher writes what one router's collector has learned.
type Flusher struct {
	Collector *Collector
	Sink      Sink
	Logger    *slog.Logger

	failing bool // the last flush failed; owned by Run
}

// Run flushes until ctx ends, and then once more. It may be called once.
func (f *Flusher) Run(ctx context.Context) {
	flush, fold := time.NewTicker(flushEvery), time.NewTicker(foldEvery)
	defer flush.Stop()
	defer fold.Stop()
	for {
		select {
		case <-flush.C:
			f.flush(ctx, flushFor)
		case <-fold.C:
			f.fold(ctx)
		case <-ctx.Done():
			f.flush(context.WithoutCancel(ctx), lastFor)
			return
		}
	}
}

// flush writes what piled up. What certainly was not written goes back to the
// collector, which bounds it; what perhaps was is dropped, for counting it
// twice would be worse.
func (f *Flusher) flush(ctx context.Context, limit time.Duration) {
	batch := f.Collector.Drain()
	if batch.isEmpty() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := f.Sink.AddEvidence(ctx, batch)
	if err != nil && !errors.Is(err, ErrUncertain) {
		f.Collector.Return(batch)
	}
	if err != nil && !f.failing {
		f.Logger.Warn("what shadowing found could not be written: it is tried again, and meanwhile diff shows older numbers", "error", err)
	}
	f.failing = err != nil
}

func (f *Flusher) fold(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, foldFor)
	defer cancel()
	if err := f.Sink.FoldEvidence(ctx); err != nil && ctx.Err() == nil {
		f.Logger.Info("old evidence was not folded: another instance may, and it is tried again in an hour", "error", err)
	}
}
