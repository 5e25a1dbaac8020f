package test_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/store/pgtest"
)

// TestAFleetBehindAPooler has PgBouncer killed under it.
func TestAFleetBehindAPooler(t *testing.T) {
	direct := pgtest.URL(t)
	pooler := pgtest.NewPooler(t, direct)
	s := openShop(t, pooler.Through(t, direct), "--database-listen", direct)
	v := newVisitor(t, s.app, 16)
	s.ctl.must("promote", "orders", "--to", "25", "--wait")
	for _, r := range s.routers() {
		checkSides(t, v.everyone(t, 50, func(int) *router { return r }), 2500)
	}
	if said := s.ctl.run("doctor").stdout; strings.Contains(said, "found by polling") {
		t.Errorf("doctor misses notifications, which arrive beside the pooler:\n%s", said)
	}
	c := gather(t, 4, func(n int64) error {
		_, err := v.order(s.routers()[n%2].data, strconv.FormatInt(n%visitors, 10))
		return err
	})
	c.more(200)

	pooler.Kill(t)
	c.more(200)
	said := s.ctl.refused(1, "promote", "orders", "--to", "50")
	for _, part := range []string{"error: ", "the store is unavailable: ", "nothing was changed; traffic keeps flowing by revision 2"} {
		if !strings.Contains(said, part) {
			t.Errorf("a write without the pooler says %q, want %q in it", said, part)
		}
	}
	c.more(200)

	pooler.Start(t)
	eventually(t, "a write works again", func() bool { return s.ctl.run("promote", "orders", "--to", "50", "--wait").code == 0 })
	c.more(200)
	c.content()
	s.checkFleet("a serving", "b serving")
	for _, r := range s.routers() {
		checkSides(t, v.everyone(t, 50, func(int) *router { return r }), 5000)
	}
}

// TestRoutersThatAPoolerKeepsNotificationsFromSaySo: they poll.
func TestRoutersThatAPoolerKeepsNotificationsFromSaySo(t *testing.T) {
	direct := pgtest.URL(t)
	s := openShop(t, pgtest.NewPooler(t, direct).Through(t, direct))
	v := newVisitor(t, s.app, 16)
	s.ctl.must("promote", "orders", "--to", "25", "--wait")
	for _, r := range s.routers() {
		checkSides(t, v.everyone(t, 50, func(int) *router { return r }), 2500)
		eventually(t, r.name+" says that it polls", func() bool {
			return strings.Count(r.stderr.String(), "keeps those of ") == 1
		})
	}
	const reason = "changes are found by polling, within two seconds: notifications do not reach this connection: a pooler in transaction mode keeps those of "
	doctor := s.ctl.run("doctor").stdout
	if !strings.Contains(strings.Join(strings.Fields(doctor), " "), reason) || !strings.Contains(doctor, "--database-listen") {
		t.Errorf("doctor says\n%s\nwant the reason and the flag", doctor)
	}
}
