package fleet

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stranglerfig/strangler/internal/routing"
)

// The times of a Watcher that nobody needs to set.
const (
	defaultPoll      = 2 * time.Second
	defaultHeartbeat = 5 * time.Second
	firstLoadTimeout = 5 * time.Second  // then the snapshot file is served
	loadTimeout      = 10 * time.Second // a dead connection must not stop the poll
	reminderEvery    = time.Minute      // how often a lasting trouble is logged
)

// Config is what a Watcher works with. Source, Apply, Instance and Logger are
// required.
type Config struct {
	Source Source
	// Apply hands a snapshot to the data plane and returns at once; applied is
	// closed when no exchange can start an attempt by an older table any more.
	// One goroutine calls it, with ever newer snapshots of one store until Accept
	// says otherwise.
	Apply func(*Snapshot) (applied <-chan struct{})

	StateDir string // where the snapshot file lives; empty: none is kept
	Instance string // this router's name in the fleet
	Version  string // of the program
	Logger   *slog.Logger

	// OverrideKeys returns the ids of the keys that overrides are signed and
	// verified with here; nil: there are none.
	OverrideKeys func() []string
	// RedactionKeys returns the ids of the keys that hide values here; nil: there
	// are none.
	RedactionKeys func() []string
	// Trouble returns what is not at rest here; nil: nobody knows. It is asked for
	// every heartbeat.
	Trouble func() Trouble

	PollEvery      time.Duration // how often the store is asked without being told to; 0: 2 s
	HeartbeatEvery time.Duration // how often this instance says that it lives; 0: 5 s
}

// Watcher keeps one router on the newest revision of its store. A notification
// only wakes it; a poll guarantees that nothing is missed.
type Watcher struct {
	cfg     Config
	started time.Time
	current atomic.Pointer[Snapshot] // written by the goroutine of follow alone
	ready   chan struct{}            // closed when current is first set
	wake    chan struct{}            // one slot: many wakes are one load
	accepts chan acceptance
	doubt   atomic.Bool // the next load must not build on what is known
	acks    *acks
	keeper  *keeper

	mu        sync.Mutex
	status    Status        // guarded by mu
	changed   chan struct{} // closed when another snapshot is served; guarded by mu
	said      time.Time     // when a lasting trouble was last logged; guarded by mu
	mentioned bool          // missing notifications were logged once; guarded by mu
}

// NewWatcher returns a Watcher that does nothing until Run.
func NewWatcher(cfg Config) *Watcher {
	if cfg.PollEvery == 0 {
		cfg.PollEvery = defaultPoll
	}
	if cfg.HeartbeatEvery == 0 {
		cfg.HeartbeatEvery = defaultHeartbeat
	}
	now := time.Now()
	return &Watcher{
		cfg:     cfg,
		started: now,
		ready:   make(chan struct{}),
		wake:    make(chan struct{}, 1),
		accepts: make(chan acceptance),
		acks:    newAcks(),
		keeper:  newKeeper(cfg.StateDir, cfg.Logger),
		status:  Status{Since: now},
		changed: make(chan struct{}),
	}
}

// Run watches until ctx ends, then writes the snapshot file, if it is behind,
// and signs the instance off. It returns what kept the file from being written,
// and may be called once.
func (w *Watcher) Run(ctx context.Context) error {
	var loops sync.WaitGroup
	loops.Go(func() { w.listen(ctx) })
	loops.Go(func() { w.beat(ctx) })
	loops.Go(func() { w.keeper.run(ctx) })
	w.follow(ctx)
	loops.Wait()
	w.acks.wait()
	w.signOff(ctx)
	return w.keeper.flush()
}

// Current returns the snapshot that is served; nil before the first.
func (w *Watcher) Current() *Snapshot { return w.current.Load() }

// Changed returns a channel that is closed when another snapshot is served than at
// the time of asking.
func (w *Watcher) Changed() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.changed
}

// tellChanged closes what Changed has returned.
func (w *Watcher) tellChanged() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.changed)
	w.changed = make(chan struct{})
}

