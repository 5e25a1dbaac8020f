package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/stats"
	"github.com/stranglerfig/strangler/internal/store"
)

func testSpans(t *testing.T, backend Backend) {
	for name, test := range map[string]func(*testing.T, Backend){
		"count a key once on all routers":   spansMerged,
		"wait until their minute is over":   spansWait,
		"take what comes late":              spansLate,
		"are made by several at once":       spansTogether,
		"are made in portions":              spansMany,
		"become hours":                      spansHours,
		"begin where they are asked for":    spansFrom,
		"are forgotten":                     spansForgotten,
		"outlive the windows they are of":   spansOutlive,
		"wait for windows before they go":   spansUnfolded,
		"that cannot be read hide no other": spansMalformed,
		"add up":                            spansTotals,
		"are made as verbs go on":           spansVerbs,
	} {
		t.Run(name, func(t *testing.T) { test(t, backend) })
	}
}

func (f *fixture) foldWindows() {
	f.t.Helper()
	if err := f.FoldWindows(f.t.Context()); err != nil {
		f.t.Fatalf("fold windows: %v", err)
	}
}

// spans are all of a route.
func (f *fixture) spans(route string) []stats.LaneWindow {
	f.t.Helper()
	spans, err := f.Spans(f.t.Context(), []string{route}, time.Time{})
	if err != nil {
		f.t.Fatalf("spans: %v", err)
	}
	return spans
}

// sum is the numbers of a window.
type sum struct {
	From                               time.Time
	Length                             time.Duration
	Side                               string
	Requests, Failures, Slow, Measured uint64
	Exposed, Failed, Slowed            uint64
}

func sumOf(w stats.LaneWindow) sum {
	return sum{
		From: w.From, Length: w.To.Sub(w.From), Side: w.Side,
		Requests: w.Window.Requests(), Failures: w.Failures, Slow: w.Slow, Measured: w.Latency.Count(),
		Exposed: w.Exposed.Count(), Failed: w.Failed.Count(), Slowed: w.Slowed.Count(),
	}
}

func sumsOf(windows []stats.LaneWindow) []sum {
	var sums []sum
	for _, w := range windows {
		sums = append(sums, sumOf(w))
	}
	return sums
}

// busyMinute is a minute of two routers and two steps, in which three keys were
// seen on the new side, one of them in three windows and on both routers.
func busyMinute(f *fixture, from time.Time) []sum {
	f.t.Helper()
	next := from.Add(stats.SlotLength)
	stepped := slot("new", next, visit{key: 3})
	stepped.Step = 8
	f.saw("a", slot("new", from, visit{key: 1, failed: true}, visit{key: 1}, visit{key: 2, took: time.Second}), slot("new", next, visit{key: 1}), stepped)
	f.saw("b", slot("new", from, visit{key: 1, failed: true, took: time.Second}), slot("legacy", from, visit{key: 1, took: time.Millisecond}))
	return busy(from, time.Minute, 1)
}

// busy is what so many busy minutes come to, of legacy and of new.
func busy(from time.Time, length time.Duration, n uint64) []sum {
	return []sum{
		{From: from, Length: length, Side: "legacy", Requests: n, Measured: n, Exposed: n},
		{From: from, Length: length, Side: "new", Requests: 6 * n, Failures: 2 * n, Slow: 2 * n, Measured: 2 * n, Exposed: 3 * n, Failed: n, Slowed: 2 * n},
	}
}

func spansMerged(t *testing.T, backend Backend) {
	f := open(t, backend)
	from := minutesAgo(5)
	want := append(busyMinute(f, from), busyMinute(f, from.Add(time.Minute))...)
	for range 2 {
		f.foldWindows()
		got := f.spans("orders")
		equal(t, "spans", sumsOf(got), []sum{want[0], want[2], want[1], want[3]})
		equal(t, "of nobody alone", []any{got[0].ID, got[0].Instance, got[0].Step, got[0].Build, len(got[0].Requests)}, []any{int64(0), "", uint64(0), "", 0})
	}
	equal(t, "windows, which stay", len(f.windows(stats.WindowQuery{})), 10)
}

