package fleet_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stranglerfig/strangler/internal/fleet"
)

func TestBrokenConnectionIsSetUpAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := watch(t, newStore(snapshot(1, 500)), "")
		r.serving(t, 1)
		r.store.with(func() { r.store.known = nil })
		r.store.cut()
		synctest.Wait()
		if r.Status().Listening {
			t.Error("listening on a broken connection")
		}
		r.store.with(func() { r.store.content = snapshot(2, 600) }) // nobody hears of this one
		time.Sleep(500 * time.Millisecond)
		r.serving(t, 2)
		if !r.Status().Listening {
			t.Error("not listening half a second later")
		}
		if known := r.store.bases(); len(known) == 0 || known[0] != -1 {
			t.Errorf("loads built on %v: the first after a broken connection must build on nothing", known)
		}
		r.store.commit(snapshot(3, 700))
		r.serving(t, 3)
	})
}

func TestReconnectingBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := watch(t, newStore(snapshot(1, 500)), "")
		r.serving(t, 1)
		r.store.with(func() { r.store.down, r.store.listens = errDown, nil })
		r.store.cut()
		time.Sleep(10 * time.Minute)
		listens := r.store.allListens()
		n := len(listens)
		if n < 40 || n > 90 { // 15 s at most, of which half is random
			t.Fatalf("%d attempts in ten minutes", n)
		}
		for i := 1; i < n; i++ {
			gap := listens[i].Sub(listens[i-1])
			if gap < 125*time.Millisecond || gap > 15*time.Second {
				t.Errorf("attempt %d came %s after the one before", i, gap)
			}
			if i > 8 && gap < 7500*time.Millisecond {
				t.Errorf("attempt %d came %s after the one before: that is no back-off", i, gap)
			}
		}
		if said := r.log.count("level=WARN msg=\"the store's notifications do not arrive"); said != 1 {
			t.Errorf("said %d times, want once", said)
		}
	})
}

// Each new connection is a wake and a whole reading, by every router.
func TestAConnectionThatBreaksAtOnceBacksOffToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := watch(t, newStore(snapshot(1, 500)), "")
		r.serving(t, 1)
		cutting := time.NewTicker(50 * time.Millisecond)
		defer cutting.Stop()
		for end := time.Now().Add(10 * time.Minute); time.Now().Before(end); <-cutting.C {
			r.store.cut()
		}
		if n := len(r.store.allListens()); n < 40 || n > 90 {
			t.Errorf("%d connections in ten minutes, want one in 7.5 to 15 s", n)
		}
		time.Sleep(time.Minute) // it lives, and so has worked
		before := len(r.store.allListens())
		r.store.cut()
		time.Sleep(time.Second)
		if after := len(r.store.allListens()); after != before+1 {
			t.Errorf("%d connections within a second after a steady one broke, want 1", after-before)
		}
	})
}

// A pooler that keeps notifications is no outage: it is said once, tried again
// seldom, and does not make every poll read everything.
func TestADeafConnectionIsSaidOnceAndLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore(snapshot(1, 500))
		store.deaf = errDown // before that the pooler was away
		r := watch(t, store, "")
		r.serving(t, 1)
		time.Sleep(time.Second)
		deaf := fmt.Errorf("%w: a pooler keeps them", fleet.ErrDeaf)
		store.with(func() { store.deaf = deaf })
		time.Sleep(30 * time.Second)
		store.with(func() { store.known, store.listens = nil, nil })
		time.Sleep(10 * time.Minute)

		if n := len(store.allListens()); n != 10 {
			t.Errorf("%d attempts in ten minutes, want one a minute", n)
		}
		if bases := store.bases(); len(bases) < 300 || slices.Contains(bases, -1) {
			t.Errorf("%d polls in ten minutes, some of which read everything: %v", len(bases), bases)
		}
		if status := r.Status(); status.Listening || !errors.Is(status.ListenError, fleet.ErrDeaf) {
			t.Errorf("status %+v, want the reason why it does not listen", status)
		}
		const said = `level=WARN msg="the store's notifications do not arrive: changes are found by polling" poll_every=2s error=`
		for _, reason := range []string{`"connection refused"`, `"notifications do not reach this connection: a pooler keeps them"`} {
			if n := r.log.count(said + reason); n != 1 {
				t.Errorf("%s: said %d times, want once", reason, n)
			}
		}
		store.commit(snapshot(2, 600))
		time.Sleep(2 * time.Second)
		r.serving(t, 2)

		store.with(func() { store.deaf = nil }) // somebody put the pooler into session mode
		time.Sleep(time.Minute)
		if status := r.Status(); !status.Listening || status.ListenError != nil {
			t.Errorf("status %+v, want it to listen", status)
		}
	})
}
