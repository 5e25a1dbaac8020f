package test_test

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stranglerfig/strangler/internal/store/pgtest"
)

func TestOfTwoWritersOneWins(t *testing.T) {
	s := openShop(t, pgtest.URL(t))
	for round := range 5 {
		revision := strconv.FormatInt(read[state](s.ctl, "status", "orders").Revision, 10)
		var results [2]result
		var group sync.WaitGroup
		for i, r := range s.routers() {
			group.Go(func() {
				to := strconv.Itoa(1 + 2*round + i)
				results[i] = r.ctl(s.ctl.token).run("promote", "orders", "--to", to, "--if-revision", revision)
			})
		}
		group.Wait()
		slices.SortFunc(results[:], func(a, b result) int { return a.code - b.code })
		winner, loser := results[0], results[1]
		if winner.code != 0 || loser.code != 6 {
			t.Fatalf("exit codes %d and %d, want 0 and 6\n%s%s", winner.code, loser.code, winner.stderr, loser.stderr)
		}
		if !strings.Contains(loser.stderr, ", not "+revision+": ana changed it at ") || !strings.Contains(loser.stderr, "nothing was changed") {
			t.Errorf("the loser is told %q", loser.stderr)
		}
	}
	promotions := 0
	for _, e := range read[[]event](s.ctl, "history", "orders") {
		if e.Verb == "promote" {
			promotions++
		}
	}
	if promotions != 5 {
		t.Errorf("the history has %d promotions, want one for each round", promotions)
	}
}
