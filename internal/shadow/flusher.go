package shadow

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/stranglerfig/strangler/internal/flush"
)

// foldFor bounds one fold, which may have many exemplars to forget.
const foldFor = time.Minute

// Flusher writes what one router's collector has learned.
type Flusher struct {
	Collector *Collector
	Sink      Sink
	Logger    *slog.Logger

	failing bool // the last flush failed; owned by Run
}

// Run flushes until ctx ends, and then once more. It may be called once.
func (f *Flusher) Run(ctx context.Context) {
	flush.Loop{Write: f.flush, Fold: f.fold}.Run(ctx)
}

// flush writes what piled up. What certainly was not written goes back to the
// collector, which bounds it; what perhaps was is dropped, for counting it
// twice would be worse.
func (f *Flusher) flush(ctx context.Context) {
	batch := f.Collector.Drain()
	if batch.isEmpty() {
		return
	}
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
