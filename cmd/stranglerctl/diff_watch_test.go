package main

import (
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/store"
)

func TestDiffWatchAppendsWhatIsFound(t *testing.T) {
	router, err := newRouter(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := router.stop(); err != nil {
			t.Error("the router ended with", err)
		}
	})
	env := map[string]string{"STRANGLER_SERVER": router.url, "STRANGLER_TOKEN": adminToken}
	mustInvoke(t, env, "apply", "-f", definitionsFile(t, "orders"), "--wait")
	kept, err := store.Open(t.Context(), router.database, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	found, err := newFinder("orders", "42")
	if err != nil {
		t.Fatal(err)
	}
	found.at = time.Now()
	finds := func(times int, legacy, fresh string) {
		t.Helper()
		found.add(times, answered(legacy), answered(fresh))
		if err := kept.AddEvidence(t.Context(), found.collector.Drain()); err != nil {
			t.Fatal(err)
		}
	}

	finds(3, `{"total": "12.50"}`, `{"total": 12.5}`)
	watch := start(t, env, "diff", "orders", "--watch")
	expect(t, watch.stdout, `^3 compared, 3 mismatched \(100\.00%\), 0 noise, 0 skipped$`)
	expect(t, watch.stdout, `^COUNT  WHERE `)
	expect(t, watch.stdout, `^    3  \$\.total  type  "12\.50"  12\.5  3 of 3$`)
	finds(2, `{"total": "12.50"}`, `{"total": 12.5}`)
	expect(t, watch.stdout, `^\d\d:\d\d:\d\d  orders  \$\.total  type  "12\.50" → 12\.5  \+2, 5 of 5 compared$`)
	finds(1, `{"name": "a"}`, `{"name": "A"}`)
	expect(t, watch.stdout, `^\d\d:\d\d:\d\d  orders  \$\.name  value  "a" → "A"  \+1, 1 of 6 compared$`)
	watch.interrupt()
	if code := <-watch.code; code != exitInterrupted {
		t.Errorf("exit code %d, want %d", code, exitInterrupted)
	}
}
