package sqlite

import "sync"

// listeners are those who wait for commits of this process.
type listeners struct {
	closed chan struct{}
	once   sync.Once

	mu  sync.Mutex // guards all
	all map[chan struct{}]struct{}
}

func newListeners() *listeners {
	return &listeners{closed: make(chan struct{}), all: make(map[chan struct{}]struct{})}
}

// join returns a channel that holds at most one wake: a burst is one.
func (l *listeners) join() (heard <-chan struct{}, leave func()) {
	own := make(chan struct{}, 1)
	l.mu.Lock()
	l.all[own] = struct{}{}
	l.mu.Unlock()
	return own, func() {
		l.mu.Lock()
		delete(l.all, own)
		l.mu.Unlock()
	}
}

// wake never waits: whoever has not heard the last wake needs no second one.
func (l *listeners) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for one := range l.all {
		select {
		case one <- struct{}{}:
		default:
		}
	}
}

func (l *listeners) close() {
	l.once.Do(func() { close(l.closed) })
}
