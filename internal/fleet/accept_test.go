package fleet_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stranglerfig/strangler/internal/fleet"
)

func TestWhatIsAcceptedIsServedAcknowledgedAndKept(t *testing.T) {
	for name, content := range map[string]*fleet.Snapshot{
		"lower revision": snapshot(5, 9999),
		"other content":  snapshot(8, 9999),
		"another store":  of(otherStore, snapshot(3, 9999)),
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				r := watch(t, newStore(snapshot(8, 500)), folder)
				time.Sleep(time.Second)
				r.store.with(func() { r.store.content = content })
				r.store.cut()
				time.Sleep(5 * time.Second)
				if r.Status().Alarm == nil {
					t.Fatal("no alarm")
				}
				got, err := r.Accept(t.Context())
				if err != nil || got.Identity() != content.Identity() {
					t.Fatalf("accepted %+v, %v; want %+v", got, err, content.Identity())
				}
				time.Sleep(5 * time.Second)
				r.serving(t, content.Revision)
				r.acknowledged(t, content.Revision)
				if alarm := r.Status().Alarm; alarm != nil {
					t.Errorf("alarm %v after the store was accepted", alarm)
				}
				if kept := recall(t, folder); kept.Identity() != content.Identity() {
					t.Errorf("the file holds %+v", kept.Identity())
				}
			})
		})
	}
}

// A table that was put into service before the store went back may only now
// have seen its last exchange: that acknowledges nothing any more.
func TestNoOldNumberIsAcknowledgedAfterAnAcceptance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := watch(t, newStore(snapshot(7, 500)), "")
		time.Sleep(time.Second)
		r.plane.hold()
		r.store.commit(snapshot(8, 600))
		r.serving(t, 8)
		r.store.with(func() { r.store.content = snapshot(5, 100) })
		r.store.cut()
		time.Sleep(5 * time.Second)
		if _, err := r.Accept(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.plane.release(8)
		time.Sleep(5 * time.Second)
		r.acknowledged(t, 0)
		r.plane.release(5)
		r.acknowledged(t, 5)
	})
}

func TestAcceptingWithoutAnAlarmChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := watch(t, newStore(snapshot(8, 500)), "")
		r.serving(t, 8)
		if got, err := r.Accept(t.Context()); err != nil || got.Revision != 8 {
			t.Errorf("%+v, %v", got, err)
		}
		if n := len(r.plane.revisions()); n != 1 {
			t.Errorf("%d tables applied, want 1", n)
		}
		r.acknowledged(t, 8)
	})
}

func TestAStoreThatIsAwayCannotBeAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := watch(t, newStore(snapshot(8, 500)), "")
		r.serving(t, 8)
		r.store.with(func() { r.store.down = errDown })
		got, err := r.Accept(t.Context())
		if !errors.Is(err, errDown) || got.Revision != 8 {
			t.Errorf("%+v, %v; want what was served, and why", got, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if got, err := r.Accept(ctx); err == nil || got.Revision != 8 {
			t.Errorf("%+v, %v; want what was served, and why", got, err)
		}
	})
}
