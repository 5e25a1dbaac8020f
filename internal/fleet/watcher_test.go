package fleet_test

import (
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

func TestFirstSnapshotIsAppliedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		r := watch(t, newStore(snapshot(7, 500)), "")
		<-r.Ready()
		if waited := time.Since(start); waited != 0 {
			t.Errorf("ready after %s, want at once", waited)
		}
		r.serving(t, 7)
		status := r.Status()
		if !status.Reachable || status.LastError != nil || status.Alarm != nil || !status.Listening || status.FromFile {
			t.Errorf("status %+v", status)
		}
	})
}

func TestNotificationBringsAChangeAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := watch(t, newStore(snapshot(1, 500)), "")
		r.serving(t, 1)
		start := time.Now()
		r.store.commit(snapshot(2, 2500))
		r.serving(t, 2)
		if waited := time.Since(start); waited != 0 {
			t.Errorf("served after %s, want at once", waited)
		}
	})
}

func TestWhoWaitsIsToldThatAnotherSnapshotIsServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := watch(t, newStore(snapshot(1, 500)), "")
		r.serving(t, 1)
		changed := r.Changed()
		time.Sleep(time.Minute)
		select {
		case <-changed:
			t.Error("nothing has changed")
		default:
		}
		r.store.commit(snapshot(2, 2500))
		<-changed
		if served := r.Current().Revision; served != 2 {
			t.Errorf("told, and revision %d is served", served)
		}
	})
}

func TestWakeLooksAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := watch(t, newStore(snapshot(1, 500)), "")
		r.serving(t, 1)
		r.store.with(func() { r.store.mute = true })
		r.store.commit(snapshot(2, 2500))
		r.serving(t, 1)
		r.Wake()
		r.serving(t, 2)
	})
}

func TestPollFindsWhatASilentConnectionLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := watch(t, newStore(snapshot(1, 500)), "")
		r.serving(t, 1)
		for revision := routing.Revision(2); revision < 20; revision++ {
			r.store.with(func() { r.store.mute = true })
			r.store.commit(snapshot(revision, 2500))
			time.Sleep(2 * time.Second)
			r.serving(t, revision)
		}
	})
}

func TestBurstIsNotQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := watch(t, newStore(snapshot(1, 0)), "")
		r.serving(t, 1)
		r.store.with(func() { r.store.slow = 95 * time.Millisecond; r.store.known = nil })
		for i := range 1000 { // 100 promotions a second for 10 s
			r.store.commit(snapshot(routing.Revision(i+2), routing.Weight(i+1)))
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(200 * time.Millisecond)
		r.serving(t, 1001)
		revisions := r.plane.revisions()
		if !slices.IsSorted(revisions) || len(revisions) > 110 || len(revisions) < 90 {
			t.Errorf("%d tables applied, want about one for each 95 ms of loading, in order", len(revisions))
		}
	})
}

func TestUnchangedStoreIsAppliedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := watch(t, newStore(snapshot(1, 500)), "")
		time.Sleep(time.Minute)
		if got := r.plane.revisions(); !slices.Equal(got, []routing.Revision{1}) {
			t.Errorf("applied %v", got)
		}
		if age := time.Since(r.Status().ConfirmedAt); age > 2*time.Second {
			t.Errorf("confirmed %s ago, want within the poll", age)
		}
	})
}

func TestStoreAwayLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := watch(t, newStore(snapshot(3, 500)), "")
		time.Sleep(10 * time.Second)
		r.store.with(func() { r.store.down = errDown })
		r.store.cut()
		time.Sleep(5 * time.Minute)
		r.serving(t, 3)
		status := r.Status()
		if status.Reachable || status.LastError == nil || status.Listening {
			t.Errorf("status %+v", status)
		}
		if away := time.Since(status.Since); away != 5*time.Minute {
			t.Errorf("away for %s, want since the connection broke", away)
		}
		if n := r.log.count("the last table stays in force"); n < 5 || n > 6 {
			t.Errorf("the outage was logged %d times, want at once and each minute", n)
		}

		r.store.with(func() { r.store.down = nil })
		r.store.commit(snapshot(4, 2500))
		time.Sleep(2 * time.Second)
		r.serving(t, 4)
		time.Sleep(15 * time.Second)
		status = r.Status()
		if !status.Reachable || status.LastError != nil || !status.Listening {
			t.Errorf("status %+v", status)
		}
		if n := r.log.count("can be read again"); n != 1 {
			t.Errorf("the recovery was logged %d times", n)
		}
	})
}

func TestHangingStoreDoesNotStopTheWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := watch(t, newStore(snapshot(3, 500)), "")
		r.serving(t, 3)
		r.store.with(func() { r.store.hang = true })
		r.Wake()
		time.Sleep(11 * time.Second)
		if r.Status().Reachable {
			t.Error("a store that hangs for 10 s counts as reachable")
		}
		r.store.with(func() { r.store.hang = false })
		r.store.commit(snapshot(4, 600))
		time.Sleep(12 * time.Second)
		r.serving(t, 4)
	})
}

func TestEmptyStoreIsApplied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := watch(t, newStore(snapshot(3, 500)), "")
		r.serving(t, 3)
		empty := &fleet.Snapshot{StoreID: thisStore, Revision: 4}
		empty.Seal()
		r.store.commit(empty)
		r.serving(t, 4)
		if n := len(r.Current().Routes); n != 0 {
			t.Errorf("%d routes", n)
		}
	})
}

