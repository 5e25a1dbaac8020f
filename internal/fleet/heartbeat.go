package fleet

import (
	"context"
	"sync"
	"time"

	"github.com/stranglerfig/strangler/internal/routing"
)

// The times of heartbeats that nobody needs to set.
const (
	heartbeatTimeout = 5 * time.Second
	heartbeatRetry   = time.Second           // after one that failed
	heartbeatSpacing = 50 * time.Millisecond // a burst of changes is not a burst of writes
	signOffTimeout   = 2 * time.Second
)

// acks knows which revision may be acknowledged. While the store has not been
// seen to agree with what is served, its numbers mean something else, and
// nothing is acknowledged.
type acks struct {
	changed chan struct{} // one slot: revision() has changed
	pending sync.WaitGroup
	stop    chan struct{} // closed by wait: nothing more will be confirmed

	mu        sync.Mutex
	done      routing.Revision // the highest the data plane confirmed; guarded by mu
	floor     routing.Revision // smaller ones were given to other content; guarded by mu
	suspended bool             // guarded by mu
	epoch     int              // how often forget was called; guarded by mu
}

func newAcks() *acks {
	return &acks{changed: make(chan struct{}, 1), stop: make(chan struct{})}
}

// revision returns what may be acknowledged now; 0: nothing.
func (a *acks) revision() routing.Revision {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.allowed()
}

// allowed needs mu.
func (a *acks) allowed() routing.Revision {
	if a.suspended || a.done < a.floor {
		return 0
	}
	return a.done
}

// suspend withdraws every acknowledgement until resume.
func (a *acks) suspend() {
	a.update(func() { a.suspended = true })
}

// resume acknowledges again, from the floor upwards; a floor never sinks.
func (a *acks) resume(floor routing.Revision) {
	a.update(func() { a.suspended, a.floor = false, max(a.floor, floor) })
}

// forget withdraws every acknowledgement for good, also those still to come: the
// numbers begin anew.
func (a *acks) forget() {
	a.update(func() { a.done, a.floor, a.suspended, a.epoch = 0, 0, false, a.epoch+1 })
}

// when confirms a revision as soon as applied is closed. It does not wait.
func (a *acks) when(applied <-chan struct{}, revision routing.Revision) {
	a.mu.Lock()
	epoch := a.epoch
	a.mu.Unlock()
	a.pending.Go(func() {
		select {
		case <-applied:
			a.update(func() {
				if a.epoch == epoch {
					a.done = max(a.done, revision)
				}
			})
		case <-a.stop:
		}
	})
}

func (a *acks) update(change func()) {
	a.mu.Lock()
	before := a.allowed()
	change()
	after := a.allowed()
	a.mu.Unlock()
	if after != before {
		poke(a.changed)
	}
}

// wait gives up on what is not yet confirmed and ends every goroutine of when.
func (a *acks) wait() {
	close(a.stop)
	a.pending.Wait()
}

// beat tells the fleet that this instance lives: regularly, and at once when
// it has something new to acknowledge. An instance that serves nothing yet is
// silent, because nobody needs to wait for it.
func (w *Watcher) beat(ctx context.Context) {
	select {
	case <-w.ready:
	case <-ctx.Done():
		return
	}
	wait := w.cfg.HeartbeatEvery
	for {
		select {
		case <-w.acks.changed:
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		wait = w.cfg.HeartbeatEvery
		if err := w.heartbeat(ctx, heartbeatTimeout, false); err != nil {
			wait = min(wait, heartbeatRetry)
		}
		if !pause(ctx, heartbeatSpacing) {
			return
		}
	}
}

func (w *Watcher) heartbeat(ctx context.Context, timeout time.Duration, signedOff bool) error {
	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	revision := w.acks.revision()
	err := w.cfg.Source.Heartbeat(bounded, Instance{
		Name: w.cfg.Instance, Revision: revision, Version: w.cfg.Version,
		StartedAt: w.started, SignedOff: signedOff, Trouble: w.trouble(),
		OverrideKeys: keyIDs(w.cfg.OverrideKeys), RedactionKeys: keyIDs(w.cfg.RedactionKeys),
	})
	if ctx.Err() == nil {
		w.beaten(revision, err)
	}
	return err
}

func (w *Watcher) trouble() *Trouble {
	if w.cfg.Trouble == nil {
		return nil
	}
	found := w.cfg.Trouble()
	return &found
}

// keyIDs is never nil: to have no keys is something to say.
func keyIDs(of func() []string) []string {
	ids := []string{}
	if of != nil {
		ids = append(ids, of()...)
	}
	return ids
}

// signOff says goodbye, so that nobody waits for this instance any more. It
// must work after ctx has ended, and must not keep a router from stopping.
func (w *Watcher) signOff(ctx context.Context) {
	if w.current.Load() == nil {
		return
	}
	if err := w.heartbeat(context.WithoutCancel(ctx), signOffTimeout, true); err != nil {
		w.cfg.Logger.Warn("could not sign off: waiting for this instance ends only when it has been silent for a minute",
			"instance", w.cfg.Instance, "error", err)
	}
}
