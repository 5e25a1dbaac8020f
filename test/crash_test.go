package test_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/store/pgtest"
)

func TestAKilledRouterLosesNothing(t *testing.T) {
	s := openShop(t, pgtest.URL(t))
	v := newVisitor(t, s.app, 16)
	c := gather(t, 8, func(n int64) error {
		user, routers := strconv.FormatInt(n%visitors, 10), s.routers()
		_, err := v.order(routers[n%2].data, user)
		if err != nil { // as a load balancer does
			_, err = v.order(routers[(n+1)%2].data, user)
		}
		return err
	})
	acknowledged := s.promoteUntilKilled()
	c.more(200)

	recorded := map[int64]int{}
	for _, e := range read[[]event](s.ctl, "history", "orders", "-n", "1000") {
		recorded[e.Revision] = e.After.WeightBp
	}
	for revision, weight := range acknowledged {
		if recorded[revision] != weight {
			t.Errorf("revision %d was acknowledged with weight %d; the history says %d", revision, weight, recorded[revision])
		}
	}

	began := time.Now()
	got := s.ctl.run("promote", "orders", "--to", "60", "--wait=1s")
	if got.code != 8 || !strings.Contains(got.stderr, "after 1s only 1/2 instances are on revision ") ||
		!strings.Contains(got.stderr, "waiting for b: on revision ") || strings.Contains(got.stderr, "waiting for a:") {
		t.Errorf("promote --wait=1s without b: exit code %d, want 8 and the name of b:\n%s", got.code, got.stderr)
	}
	if took := time.Since(began); took < time.Second || took > 10*time.Second {
		t.Errorf("--wait=1s took %s", took)
	}

	s.b.start()
	s.ctl.must("promote", "orders", "--to", "61", "--wait")
	c.content()
	s.checkFleet("a serving", "b serving")
	checkSides(t, v.everyone(t, 20, func(int) *router { return s.b }), 6100)
}

// promoteUntilKilled promotes through b, and kills it in the middle of that. It
// returns the weights that b acknowledged, by revision.
func (s *shop) promoteUntilKilled() map[int64]int {
	s.t.Helper()
	acknowledged := map[int64]int{}
	var count atomic.Int64
	gone := make(chan struct{})
	b := s.b.ctl(s.ctl.token)
	go func() {
		defer close(gone)
		for percent := 1; percent < 100; percent++ {
			got := b.run("promote", "orders", "--to", strconv.Itoa(percent), "-o", "json")
			var move struct{ Revision int64 }
			if got.code != 0 || json.Unmarshal([]byte(got.stdout), &move) != nil {
				return
			}
			acknowledged[move.Revision] = 100 * percent
			count.Add(1)
		}
	}()
	eventually(s.t, "b acknowledges promotions", func() bool { return count.Load() >= 5 })
	s.b.kill()
	<-gone
	if count.Load() == 99 {
		s.t.Fatal("b was killed too late: the test has shown nothing")
	}
	return acknowledged
}

// checkFleet waits until every instance has said that it serves the newest
// revision, and compares who stands how.
func (s *shop) checkFleet(want ...string) {
	s.t.Helper()
	newest := read[state](s.ctl, "status", "orders").Revision
	eventually(s.t, "every instance is on the newest revision", func() bool {
		for _, i := range read[[]instance](s.ctl, "instance", "ls") {
			if i.Revision != newest {
				return false
			}
		}
		return true
	})
	var stands []string
	for _, i := range read[[]instance](s.ctl, "instance", "ls") {
		stands = append(stands, i.Instance+" "+i.State)
	}
	if diff := cmp.Diff(want, stands); diff != "" {
		s.t.Errorf("instance ls (-want +got):\n%s", diff)
	}
}
