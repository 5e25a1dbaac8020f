package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/stats"
	"github.com/stranglerfig/strangler/internal/store"
)

func testCounts(t *testing.T, backend Backend) {
	for name, test := range map[string]func(*testing.T, Backend){
		"add up over instances and time": countsAdded,
		"are folded and forgotten":       countsFolded,
		"are folded by several at once":  countsFoldedTogether,
		"tell the traffic":               countsTraffic,
		"change no revision":             countsQuiet,
	} {
		t.Run(name, func(t *testing.T) { test(t, backend) })
	}
}

func (f *fixture) count(instance string, counts ...stats.Count) {
	f.t.Helper()
	if err := f.AddCounts(f.t.Context(), instance, counts); err != nil {
		f.t.Fatalf("add counts: %v", err)
	}
}

func (f *fixture) unsafeServed(route string, since time.Time) uint64 {
	f.t.Helper()
	served, err := f.UnsafeServed(f.t.Context(), route, since)
	if err != nil {
		f.t.Fatalf("unsafe served: %v", err)
	}
	return served
}

// earlier moves every count that is less than a minute old.
func (f *fixture) earlier(minutes int64) {
	f.t.Helper()
	f.mustBehind(fmt.Sprintf("UPDATE lane_counts SET minute = minute - %d WHERE minute >= %d", minutes, time.Now().Unix()/60-1))
}

func countsAdded(t *testing.T, backend Backend) {
	f := open(t, backend)
	f.count("a", stats.Count{Route: "orders", Side: "new", Requests: 5, Unsafe: 2}, stats.Count{Route: "orders", Side: "legacy", Requests: 9, Unsafe: 9})
	f.earlier(10)
	f.count("a", stats.Count{Route: "orders", Side: "new", Requests: 1, Unsafe: 1})
	f.count("a", stats.Count{Route: "orders", Side: "new", Requests: 1, Unsafe: 1})
	f.count("b", stats.Count{Route: "orders", Side: "new", Requests: 3, Unsafe: 3}, stats.Count{Route: "cart", Side: "new", Requests: 7, Unsafe: 7})
	equal(t, "of all time", f.unsafeServed("orders", time.Time{}), 7)
	equal(t, "of the last minutes", f.unsafeServed("orders", time.Now().Add(-5*time.Minute)), 5)
	equal(t, "of the future", f.unsafeServed("orders", time.Now().Add(5*time.Minute)), 0)
	equal(t, "of nobody", f.unsafeServed("nobody", time.Time{}), 0)
}

func countsFolded(t *testing.T, backend Backend) {
	f := open(t, backend)
	for _, age := range []int64{91 * 24 * 60, 3001, 3002, 3003, 10} {
		f.count("a", stats.Count{Route: "orders", Side: "new", Requests: 2, Unsafe: 1})
		f.earlier(age)
	}
	since := time.Now().Add(-3002 * time.Minute)
	before := f.unsafeServed("orders", since)
	for range 2 {
		if err := f.FoldCounts(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if after := f.unsafeServed("orders", since); after != before || after < 3 {
		t.Errorf("%d before the folding and %d after it, want the same, and 3 at least", before, after)
	}
	equal(t, "after the folding", f.unsafeServed("orders", time.Time{}), 4)
	var rows, minutes int
	err := backend.DB(t, f.url).QueryRowContext(t.Context(),
		"SELECT count(*), SUM(CASE WHEN minute % 60 <> 0 THEN 1 ELSE 0 END) FROM lane_counts WHERE minute < "+
			fmt.Sprint(time.Now().Unix()/60-2000)).Scan(&rows, &minutes)
	if err != nil || rows < 1 || rows > 2 || minutes != 0 {
		t.Errorf("%d old rows, %d of them minutes, %v; want one hour, or two", rows, minutes, err)
	}
}

func countsFoldedTogether(t *testing.T, backend Backend) {
	f := open(t, backend)
	const hours = 30
	for i := range int64(hours) {
		f.count("a", stats.Count{Route: "orders", Side: "new", Requests: 2, Unsafe: 1})
		f.earlier(2000 + 60*i)
		f.count("b", stats.Count{Route: "orders", Side: "new", Requests: 2, Unsafe: 1})
		f.earlier(2001 + 60*i)
	}
	var folding sync.WaitGroup
	for _, s := range []store.Store{f, f.reopen(), f.reopen()} {
		folding.Go(func() {
			if err := s.FoldCounts(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	folding.Wait()
	equal(t, "after the folding", f.unsafeServed("orders", time.Time{}), 2*hours)
	var minutes int
	if err := backend.DB(t, f.url).QueryRowContext(t.Context(), "SELECT count(*) FROM lane_counts WHERE minute % 60 <> 0").Scan(&minutes); err != nil || minutes != 0 {
		t.Errorf("%d minutes are left, %v", minutes, err)
	}
}

func countsTraffic(t *testing.T, backend Backend) {
	f := open(t, backend)
	f.count("a", stats.Count{Route: "orders", Side: "new", Requests: 30}, stats.Count{Route: "cart", Side: "legacy", Requests: 60})
	f.count("b", stats.Count{Route: "cart", Side: "new", Requests: 6})
	f.mustBehind(fmt.Sprintf("UPDATE lane_counts SET minute = %d", time.Now().Unix()/60-1))
	f.count("c", stats.Count{Route: "cart", Side: "new", Requests: 6})
	got, err := f.Traffic(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	delete(got, "c") // there when the minute has just ended
	if len(got) != 0 {
		equal(t, "traffic", got, map[string]float64{"a": 1.5, "b": 0.1})
	}
}

func countsQuiet(t *testing.T, backend Backend) {
	f := applied(t, backend)
	before := f.load(nil)
	f.count("a", stats.Count{Route: "cart", Side: "new", Requests: 1})
	if f.load(before) != before {
		t.Error("counts made a new snapshot")
	}
}
