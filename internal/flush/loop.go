package flush

import (
	"context"
	"time"
)

// The times of a Loop.
const (
	writeEvery = 5 * time.Second
	foldEvery  = time.Hour
	writeFor   = 5 * time.Second // one write
	lastFor    = 2 * time.Second // the one at the end, which must not keep a router from stopping
)

// Loop has what piles up in memory written every few seconds, and what is old in
// the store folded every hour.
type Loop struct {
	Write func(ctx context.Context) // ctx bounds it
	Fold  func(ctx context.Context) // ctx ends with the loop; Fold bounds itself
}

// Run runs until ctx ends, and then writes once more.
func (l Loop) Run(ctx context.Context) {
	write, fold := time.NewTicker(writeEvery), time.NewTicker(foldEvery)
	defer write.Stop()
	defer fold.Stop()
	for {
		select {
		case <-write.C:
			l.write(ctx, writeFor)
		case <-fold.C:
			l.Fold(ctx)
		case <-ctx.Done():
			l.write(context.WithoutCancel(ctx), lastFor)
			return
		}
	}
}

func (l Loop) write(ctx context.Context, limit time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	l.Write(ctx)
}
