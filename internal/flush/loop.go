package flush

import (
	"context"
	"time"
)

// The times of a Loop.
const (
	writeEvery = 5 * time.Second
	foldEvery  = time.Hour
	writeFor   = 4 * time.Second // one write: it is over when the next one is due
	lastFor    = 2 * time.Second // the one at the end, which must not keep a router from stopping
	tooSoon    = time.Second / 2 // after a write that was late, or by a clock that was set
)

// Loop has what piles up in memory written every few seconds, and what is old in
// the store folded every hour.
type Loop struct {
	Write   func(ctx context.Context) // ctx bounds it
	Fold    func(ctx context.Context) // ctx ends with the loop; Fold bounds itself. nil: nothing is folded here
	Aligned bool                      // writes come at multiples of five seconds of the wall clock, on all routers alike
}

// Run runs until ctx ends, and then writes once more.
func (l Loop) Run(ctx context.Context) {
	write, fold := time.NewTimer(l.wait(time.Now())), time.NewTicker(foldEvery)
	defer write.Stop()
	defer fold.Stop()
	for {
		select {
		case <-write.C:
			l.write(ctx, writeFor)
			write.Reset(l.wait(time.Now()))
		case <-fold.C:
			if l.Fold != nil {
				l.Fold(ctx)
			}
		case <-ctx.Done():
			l.write(context.WithoutCancel(ctx), lastFor)
			return
		}
	}
}

// wait is how long it is until the next write.
func (l Loop) wait(now time.Time) time.Duration {
	if !l.Aligned {
		return writeEvery
	}
	next := now.Truncate(writeEvery).Add(writeEvery)
	if wait := next.Sub(now); wait > tooSoon {
		return wait
	}
	return next.Add(writeEvery).Sub(now)
}

func (l Loop) write(ctx context.Context, limit time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	l.Write(ctx)
}