// Ready is closed when the first snapshot has been applied: before that there
// is neither a store nor a snapshot file to serve from.
func (w *Watcher) Ready() <-chan struct{} { return w.ready }

// Wake makes the watcher look at the store now. It never blocks.
func (w *Watcher) Wake() { poke(w.wake) }

// follow loads, applies and waits, until ctx ends.
func (w *Watcher) follow(ctx context.Context) {
	w.begin(ctx)
	for w.rest(ctx) {
		w.refresh(ctx)
	}
}

// rest waits for a wake or the next poll, and reports whether to go on. The
// poll comes up to a tenth early, so that a fleet does not ask in step.
func (w *Watcher) rest(ctx context.Context) bool {
	early := time.Duration(rand.Int64N(int64(w.cfg.PollEvery)/10 + 1))
	select {
	case <-w.wake:
	case a := <-w.accepts:
		a.done <- w.adopt(a.ctx)
	case <-time.After(w.cfg.PollEvery - early):
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// begin finds something to serve: the store's newest snapshot, or the file's
// when the store does not answer or has gone back behind it.
func (w *Watcher) begin(ctx context.Context) {
	kept := w.keeper.recall()
	next, err := w.load(ctx, nil, firstLoadTimeout)
	if err != nil {
		if kept != nil && ctx.Err() == nil {
			w.serveKept(kept)
		}
		w.lost(ctx, err)
		return
	}
	switch {
	case kept == nil:
	case kept.StoreID != next.StoreID:
		w.cfg.Logger.Warn("the snapshot file belongs to another store and is ignored",
			"file", w.keeper.path, "store", next.StoreID, "file_store", kept.StoreID)
	case lineage(kept, next) != nil:
		w.serveKept(kept)
	}
	w.consider(next)
}

// refresh brings what is served up to date. After a failure, or while the
// store is in doubt, everything is read: a store that was replaced or restored
// meanwhile must not be mistaken for one that did not change.
func (w *Watcher) refresh(ctx context.Context) {
	known := w.current.Load()
	if w.doubt.Swap(false) {
		known = nil
	}
	next, err := w.load(ctx, known, loadTimeout)
	if err != nil {
		w.lost(ctx, err)
		return
	}
	w.consider(next)
}

// load reads the store, and takes what does not fit together for an error.
func (w *Watcher) load(ctx context.Context, known *Snapshot, timeout time.Duration) (*Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	next, err := w.cfg.Source.Load(ctx, known)
	if err != nil {
		return nil, err
	}
	return next, next.check()
}

// consider serves a snapshot of the store if it is a successor of the one that
// is served, and raises the alarm if it cannot be one.
func (w *Watcher) consider(next *Snapshot) {
	current := w.current.Load()
	w.found(next)
	if alarm := lineage(current, next); alarm != nil {
		w.doubt.Store(true)
		w.acks.suspend()
		w.raise(alarm)
		return
	}
	alarmed := w.calm()
	if current != nil && current.Identity() == next.Identity() && current.sameSteps(next) {
		w.current.Store(next) // its Head may differ, and is what the next load builds on
		w.acks.resume(0)
		return
	}
	floor := routing.Revision(0)
	if alarmed {
		floor = next.Revision // older numbers were given to other content
	}
	w.acks.resume(floor)
	w.serve(next)
	w.keeper.keep(next)
}

// serve hands a snapshot to the data plane and sees to its acknowledgement.
func (w *Watcher) serve(next *Snapshot) {
	first := w.current.Load() == nil
	applied := w.cfg.Apply(next)
	w.current.Store(next)
	w.tellChanged()
	w.acks.when(applied, next.Revision)
	if first {
		close(w.ready)
	}
}

// serveKept serves what the snapshot file holds. Nothing is acknowledged until
// the store has been seen to agree with it.
func (w *Watcher) serveKept(kept *Snapshot) {
	w.acks.suspend()
	w.fromFile(kept)
	w.serve(kept)
}

// poke fills a channel of one slot; when it is full already, that is as good.
func poke(slot chan<- struct{}) {
	select {
	case slot <- struct{}{}:
	default:
	}
}

// pause waits, and reports whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}
