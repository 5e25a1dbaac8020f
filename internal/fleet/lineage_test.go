package fleet_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stranglerfig/strangler/internal/fleet"
)

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

// A store that was restored or replaced behind the router's back, while the
// connection was cut: what is served stays, and is not acknowledged.
func TestStoreThatCannotFollowRaisesTheAlarm(t *testing.T) {
	for name, c := range map[string]struct {
		content *fleet.Snapshot
		want    error
	}{
		"lower revision":     {snapshot(5, 0), fleet.ErrStoreWentBack},
		"empty and lower":    {emptyStore(), fleet.ErrStoreWentBack},
		"other content":      {snapshot(8, 9999), fleet.ErrStoreForked},
		"another store":      {of(otherStore, snapshot(8, 500)), fleet.ErrStoreReplaced},
		"another, further":   {of(otherStore, snapshot(80, 500)), fleet.ErrStoreReplaced},
		"another, much less": {of(otherStore, snapshot(1, 500)), fleet.ErrStoreReplaced},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				good := snapshot(8, 500)
				r := watch(t, newStore(good), "")
				time.Sleep(time.Second)
				r.acknowledged(t, 8)

				r.store.with(func() { r.store.content = c.content })
				r.store.cut()
				time.Sleep(10 * time.Second)
				r.serving(t, 8)
				status := r.Status()
				wantError(t, status.Alarm, c.want)
				if !status.Reachable {
					t.Error("the store can be read: it is reachable")
				}
				r.acknowledged(t, 0)
				if n := r.log.count("not applied"); n != 1 {
					t.Errorf("the alarm was logged %d times in ten seconds", n)
				}

				r.store.commit(good) // the right one is back
				r.acknowledged(t, 8)
				if alarm := r.Status().Alarm; alarm != nil {
					t.Errorf("alarm %v after the store is back", alarm)
				}
				if n := len(r.plane.revisions()); n != 1 {
					t.Errorf("%d tables applied, want 1", n)
				}
			})
		})
	}
}

func TestStoreThatOvertakesIsFollowedFromThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := watch(t, newStore(snapshot(8, 500)), "")
		time.Sleep(time.Second)
		r.store.with(func() { r.store.content = snapshot(7, 0) })
		r.store.cut()
		time.Sleep(time.Second)
		wantError(t, r.Status().Alarm, fleet.ErrStoreWentBack)

		r.plane.hold()
		r.store.with(func() { r.store.known = nil })
		r.store.commit(snapshot(9, 100))
		r.serving(t, 9)
		if r.Status().Alarm != nil {
			t.Errorf("alarm %v", r.Status().Alarm)
		}
		if known := r.store.bases(); len(known) != 1 || known[0] != -1 {
			t.Errorf("loads built on %v, want one that built on nothing", known)
		}
		time.Sleep(10 * time.Second)
		r.acknowledged(t, 0) // 8 was given to other content; 9 is not yet confirmed
		r.plane.release(9)
		r.acknowledged(t, 9)
	})
}

func TestSameRevisionIsCheckedAfterAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := watch(t, newStore(snapshot(8, 500)), "")
		r.serving(t, 8)
		r.store.with(func() { r.store.down = errDown })
		time.Sleep(5 * time.Second)
		r.store.with(func() { r.store.down = nil; r.store.content = snapshot(8, 9999) })
		time.Sleep(2 * time.Second)
		r.serving(t, 8)
		wantError(t, r.Status().Alarm, fleet.ErrStoreForked)
	})
}

// The same table with another history is no reason for an alarm, and must not be
// read anew with every poll.
func TestSameTableUnderAnotherHead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := watch(t, newStore(snapshot(8, 500)), "")
		r.serving(t, 8)
		other := snapshot(8, 500)
		other.Head = "another event"
		r.store.commit(other)
		synctest.Wait()
		if got := r.Current(); got != other {
			t.Errorf("the next load would build on %+v", got)
		}
		if status := r.Status(); status.Alarm != nil {
			t.Errorf("alarm %v", status.Alarm)
		}
		if n := len(r.plane.revisions()); n != 1 {
			t.Errorf("%d tables applied, want 1", n)
		}
	})
}

// Restarting must not be a way to forget the newer table.
func TestStoreBehindTheFileAtStart(t *testing.T) {
	for name, c := range map[string]struct {
		content *fleet.Snapshot
		want    error
	}{
		"lower revision": {snapshot(5, 0), fleet.ErrStoreWentBack},
		"other content":  {snapshot(8, 9999), fleet.ErrStoreForked},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				keep(t, folder, snapshot(8, 500))
				r := watch(t, newStore(c.content), folder)
				time.Sleep(10 * time.Second)
				r.serving(t, 8)
				wantError(t, r.Status().Alarm, c.want)
				r.acknowledged(t, 0)
				if got := r.Current().Routes[0].Weight; got != 500 {
					t.Errorf("serving weight %d", got)
				}
			})
		})
	}
}

func TestFileOfAnotherStoreIsIgnoredAtStart(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		keep(t, folder, of(otherStore, snapshot(80, 500)))
		r := watch(t, newStore(snapshot(3, 100)), folder)
		r.serving(t, 3)
		time.Sleep(time.Second)
		r.acknowledged(t, 3)
		if n := r.log.count("belongs to another store"); n != 1 {
			t.Errorf("logged %d times", n)
		}
		if kept := recall(t, folder); kept.StoreID != thisStore {
			t.Errorf("the file still holds store %s", kept.StoreID)
		}
	})
}

// What was served from the file stays in force when the store turns out to be
// another one later: traffic must not jump to a table nobody looked at.
func TestAnotherStoreAppearsLater(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		keep(t, folder, snapshot(8, 500))
		s := newStore(of(otherStore, snapshot(2, 0)))
		s.down = errDown
		r := watch(t, s, folder)
		<-r.Ready()
		s.with(func() { s.down = nil })
		time.Sleep(10 * time.Second)
		r.serving(t, 8)
		wantError(t, r.Status().Alarm, fleet.ErrStoreReplaced)
		r.acknowledged(t, 0)
		if kept := recall(t, folder); kept.StoreID != thisStore {
			t.Error("the file was overwritten by a store that is not followed")
		}
	})
}

func emptyStore() *fleet.Snapshot {
	s := &fleet.Snapshot{StoreID: thisStore}
	s.Seal()
	return s
}
