package fleet_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stranglerfig/strangler/internal/routing"
)

func TestHeartbeatSaysWhoAndWhat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		r := watch(t, newStore(snapshot(4, 500)), "")
		time.Sleep(time.Minute)
		r.acknowledged(t, 4)
		last := r.store.last()
		if last.Name != "shop-1:8080" || last.Version != "1.2.3" || !last.StartedAt.Equal(started) || last.SignedOff || !slices.Equal(last.OverrideKeys, []string{"k2", "k1"}) || !slices.Equal(last.RedactionKeys, []string{"r1"}) {
			t.Errorf("heartbeat %+v", last)
		}
		if last.Trouble == nil || len(last.Trouble.Lanes) != 1 || last.Trouble.Lanes[0].Route != "cart" {
			t.Errorf("trouble %+v", last.Trouble)
		}
		if n := len(r.store.allBeats()); n < 12 || n > 13 {
			t.Errorf("%d heartbeats in a minute, want one every 5 s", n)
		}
		if got := r.Status().Acknowledged; got != 4 {
			t.Errorf("status says revision %d was acknowledged", got)
		}
	})
}

func TestNothingIsAcknowledgedBeforeTheDataPlaneHasIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := watch(t, newStore(snapshot(4, 500)), "")
		time.Sleep(time.Second)
		r.plane.hold()
		r.store.commit(snapshot(5, 600))
		r.store.commit(snapshot(5, 600))
		r.serving(t, 5)
		time.Sleep(time.Minute)
		r.acknowledged(t, 4)

		start := time.Now()
		r.plane.release(5)
		r.acknowledged(t, 5)
		if at := r.store.last().at; !at.Equal(start) {
			t.Errorf("acknowledged %s after the data plane, want at once", at.Sub(start))
		}
	})
}

func TestNewerConfirmationCountsWhileAnOlderIsPending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := watch(t, newStore(snapshot(4, 500)), "")
		time.Sleep(time.Second)
		r.plane.hold()
		r.store.commit(snapshot(5, 600))
		r.serving(t, 5)
		r.store.commit(snapshot(6, 700))
		r.serving(t, 6)
		r.plane.release(6)
		r.acknowledged(t, 6)
		time.Sleep(time.Second)
		r.plane.release(5)
		time.Sleep(10 * time.Second)
		r.acknowledged(t, 6) // never backwards
	})
}

func TestBurstIsAcknowledgedInFewWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := watch(t, newStore(snapshot(1, 0)), "")
		time.Sleep(time.Second)
		before := len(r.store.allBeats())
		for i := range 1000 {
			r.store.commit(snapshot(routing.Revision(i+2), routing.Weight(i+1)))
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(50 * time.Millisecond)
		r.acknowledged(t, 1001)
		if n := len(r.store.allBeats()) - before; n > 210 {
			t.Errorf("%d heartbeats for 10 s of 100 changes a second, want at most 20 a second", n)
		}
	})
}

func TestFailedHeartbeatIsRepeatedSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := watch(t, newStore(snapshot(4, 500)), "")
		time.Sleep(time.Second)
		r.plane.hold()
		r.store.commit(snapshot(5, 600))
		r.serving(t, 5)
		r.store.with(func() { r.store.down = errDown })
		r.plane.release(5)
		synctest.Wait()
		if err := r.Status().HeartbeatError; err == nil {
			t.Fatal("no error of the heartbeat that failed")
		}
		r.acknowledged(t, 4)
		r.store.with(func() { r.store.down = nil })
		time.Sleep(1100 * time.Millisecond)
		r.acknowledged(t, 5)
		if err := r.Status().HeartbeatError; err != nil {
			t.Errorf("error %v after one that arrived", err)
		}
	})
}

func TestSignOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := watch(t, newStore(snapshot(4, 500)), "")
		time.Sleep(time.Second)
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
		if last := r.store.last(); !last.SignedOff || last.Revision != 4 {
			t.Errorf("the last heartbeat is %+v", last)
		}
	})
}

func TestSignOffDoesNotKeepARouterFromStopping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := watch(t, newStore(snapshot(4, 500)), "")
		time.Sleep(time.Second)
		r.store.with(func() { r.store.hang = true })
		start := time.Now()
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("stopping took %s", took)
		}
		if r.log.count("could not sign off") != 1 {
			t.Error("nothing was said about it")
		}
	})
}

// An exchange may hold an old table for as long as it likes; stopping does not
// wait for its confirmation, and does not invent it.
func TestStopWithoutConfirmation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := watch(t, newStore(snapshot(4, 500)), "")
		time.Sleep(time.Second)
		r.plane.hold()
		r.store.commit(snapshot(5, 600))
		r.serving(t, 5)
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
		if last := r.store.last(); !last.SignedOff || last.Revision != 4 {
			t.Errorf("the last heartbeat is %+v", last)
		}
	})
}
