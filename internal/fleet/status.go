package fleet

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/stranglerfig/strangler/internal/routing"
)

// Status is how a watcher stands with its store.
type Status struct {
	Reachable   bool      // the last load succeeded
	Since       time.Time // when Reachable last changed; at first, when the watcher was made
	LastError   error     // of the last load; nil while Reachable
	ConfirmedAt time.Time // when the store last said that what is served is its newest; from a file: when that was read
	FromFile    bool      // what is served comes from the snapshot file and the store has not confirmed it yet
	Listening   bool      // notifications arrive; without them changes arrive by poll
	ListenError error     // why they do not; nil while Listening and before it is known

	// Alarm says why the store's content is not served although it can be
	// read: ErrStoreWentBack, ErrStoreForked or ErrStoreReplaced. Nil: none.
	Alarm error

	Acknowledged   routing.Revision // what the last heartbeat that arrived said; 0: nothing
	HeartbeatError error            // of the last heartbeat
}

// Status returns how things stand now.
func (w *Watcher) Status() Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status
}

// lost notes that the store could not be read: from now on it may be another
// one. It is logged at once, and then every minute for as long as it lasts.
func (w *Watcher) lost(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return // stopping is not an outage
	}
	w.doubt.Store(true)
	now := time.Now()
	w.mu.Lock()
	if w.status.Reachable {
		w.status.Reachable, w.status.Since = false, now
	}
	remind := w.status.LastError == nil || now.Sub(w.said) >= reminderEvery
	if remind {
		w.said = now
	}
	w.status.LastError = err
	confirmed := w.status.ConfirmedAt
	w.mu.Unlock()
	if !remind {
		return
	}
	if current := w.Current(); current != nil {
		w.cfg.Logger.Warn("the store cannot be read: the last table stays in force", "revision", current.Revision,
			"age", now.Sub(confirmed).Round(time.Second), "error", err)
		return
	}
	w.cfg.Logger.Error("the store cannot be read and there is no usable snapshot file: not ready, still trying", "error", err)
}

// found notes that the store was read.
func (w *Watcher) found(next *Snapshot) {
	now := time.Now()
	w.mu.Lock()
	recovered := w.status.LastError != nil
	if !w.status.Reachable {
		w.status.Reachable, w.status.Since = true, now
	}
	w.status.LastError = nil
	w.mu.Unlock()
	if recovered {
		w.cfg.Logger.Info("the store can be read again", "revision", next.Revision)
	}
}

// fromFile notes that a snapshot file is served.
func (w *Watcher) fromFile(kept *Snapshot) {
	w.mu.Lock()
	w.status.FromFile, w.status.ConfirmedAt = true, kept.ReadAt
	w.mu.Unlock()
	w.cfg.Logger.Warn("serving the table of the snapshot file", "file", w.keeper.path,
		"revision", kept.Revision, "age", time.Since(kept.ReadAt).Round(time.Second))
}

// raise notes an alarm, and logs it when it is a new one or a minute has passed.
func (w *Watcher) raise(alarm error) {
	now := time.Now()
	w.mu.Lock()
	remind := w.status.Alarm == nil || w.status.Alarm.Error() != alarm.Error() || now.Sub(w.said) >= reminderEvery
	if remind {
		w.said = now
	}
	w.status.Alarm = alarm
	w.mu.Unlock()
	if remind {
		w.cfg.Logger.Error("the store's content is not applied", "error", alarm)
	}
}

// calm notes that the store agrees with what is served, or may follow it. It
// reports whether there was an alarm.
func (w *Watcher) calm() (alarmed bool) {
	w.mu.Lock()
	alarmed = w.status.Alarm != nil
	w.status.Alarm, w.status.FromFile, w.status.ConfirmedAt = nil, false, time.Now()
	w.mu.Unlock()
	if alarmed {
		w.cfg.Logger.Info("the store is followed again")
	}
	return alarmed
}

// listening notes that notifications arrive.
func (w *Watcher) listening() {
	w.mu.Lock()
	news := !w.status.Listening
	w.status.Listening, w.status.ListenError = true, nil
	w.mu.Unlock()
	if news {
		w.cfg.Logger.Debug("the store's notifications arrive")
	}
}

// deaf notes that notifications do not arrive, and reports whether they did
// before. A store that never sends any is mentioned once, and so is a pooler
// found in between.
func (w *Watcher) deaf(ctx context.Context, err error) (heard bool) {
	w.mu.Lock()
	heard = w.status.Listening
	pooler := errors.Is(err, ErrDeaf) && !errors.Is(w.status.ListenError, ErrDeaf)
	w.status.Listening, w.status.ListenError = false, err
	level := slog.LevelDebug
	if heard || pooler || !w.mentioned {
		level, w.mentioned = slog.LevelWarn, true
	}
	w.mu.Unlock()
	w.cfg.Logger.Log(ctx, level, "the store's notifications do not arrive: changes are found by polling",
		"poll_every", w.cfg.PollEvery, "error", err)
	return heard
}

// beaten notes what became of a heartbeat; its failures are logged when they begin.
func (w *Watcher) beaten(revision routing.Revision, err error) {
	w.mu.Lock()
	began := err != nil && w.status.HeartbeatError == nil
	w.status.HeartbeatError = err
	if err == nil {
		w.status.Acknowledged = revision
	}
	reachable := w.status.Reachable
	w.mu.Unlock()
	if began && reachable {
		w.cfg.Logger.Warn("the heartbeat failed: who waits for this instance will wait longer", "instance", w.cfg.Instance, "error", err)
	}
}