func spansWait(t *testing.T, backend Backend) {
	f := open(t, backend)
	f.saw("a", slot("new", minutesAgo(1), visit{key: 1}))
	f.foldWindows()
	equal(t, "spans of a minute that has just ended", len(f.spans("orders")), 0)
	f.mustBehind("UPDATE lane_windows SET minute = minute - 2")
	f.mustBehind("UPDATE lane_folding SET minute = minute - 2")
	f.foldWindows()
	equal(t, "spans of one that has been over for two", len(f.spans("orders")), 1)
}

func spansLate(t *testing.T, backend Backend) {
	f := open(t, backend)
	from := minutesAgo(6)
	want := busyMinute(f, from)
	f.foldWindows()
	f.saw("c", slot("new", from.Add(55*time.Second), visit{key: 2, failed: true}, visit{key: 4}))
	f.foldWindows()
	want[1].Requests, want[1].Failures, want[1].Exposed, want[1].Failed = 8, 3, 4, 2
	equal(t, "spans", sumsOf(f.spans("orders")), want)
}

func spansTogether(t *testing.T, backend Backend) {
	f := open(t, backend)
	from := minutesAgo(9)
	const minutes = 5
	want := make([]sum, 2*minutes)
	for i := range minutes {
		both := busyMinute(f, from.Add(time.Duration(i)*time.Minute))
		want[i], want[minutes+i] = both[0], both[1]
	}
	var all sync.WaitGroup
	for i, s := range []store.Store{f, f.reopen(), f.reopen()} {
		all.Go(func() {
			late := slot("legacy", from, visit{key: uint64(100 + i)})
			if err := s.AddWindows(t.Context(), fmt.Sprint(i), []stats.LaneWindow{late}); err != nil {
				t.Error(err)
			}
			if err := s.FoldWindows(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	want[0].Requests, want[0].Exposed = 4, 4
	equal(t, "spans", sumsOf(f.spans("orders")), want)
}

// spansMany has more spans to make than one transaction makes.
func spansMany(t *testing.T, backend Backend) {
	f := open(t, backend)
	const routes = 120
	from := minutesAgo(6)
	var windows []stats.LaneWindow
	for i := range routes {
		for age := range 2 {
			windows = append(windows, named(fmt.Sprintf("r%03d", i), from.Add(time.Duration(age)*time.Minute)))
		}
	}
	f.saw("a", windows...)
	f.foldWindows()
	equal(t, "minutes", f.rows("lane_spans WHERE minutes = 1"), 2*routes)
	f.mustBehind(fmt.Sprintf("UPDATE lane_spans SET began = %d + began %% 2", longAgo(10).Unix()/60))
	f.foldWindows()
	equal(t, "hours", f.rows("lane_spans WHERE minutes = 60 AND requests = 2"), routes)
	equal(t, "rows", f.rows("lane_spans"), routes)
}

// longAgo is when a whole hour began, some hours ago.
func longAgo(hours int) time.Time {
	return time.Now().UTC().Truncate(time.Hour).Add(-time.Duration(hours) * time.Hour)
}

// aged makes a busy minute that began long ago.
func (f *fixture) aged(began time.Time) {
	f.t.Helper()
	from := minutesAgo(6)
	busyMinute(f, from)
	f.foldWindows()
	f.mustBehind("DELETE FROM lane_windows")
	f.mustBehind(fmt.Sprintf("UPDATE lane_spans SET began = %d WHERE began = %d", began.Unix()/60, from.Unix()/60))
}

func spansHours(t *testing.T, backend Backend) {
	f := open(t, backend)
	first, last, young := longAgo(9), longAgo(7), longAgo(5)
	// Each is made after the one before has been folded: an hour can get more.
	for _, began := range []time.Time{first, first.Add(time.Minute), first.Add(59 * time.Minute), last.Add(59 * time.Minute), young} {
		f.aged(began)
	}
	a, b, c := busy(first, time.Hour, 3), busy(last, time.Hour, 1), busy(young, time.Minute, 1)
	for range 2 {
		f.foldWindows()
		equal(t, "spans", sumsOf(f.spans("orders")), []sum{a[0], b[0], c[0], a[1], b[1], c[1]})
	}
}

func spansFrom(t *testing.T, backend Backend) {
	f := open(t, backend)
	old, young := longAgo(8), longAgo(5)
	for _, began := range []time.Time{old.Add(30 * time.Minute), young, young.Add(time.Minute)} {
		f.aged(began)
	}
	f.foldWindows()
	for _, c := range []struct {
		from time.Time
		want []time.Time // of both sides
	}{
		{time.Time{}, []time.Time{old, young, young.Add(time.Minute)}},
		{old.Add(time.Hour - time.Second), []time.Time{old, young, young.Add(time.Minute)}},
		{old.Add(time.Hour), []time.Time{young, young.Add(time.Minute)}},
		{young.Add(59 * time.Second), []time.Time{young, young.Add(time.Minute)}},
		{young.Add(time.Minute), []time.Time{young.Add(time.Minute)}},
		{young.Add(2 * time.Minute), nil},
	} {
		spans, err := f.Spans(t.Context(), []string{"orders", "a\x00", "none", "orders"}, c.from)
		if err != nil {
			t.Fatal(err)
		}
		var legacy, fresh []time.Time
		for _, w := range spans {
			if w.Side == "new" {
				fresh = append(fresh, w.From)
			} else {
				legacy = append(legacy, w.From)
			}
		}
		equal(t, "legacy from "+c.from.String(), legacy, c.want)
		equal(t, "new from "+c.from.String(), fresh, c.want)
		took, err := f.Latencies(t.Context(), []string{"orders", "a\x00", "none", "orders"}, c.from)
		if err != nil {
			t.Fatal(err)
		}
		if len(c.want) == 0 {
			equal(t, "routes with latencies", len(took), 0)
			continue
		}
		// One request of 1 ms each; new's of a second are not in it.
		equal(t, "latencies", []uint64{took["orders"].Count(), took["orders"].Over(2 * time.Millisecond)}, []uint64{uint64(len(c.want)), 0})
	}
}

func spansForgotten(t *testing.T, backend Backend) {
	f := open(t, backend)
	const week = 7 * 24
	kept := longAgo(week - 2)
	f.aged(longAgo(week + 1))
	f.aged(kept)
	f.foldWindows()
	a := busy(kept, time.Hour, 1)
	equal(t, "spans", sumsOf(f.spans("orders")), a)
	equal(t, "rows", f.rows("lane_spans"), 2)
}

// writtenEarlier has all windows written so long ago.
func (f *fixture) writtenEarlier(age time.Duration) {
	f.t.Helper()
	// An instance's start is a time as this database keeps it.
	if err := f.Heartbeat(f.t.Context(), fleet.Instance{Name: "clock", StartedAt: time.Now().Add(-age)}); err != nil {
		f.t.Fatal(err)
	}
	f.mustBehind("UPDATE lane_windows SET written_at = (SELECT started_at FROM instances WHERE name = 'clock')")
}

func spansOutlive(t *testing.T, backend Backend) {
	f := open(t, backend)
	want := busyMinute(f, minutesAgo(6))
	f.writtenEarlier(stats.WindowsKept - time.Minute)
	f.foldWindows()
	equal(t, "windows that are young", len(f.windows(stats.WindowQuery{})), 5)
	f.writtenEarlier(stats.WindowsKept + time.Second)
	f.foldWindows()
	equal(t, "windows that are old", f.rows("lane_windows"), 0)
	equal(t, "spans", sumsOf(f.spans("orders")), want)
}

// spansUnfolded has windows grow old of which one is to be merged yet, with the
// others of its minute.
func spansUnfolded(t *testing.T, backend Backend) {
	f := open(t, backend)
	from := minutesAgo(6)
	want := busyMinute(f, from)
	f.foldWindows()
	f.saw("c", slot("new", from, visit{key: 1}))
	f.writtenEarlier(time.Hour)
	f.foldWindows()
	want[1].Requests++
	equal(t, "spans", sumsOf(f.spans("orders")), want)
	equal(t, "windows", f.rows("lane_windows"), 0)
}

func spansMalformed(t *testing.T, backend Backend) {
	f := open(t, backend)
	first := longAgo(5)
	f.aged(first)
	f.aged(first.Add(time.Minute))
	f.mustBehind(fmt.Sprintf("UPDATE lane_spans SET seen = (SELECT revision_hash FROM store) WHERE began = %d", first.Unix()/60))
	equal(t, "spans", sumsOf(f.spans("orders")), busy(first.Add(time.Minute), time.Minute, 1))
	f.mustBehind("UPDATE lane_spans SET began = began - 240")
	f.foldWindows()
	equal(t, "hours", sumsOf(f.spans("orders")), busy(longAgo(9), time.Hour, 1))
}

func spansTotals(t *testing.T, backend Backend) {
	f := open(t, backend)
	totals := func(since time.Time, routes ...string) map[string]stats.Total {
		t.Helper()
		got, err := f.Totals(t.Context(), routes, since)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	old, young := longAgo(50), longAgo(4)
	for _, began := range []time.Time{old, old.Add(time.Minute), young, young.Add(time.Minute)} {
		f.aged(began)
	}
	f.saw("a", func() stats.LaneWindow {
		w := slot("legacy", minutesAgo(6), visit{key: 1, failed: true, took: time.Second}, visit{key: 2, failed: true}, visit{key: 2, failed: true})
		w.Route = "cart"
		return w
	}())
	f.foldWindows()
	all := map[string]stats.Total{"orders": {Requests: 4, Exposed: 4}, "cart": {Requests: 3, Exposed: 2, Failed: 2, Slowed: 1}}
	equal(t, "of all time", totals(time.Time{}, "cart", "none", "orders", "\xff", "cart"), all)
	equal(t, "of nobody", totals(time.Time{}), map[string]stats.Total{})
	for since, want := range map[time.Time]uint64{
		old: 4, old.Add(time.Nanosecond): 2, young: 2, young.Add(time.Nanosecond): 1, young.Add(time.Minute): 1,
	} {
		equal(t, "since "+since.String(), totals(since, "orders"), map[string]stats.Total{"orders": {Requests: want, Exposed: want}})
	}
	equal(t, "since then there was nothing", totals(young.Add(time.Hour), "orders"), map[string]stats.Total{})
}

// spansVerbs writes and folds windows of several routers while people work, and
// while the verbs of others go on; nothing is lost and nobody is refused.
func spansVerbs(t *testing.T, backend Backend) {
	f := applied(t, backend)
	from := minutesAgo(8)
	const routers, rounds = 3, 12
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var all sync.WaitGroup
	for r := range routers {
		s := f.reopen()
		all.Go(func() {
			for round := range rounds {
				key := uint64(1 + round) // the same on all routers
				w := slot("new", from.Add(time.Duration(round)*stats.SlotLength), visit{key: key}, visit{key: uint64(1000*(r+1) + round)})
				if err := s.AddWindows(ctx, fmt.Sprint(r), []stats.LaneWindow{w}); err != nil {
					t.Error(err)
				}
				if err := s.FoldWindows(ctx); err != nil {
					t.Error(err)
				}
				if _, err := s.Change(ctx, only("cart"), moveTo(at(1))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	got := f.spans("orders")
	equal(t, "spans", len(got), 1)
	equal(t, "of all routers", []uint64{got[0].Window.Requests(), got[0].Exposed.Count()}, []uint64{2 * routers * rounds, rounds + routers*rounds})
}
