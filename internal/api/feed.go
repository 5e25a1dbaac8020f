package api

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
)

// What bounds streams.
const (
	feedEvery    = 500 * time.Millisecond // between two updates, at least
	mostStreams  = 256                    // on one router
	mostUnread   = 16                     // updates that wait for a listener: 8 s and more
	unknownEvent = int64(-1)              // the history could not be read yet
)

// errCrowded says that there are as many streams as may be.
var errCrowded = errors.New("as many streams are open as a router takes")

// update is what every listener is told at one time. All share it, and nobody
// changes it.
type update struct {
	frames  []frame // what stands now
	history []frame // the events of the history after since, up to newest
	since   int64   // id of the newest event that was told before, or unknownEvent
	newest  int64   // id of the newest event that is told with it, or unknownEvent
	anew    bool    // the ids of events have begun anew
}

// listener is one open stream. Its updates are closed when it was too slow, or
// nothing can be gathered any more.
type listener struct {
	updates chan update
	failed  bool // set before updates are closed: it was the gathering
	greeted bool // guarded by feed.mu
}

// feed gathers what changes, once for all who listen, and only while somebody does.
type feed struct {
	mu        sync.Mutex // owns the rest
	listeners map[*listener]struct{}
	picture   *update // all that stands now, for who comes; nil: not known yet
	stop      context.CancelFunc
}

// empty reports whether nothing needs to be told.
func (u *update) empty() bool {
	return len(u.frames) == 0 && u.since == u.newest && !u.anew
}

// join opens a stream. The first one begins the gathering.
func (f *feed) join(s *server) (*listener, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.listeners) >= mostStreams {
		return nil, errCrowded
	}
	joined := &listener{updates: make(chan update, mostUnread)}
	if len(f.listeners) == 0 {
		f.listeners = make(map[*listener]struct{})
		ctx, stop := context.WithCancel(context.Background())
		f.stop = stop
		go f.run(ctx, s.newGatherer())
	}
	f.listeners[joined] = struct{}{}
	if f.picture != nil {
		f.tell(joined, update{})
	}
	return joined, nil
}

// leave closes a stream. With the last one the gathering ends.
func (f *feed) leave(l *listener) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drop(l)
}

// drop forgets a listener, if it is known. mu is held.
func (f *feed) drop(l *listener) {
	if _, known := f.listeners[l]; !known {
		return
	}
	delete(f.listeners, l)
	if len(f.listeners) == 0 {
		f.stop()
		f.picture = nil
	}
}

// run gathers until ctx ends: at once when the table changes, unless something was
// told just before, and else every now and then.
func (f *feed) run(ctx context.Context, news *gatherer) {
	defer f.survive(ctx, news.server.Logger)
	for ctx.Err() == nil {
		next := news.server.Served()
		changed, picture := news.gather(ctx)
		f.publish(ctx, changed, picture)
		if !changed.empty() {
			wait(ctx, feedEvery, nil)
		}
		wait(ctx, feedEvery, next)
	}
}

// wait waits for so long, or until next is closed or ctx ends.
func wait(ctx context.Context, long time.Duration, next <-chan struct{}) {
	timer := time.NewTimer(long)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-next:
	case <-ctx.Done():
	}
}

// survive ends the streams instead of the router when gathering panics.
func (f *feed) survive(ctx context.Context, logger *slog.Logger) {
	cause := recover()
	if cause == nil {
		return
	}
	logger.Error("gathering what streams show panicked", "cause", cause, "stack", string(debug.Stack()))
	f.mu.Lock()
	defer f.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	for l := range f.listeners {
		l.failed = true
		close(l.updates)
		f.drop(l)
	}
}

// publish tells everybody, unless ctx has ended: then who listens now has a
// gatherer of their own.
func (f *feed) publish(ctx context.Context, changed, picture update) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	f.picture = &picture
	for l := range f.listeners {
		f.tell(l, changed)
	}
}

// tell hands an update to a listener, and to a new one the whole picture instead.
// Nobody waits for one that is slow. mu is held.
func (f *feed) tell(l *listener, changed update) {
	if !l.greeted {
		l.greeted = true
		changed = *f.picture
	} else if changed.empty() {
		return
	}
	select {
	case l.updates <- changed:
	default:
		close(l.updates)
		f.drop(l)
	}
}
