package test_test

import (
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/store/pgtest"
)

func TestTrafficFlowsWhileTheDatabaseIsAway(t *testing.T) {
	server := pgtest.New(t)
	s := openShop(t, server.URL("postgres"))
	v := newVisitor(t, s.app, 16)
	s.ctl.must("promote", "orders", "--to", "25", "--wait")
	var retried atomic.Int64
	c := gather(t, 8, func(n int64) error {
		user, routers := strconv.FormatInt(n%visitors, 10), s.routers()
		side, err := v.order(routers[n%2].data, user)
		if err != nil {
			retried.Add(1)
			side, err = v.order(routers[(n+1)%2].data, user)
		}
		if err == nil && side != expected(user, 2500) {
			t.Errorf("user %s is on %s while the database is away", user, side)
		}
		return err
	})
	c.more(200)

	server.Stop(t)
	c.more(500)
	said := s.ctl.refused(1, "promote", "orders", "--to", "50")
	for _, part := range []string{"error: ", "nothing was changed; traffic keeps flowing by revision 2"} {
		if !strings.Contains(said, part) {
			t.Errorf("a write without the database says %q, want %q in it", said, part)
		}
	}
	eventually(t, "status says that the database is away", func() bool {
		got := s.ctl.run("status")
		if got.code != 0 || !strings.Contains(got.stderr, "the store is away: this is what the router knew ") {
			t.Fatalf("status without the database: exit code %d\n%s%s", got.code, got.stdout, got.stderr)
		}
		return strings.Contains(got.stdout, "store AWAY since ")
	})
	c.more(500)
	if n := retried.Load(); n > 0 {
		t.Errorf("%d requests failed when the database stopped", n)
	}

	s.b.signal(syscall.SIGTERM)
	if code := s.b.wait(); code != 0 {
		t.Errorf("b ended with exit code %d", code)
	}
	s.b.start()
	if !strings.Contains(s.b.stderr.String(), `"msg":"serving the table of the snapshot file"`) {
		t.Errorf("b does not say where its table comes from")
	}
	checkSides(t, v.everyone(t, 50, func(int) *router { return s.b }), 2500)
	c.content() // from here on they would be on other sides

	server.Start(t)
	eventually(t, "a write works again", func() bool { return s.ctl.run("promote", "orders", "--to", "50", "--wait").code == 0 })
	s.checkFleet("a serving", "b serving")
	for _, r := range s.routers() {
		checkSides(t, v.everyone(t, 50, func(int) *router { return r }), 5000)
	}
}

// TestPropagation measures how long a promotion through one router takes until
// the other serves by it. The numbers are for people; only a change that came
// late by far, or never, fails the test.
func TestPropagation(t *testing.T) {
	s := openShop(t, pgtest.URL(t))
	v := newVisitor(t, s.app, 1)
	api := s.a.api(s.ctl.token)
	user := userBetween(100, 9900)
	var times []time.Duration
	for n := range 50 {
		percent, want := "99%", "new"
		if n%2 == 1 {
			percent, want = "1%", "legacy"
		}
		began := time.Now()
		api.promote(t.Context(), "orders", percent)
		eventually(t, "the promotion arrives at the other router", func() bool {
			side, err := v.order(s.b.data, user)
			if err != nil {
				t.Fatal(err)
			}
			return side == want
		})
		times = append(times, time.Since(began))
	}
	slices.Sort(times)
	median, worst := times[len(times)/2], times[len(times)-1]
	t.Logf("from sending a promotion to its effect on the other router: median %s, worst %s", median, worst)
	if worst > 10*time.Second {
		t.Errorf("the slowest promotion took %s", worst)
	}
}

// userBetween is a user who is on legacy at one weight and on new at the other.
func userBetween(low, high int) string {
	for user := 0; ; user++ {
		name := strconv.Itoa(user)
		if expected(name, low) == "legacy" && expected(name, high) == "new" {
			return name
		}
	}
}
