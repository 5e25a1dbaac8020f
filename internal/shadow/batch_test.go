package shadow_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/shadow/compare"
)

func TestWhatIsReturnedIsAddedUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		paths := []string{"$.a", "$.b", "$.c", "status"}
		one := collecting("invoices")
		several := []*shadow.Collector{collecting("invoices"), collecting("invoices"), collecting("invoices")}
		for i := range rapid.IntRange(0, 60).Draw(t, "comparisons") {
			var found, itself []compare.Difference
			for _, path := range paths {
				if rapid.Bool().Draw(t, "differs") {
					found = append(found, value(path))
				}
				if rapid.Bool().Draw(t, "differs from itself") {
					itself = append(itself, value(path))
				}
			}
			c := comparison(i, mismatch(found...))
			c.Route = rapid.SampledFrom([]string{"orders", "invoices"}).Draw(t, "route")
			c.New.Build = rapid.SampledFrom([]string{"b1", "b2"}).Draw(t, "build")
			if rapid.Bool().Draw(t, "twice") {
				noise := mismatch(itself...)
				c.Noise, c.Second = &noise, &noise
			}
			to := rapid.SampledFrom(several).Draw(t, "collector")
			one.Add(c)
			to.Add(c)
			one.Skips(c.Route).Add(shadow.ReasonMethod)
			to.Skips(c.Route).Add(shadow.ReasonMethod)
		}
		sum := collecting("invoices")
		for _, c := range several {
			sum.Return(c.Drain())
		}
		ignored := cmpopts.IgnoreFields(shadow.Batch{}, "Exemplars")
		want, got := one.Drain(), sum.Drain()
		if diff := gocmp.Diff(want, got, ignored, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("several collectors (-one +several):\n%s", diff)
		}
		equalNewest(t, want.Exemplars, got.Exemplars)
	})
}

// equalNewest compares the moments of the newest exemplars of each signature.
func equalNewest(t *rapid.T, want, got []shadow.Exemplar) {
	newest := func(all []shadow.Exemplar) map[string][]time.Time {
		by := make(map[string][]time.Time)
		for _, e := range all {
			for _, id := range e.Signatures {
				by[e.Epoch+id] = append(by[e.Epoch+id], e.At)
			}
		}
		for id, moments := range by {
			slices.SortFunc(moments, func(a, b time.Time) int { return b.Compare(a) })
			by[id] = moments[:min(len(moments), shadow.Newest)]
		}
		return by
	}
	if diff := gocmp.Diff(newest(want), newest(got)); diff != "" {
		t.Errorf("newest exemplars (-one +several):\n%s", diff)
	}
}

func TestNothingIsLostBetweenDrains(t *testing.T) {
	c := shadow.NewCollector(shadow.CollectorConfig{})
	c.SetRoutes(map[string]shadow.RouteSettings{"orders": {Redactor: hider{}}})
	var adding sync.WaitGroup
	for worker := range 4 {
		adding.Go(func() {
			skips := c.Skips("orders")
			for i := range 500 {
				c.Add(comparison(i, mismatch(value(fmt.Sprint("$.w", worker)))))
				c.Add(comparison(i, mismatch()))
				skips.Add(shadow.ReasonTooLarge)
			}
		})
	}
	sum := make(map[string]uint64)
	drain := func() {
		batch := c.Drain()
		if len(batch.Tallies)%2 == 1 { // as if the store were away now and then
			c.Return(batch)
			return
		}
		for result, n := range tallies(batch) {
			sum[result] += n
		}
	}
	for range 100 {
		drain()
	}
	adding.Wait()
	for result, n := range tallies(c.Drain()) {
		sum[result] += n
	}
	if sum["match"] != 2000 || sum["skipped:too_large"] != 2000 || compared(sum) != 4000 {
		t.Errorf("%v, want 2000 matches, 2000 mismatches and 2000 skipped", sum)
	}
}
