package test_test

import (
	"fmt"
	"maps"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/store/pgtest"
)

func TestARouteMovesByPercentageAndBack(t *testing.T) {
	s := openShop(t, pgtest.URL(t))
	v := newVisitor(t, s.app, 32)
	alternating := func(user int) *router { return s.routers()[user%2] }

	s.ctl.must("promote", "orders", "--to", "25", "--wait", "--reason", "first users")
	quarter := v.everyone(t, 1, alternating)
	share := checkSides(t, quarter, 2500)
	if share < 23.5 || share > 26.5 {
		t.Errorf("%.2f %% are on new, want 23.5 to 26.5", share)
	}
	for user, side := range v.everyone(t, 10, func(user int) *router { return s.routers()[(user+1)%2] }) {
		if quarter[user] != side {
			t.Errorf("user %s is on %s by one router and on %s by the other", user, quarter[user], side)
		}
	}

	s.ctl.must("promote", "orders", "--to", "50", "--wait")
	half := v.everyone(t, 1, alternating)
	checkSides(t, half, 5000)
	for user, side := range quarter {
		if side == "new" && half[user] != "new" {
			t.Errorf("user %s was on new at 25 %% and is on %s at 50 %%", user, half[user])
		}
	}

	s.ctl.must("pause", "orders", "--reason", "lunch")
	const paused = "error: route orders stands at 50%, paused (lunch): promote is refused while a route is paused; nothing was changed\n" +
		"hint: run: stranglerctl resume orders\n"
	if said := s.ctl.refused(7, "promote", "orders"); said != paused {
		t.Errorf("promote while paused says %q, want %q", said, paused)
	}

	s.rollBackUnderLoad(v)
	s.checkHistory()
}

// checkSides compares everyone's side with what the weight and the hash demand,
// and returns the share of new in percent.
func checkSides(t *testing.T, sides map[string]string, weight int) (share float64) {
	t.Helper()
	onNew := 0
	for user := range maps.Keys(sides) {
		if want := expected(user, weight); sides[user] != want {
			t.Errorf("at weight %d user %s is on %s, want %s", weight, user, sides[user], want)
		}
		if sides[user] == "new" {
			onNew++
		}
	}
	return 100 * float64(onNew) / float64(len(sides))
}

// rollBackUnderLoad rolls back while visitors ask both routers, and has the new
// application itself say whether anything reached it that was asked later.
func (s *shop) rollBackUnderLoad(v *visitor) {
	s.t.Helper()
	c := gather(s.t, 16, func(n int64) error {
		_, err := v.order(s.routers()[n%2].data, strconv.FormatInt(n%visitors, 10))
		return err
	})
	c.more(500)
	s.ctl.must("rollback", "orders", "--wait", "--reason", "totals are wrong")
	returned := s.app.now()
	c.more(2000)
	c.content()
	switch newest := s.app.newest.Load(); {
	case newest == 0:
		s.t.Error("new served nobody before the rollback: the test has shown nothing")
	case newest >= returned:
		s.t.Errorf("a request reached new that was asked %d ns after the rollback had returned", newest-returned)
	}
}

// checkHistory reads the whole story, oldest first.
func (s *shop) checkHistory() {
	s.t.Helper()
	var told []string
	for _, e := range read[[]event](s.ctl, "history", "orders") {
		line := fmt.Sprintf("%d %s by %s (%s) %q: %s %d → %s %d", e.Revision, e.Verb, e.Actor, e.Cause, e.Reason,
			e.Before.Stage, e.Before.WeightBp, e.After.Stage, e.After.WeightBp)
		told = append([]string{line}, told...)
	}
	want := []string{
		`1 apply by ana (operator) "first definitions":  0 →  0`,
		`2 promote by ana (operator) "first users": legacy 0 → canary 2500`,
		`3 promote by ana (operator) "": canary 2500 → canary 5000`,
		`4 pause by ana (operator) "lunch": canary 5000 → canary 5000`,
		`5 rollback by ana (operator) "totals are wrong": canary 5000 → shadow 0`,
	}
	if diff := cmp.Diff(want, told); diff != "" {
		s.t.Errorf("the history is not what happened (-want +got):\n%s", diff)
	}
}
