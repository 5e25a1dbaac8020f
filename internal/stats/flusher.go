package stats

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/stranglerfig/strangler/internal/flush"
)

// foldFor bounds one fold.
const foldFor = 5 * time.Second

// Sink is the store as a Flusher needs it.
type Sink interface {
	// AddCounts adds to what the instance served in this minute, by the store's
	// clock. After an error nothing was added, unless it matches ErrUncertain.
	AddCounts(ctx context.Context, instance string, counts []Count) error
	// FoldCounts adds old minutes up to hours, and forgets what is too old.
	FoldCounts(ctx context.Context) error
}

// ErrUncertain says that counts may have been added, or not.
var ErrUncertain = errors.New("whether the counts were added is not known")

// Flusher writes one instance's counts.
type Flusher struct {
	Counts   *Counts
	Sink     Sink
	Instance string
	Logger   *slog.Logger

	pending map[key]Count // not written yet; owned by Run
	failing bool          // the last flush failed; owned likewise
}

// Run flushes until ctx ends, and then once more. It may be called once.
func (f *Flusher) Run(ctx context.Context) {
	f.pending = make(map[key]Count)
	flush.Loop{Write: f.flush, Fold: f.fold}.Run(ctx)
}

// flush writes what piled up. What certainly was not written is kept; what
// perhaps was is dropped, for counting it twice would be worse.
func (f *Flusher) flush(ctx context.Context) {
	for _, c := range f.Counts.Drain() {
		sum := f.pending[key{c.Route, c.Side}]
		c.Requests, c.Unsafe = c.Requests+sum.Requests, c.Unsafe+sum.Unsafe
		f.pending[key{c.Route, c.Side}] = c
	}
	if len(f.pending) == 0 {
		return
	}
	counts := make([]Count, 0, len(f.pending))
	for _, c := range f.pending {
		counts = append(counts, c)
	}
	err := f.Sink.AddCounts(ctx, f.Instance, counts)
	if err == nil || errors.Is(err, ErrUncertain) {
		clear(f.pending)
	}
	if err != nil && !f.failing {
		f.Logger.Warn("what this router served could not be written: it is tried again", "instance", f.Instance, "error", err)
	}
	f.failing = err != nil
}

func (f *Flusher) fold(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, foldFor)
	defer cancel()
	if err := f.Sink.FoldCounts(ctx); err != nil && ctx.Err() == nil {
		f.Logger.Info("old counts were not folded: another instance may, and it is tried again in an hour", "error", err)
	}
}
