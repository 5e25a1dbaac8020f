package fleet

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// How a broken notification connection is set up again.
const (
	reconnectBase = 250 * time.Millisecond
	reconnectCap  = 15 * time.Second
	// steadyAfter is how long a connection must have lived to count as one that
	// worked: each new one makes every router read everything.
	steadyAfter = reconnectCap
	// retryDeaf is how often an address is tried again over which nothing
	// arrives: that changes only when somebody sets the pooler up anew.
	retryDeaf = time.Minute
)

// ErrDeaf is wrapped by what Source.Listen returns when notifications do not
// arrive although nothing is broken.
var ErrDeaf = errors.New("notifications do not reach this connection")

var errListenEnded = errors.New("the connection ended without saying why")

// listen keeps a notification connection until ctx ends. Each time one that
// worked breaks, the store may have changed unnoticed, or become another one:
// what is known is in doubt until everything has been read once more.
func (w *Watcher) listen(ctx context.Context) {
	for failures := 0; ; failures++ {
		began := time.Now()
		err := w.cfg.Source.Listen(ctx, func() {
			w.listening()
			w.Wake()
		})
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = errListenEnded
		}
		if w.deaf(ctx, err) {
			w.doubt.Store(true)
			w.Wake() // the store may be away: status must not call it reachable until the next poll
		}
		if time.Since(began) >= steadyAfter {
			failures = 0
		}
		if !pause(ctx, untilNext(failures, err)) {
			return
		}
	}
}

// untilNext is how long to wait before listening again.
func untilNext(failures int, err error) time.Duration {
	if errors.Is(err, ErrDeaf) {
		return retryDeaf
	}
	return backoff(failures)
}

// backoff doubles from reconnectBase to reconnectCap, of which the upper half
// is random, so that a fleet does not come back in one instant.
func backoff(failures int) time.Duration {
	d := reconnectCap
	if failures < 10 {
		d = min(d, reconnectBase<<failures)
	}
	return d/2 + rand.N(d/2)
}
