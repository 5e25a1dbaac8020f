package api

import (
	"context"
	"sync"
	"time"

	"github.com/stranglerfig/strangler/internal/routing"
)

// What reading something about all routes may cost those who watch a status: it
// is read every two seconds at most, and takes a tenth of the time at most; what
// hangs on the table once more for each new one.
const (
	latestFor  = 2 * time.Second // for so long the last reading will do
	latestRest = 10              // and for so many times as long as it took
	latestWait = time.Second     // a status does not wait for a reading for longer
)

// latest is something about all routes, as it was read last. The zero value has
// read nothing.
type latest[T any] struct {
	mu      sync.Mutex       // owns the rest
	until   time.Time        // the last reading will do
	of      routing.Revision // of the table by which it was read; 0: it hangs on none
	known   T                // never changed
	reading chan struct{}    // closed when the reading under way has ended; nil: none is
}

// get returns what was read last, and reads it again when that is too old, or of
// another table than the one served. What could not be read is whatever read makes
// of it. A reading that takes long is not waited for: a status is more urgent than a
// number.
func (l *latest[T]) get(ctx context.Context, of routing.Revision, read func(context.Context) T) T {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of == of && time.Now().Before(l.until) {
		return l.known
	}
	if l.reading == nil {
		l.reading = make(chan struct{})
		go l.refresh(context.WithoutCancel(ctx), of, l.reading, read) // others wait for it as well
	}
	reading := l.reading
	l.mu.Unlock()
	select {
	case <-reading:
	case <-time.After(latestWait):
	case <-ctx.Done():
	}
	l.mu.Lock()
	return l.known
}

func (l *latest[T]) refresh(ctx context.Context, of routing.Revision, done chan struct{}, read func(context.Context) T) {
	defer close(done)
	ctx, cancel := context.WithTimeout(ctx, evidenceFor)
	defer cancel()
	began := time.Now()
	known := read(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known, l.of, l.reading = known, of, nil
	l.until = time.Now().Add(max(latestFor, latestRest*time.Since(began)))
}
