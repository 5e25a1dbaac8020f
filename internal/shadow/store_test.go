package shadow_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/store"
)

// What routers have learned comes to the same by way of a store, whatever the
// batches that it came in, and also where there is no room for all of it.
func TestAStoreTellsWhatRoutersHaveLearned(t *testing.T) {
	kept, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "strangler.db"), store.Options{Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	one, routers := collecting(), []*shadow.Collector{collecting(), shadow.NewCollector(shadow.CollectorConfig{Instance: "router-2"})}
	routers[1].SetRoutes(map[string]shadow.RouteSettings{"orders": {Redactor: hider{}}})
	began := time.Now().Add(-time.Minute)
	for i := range 2000 {
		found := comparison(0, mismatch(value("$.clock"), value(fmt.Sprint("$.f", i%700))))
		if i%5 == 0 {
			found.Result = mismatch(value("$.clock"))
		}
		found.At = began.Add(time.Duration(i) * time.Millisecond)
		if i%20 == 0 {
			itself := mismatch(value("$.clock"))
			found.Noise = &itself
		}
		one.Add(found)
		routers[i%2].Add(found)
		one.Skips("orders").Add(shadow.ReasonMethod)
		routers[i%2].Skips("orders").Add(shadow.ReasonMethod)
		if i%300 == 299 {
			if err := kept.AddEvidence(t.Context(), routers[i/300%2].Drain()); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, router := range routers {
		if err := kept.AddEvidence(t.Context(), router.Drain()); err != nil {
			t.Fatal(err)
		}
	}
	read, err := kept.Evidence(t.Context(), shadow.Query{})
	if err != nil || len(read) != 1 {
		t.Fatalf("evidence of %d routes (%v), want one", len(read), err)
	}
	want, got := shadow.Summarise(evidence(one.Drain())), shadow.Summarise(read[0])
	if diff := gocmp.Diff(want, got, cmpopts.IgnoreFields(shadow.Summary{}, "Found", "Overflow", "Mismatched")); diff != "" {
		t.Errorf("summaries (-one router +store):\n%s", diff)
	}
	if got.Overflow == 0 || got.Overflow > 1600 || got.Mismatched+got.Noise != 2000 || len(got.Found) != shadow.MaxSignatures {
		t.Errorf("overflow %d, mismatched %d, noise %d, %d signatures", got.Overflow, got.Mismatched, got.Noise, len(got.Found))
	}
	clock := got.Found[0]
	if clock.Where != "$.clock" || clock.Count != 2000 || clock.Pairs != (shadow.Pairs{Both: 100}) {
		t.Errorf("most frequent is %+v, want $.clock, 2000 times", clock)
	}
	exemplars, err := kept.Exemplars(t.Context(), clock.Exemplars)
	if err != nil || len(exemplars) != len(clock.Exemplars) || len(exemplars) < shadow.Newest {
		t.Errorf("%d of %d exemplars (%v)", len(exemplars), len(clock.Exemplars), err)
	}
}