func TestUnreadableSnapshotIsNotApplied(t *testing.T) {
	for name, spoil := range map[string]func(*fleet.Snapshot){
		"no store":             func(s *fleet.Snapshot) { s.StoreID = "" },
		"a route state short":  func(s *fleet.Snapshot) { s.Routes = nil },
		"a backend short":      func(s *fleet.Snapshot) { s.BackendRevisions = nil },
		"a group too many":     func(s *fleet.Snapshot) { s.GroupRevisions = []routing.Revision{1, 1} },
		"definitions are gone": func(s *fleet.Snapshot) { s.Definitions.Routes = nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := watch(t, newStore(snapshot(3, 500)), "")
				r.serving(t, 3)
				bad := snapshot(4, 500)
				spoil(bad)
				r.store.commit(bad)
				r.serving(t, 3)
				wantError(t, r.Status().LastError, fleet.ErrUnreadable)
			})
		})
	}
}

func TestStoreAwayAtStartServesTheFile(t *testing.T) {
	for name, c := range map[string]struct {
		fail func(*memory)
		wait time.Duration
	}{
		"refuses": {func(s *memory) { s.down = errDown }, 0},
		"hangs":   {func(s *memory) { s.hang = true }, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				keep(t, folder, snapshot(9, 500))
				s := newStore(snapshot(9, 500))
				c.fail(s)
				time.Sleep(time.Hour)
				start := time.Now()
				r := watch(t, s, folder)
				<-r.Ready()
				if waited := time.Since(start); waited != c.wait {
					t.Errorf("ready after %s, want %s", waited, c.wait)
				}
				r.serving(t, 9)
				if status := r.Status(); !status.FromFile || status.Reachable || time.Since(status.ConfirmedAt) < time.Hour {
					t.Errorf("status %+v", status)
				}

				s.with(func() { s.down, s.hang = nil, false })
				time.Sleep(15 * time.Second)
				r.acknowledged(t, 9)
				if status := r.Status(); status.FromFile || !status.Reachable {
					t.Errorf("status %+v", status)
				}
				if got := r.plane.revisions(); !slices.Equal(got, []routing.Revision{9}) {
					t.Errorf("applied %v: the same table need not be applied twice", got)
				}
			})
		})
	}
}

// A file that an older program has written does not say since when routes stand
// where they stand: the same table is applied once more.
func TestStepsThatTheFileDoesNotKnowAreApplied(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		keep(t, folder, snapshot(9, 500))
		content := snapshot(9, 500)
		content.Routes[0].StepRevision, content.Routes[0].StepAt = 7, time.Now()
		content.Seal()
		s := newStore(content)
		s.down = errDown
		r := watch(t, s, folder)
		<-r.Ready()
		s.with(func() { s.down = nil })
		time.Sleep(15 * time.Second)
		r.acknowledged(t, 9)
		if got := r.plane.revisions(); !slices.Equal(got, []routing.Revision{9, 9}) || r.Current().Routes[0].StepRevision != 7 {
			t.Errorf("applied %v, and serving step %d; want revision 9 twice, then step 7", got, r.Current().Routes[0].StepRevision)
		}
	})
}

// An older program leaves out of its file what it does not know. When it is brought
// up to date that is no other history, whether the store is there at once or later.
func TestFileOfAnOlderProgramIsNoOtherHistory(t *testing.T) {
	for name, away := range map[string]error{"store there": nil, "store away": errDown} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				old, content := snapshot(9, 500), snapshot(9, 500)
				old.Head, content.Head = "5ea1", "5ea1"
				keep(t, folder, old)
				content.Definitions.Webhooks = []spec.Webhook{{Name: "oncall", URL: "env:ONCALL_URL", Format: spec.FormatSlack}}
				content.WebhookRevisions = []routing.Revision{9}
				content.DefinitionsDigest = ""
				content.Seal()
				s := newStore(content)
				s.down = away
				r := watch(t, s, folder)
				<-r.Ready()
				s.with(func() { s.down = nil })
				time.Sleep(15 * time.Second)
				r.acknowledged(t, 9)
				if status := r.Status(); status.Alarm != nil || len(r.Current().Definitions.Webhooks) != 1 {
					t.Errorf("alarm %v, serving %+v; want the store's webhook", status.Alarm, r.Current().Definitions)
				}
				time.Sleep(2 * time.Second)
				if kept := recall(t, folder); len(kept.Definitions.Webhooks) != 1 {
					t.Errorf("the file has %+v; want the webhook", kept.Definitions)
				}
			})
		})
	}
}

func TestNeitherStoreNorFileIsNotReady(t *testing.T) {
	for name, content := range map[string]string{"no file": "", "damaged file": `{"format":"strangler snapshot 1",`} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			if content != "" {
				writeFile(t, filepath.Join(folder, fleet.SnapshotFile), content)
			}
			synctest.Test(t, func(t *testing.T) {
				s := newStore(snapshot(9, 500))
				s.down = errDown
				r := watch(t, s, folder)
				time.Sleep(time.Minute)
				select {
				case <-r.Ready():
					t.Fatal("ready with nothing to serve")
				default:
				}
				if r.Current() != nil {
					t.Fatal("serving something")
				}
				s.with(func() { s.down = nil })
				<-r.Ready()
				r.serving(t, 9)
				if err := r.stop(); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

func TestStoppedBeforeReadySaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(snapshot(1, 0))
		s.down = errDown
		r := watch(t, s, t.TempDir())
		synctest.Wait()
		s.with(func() { s.down = nil })
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
		if beats := len(s.allBeats()); beats != 0 {
			t.Errorf("%d heartbeats of an instance that never served", beats)
		}
	})
}
