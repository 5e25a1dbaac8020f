package storetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/rollout/autopilot"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/stats"
)

func testWindows(t *testing.T, backend Backend) {
	for name, test := range map[string]func(*testing.T, Backend){
		"come back as they were":               windowsKept,
		"may hold any bytes":                   windowsBytes,
		"are asked by route":                   windowsOfRoutes,
		"are asked by time":                    windowsSince,
		"are asked of routes that new serves":  windowsExposed,
		"that no database keeps are refused":   windowsRefused,
		"that come late are left out":          windowsLate,
		"of the future count now":              windowsAhead,
		"that cannot be read hide no others":   windowsMalformed,
		"change no revision":                   windowsQuiet,
		"of a caller who is gone are not kept": windowsCancelled,
		"outlive their route":                  windowsOutlive,
		"are told what is slow":                windowsThresholds,
		"say who writes them":                  windowsWriters,
	} {
		t.Run(name, func(t *testing.T) { test(t, backend) })
	}
}

// visit is what became of one request, for windows.
type visit struct {
	key    uint64
	failed bool
	took   time.Duration
}

// minutesAgo is when a whole minute began, some minutes ago.
func minutesAgo(minutes int) time.Time {
	return time.Now().UTC().Truncate(time.Minute).Add(-time.Duration(minutes) * time.Minute)
}

// slot is what was seen on one side of orders in the slot of five seconds that
// begins at a moment.
func slot(side string, from time.Time, visits ...visit) stats.LaneWindow {
	r := stats.NewRecorder(from)
	r.SetSlow(100 * time.Millisecond)
	for _, v := range visits {
		r.Record(stats.Sample{Key: v.key, Drawn: true, At: from, Took: v.took, Failed: v.failed})
	}
	return stats.LaneWindow{Route: "orders", Side: side, Step: 7, Window: r.Drain(from.Add(stats.SlotLength))}
}

func (f *fixture) saw(instance string, windows ...stats.LaneWindow) {
	f.t.Helper()
	if err := f.AddWindows(f.t.Context(), instance, windows); err != nil {
		f.t.Fatalf("add windows: %v", err)
	}
}

// windows are those that are asked for, without their ids.
func (f *fixture) windows(query stats.WindowQuery) []stats.LaneWindow {
	f.t.Helper()
	found, _, err := f.Windows(f.t.Context(), query)
	if err != nil {
		f.t.Fatalf("windows: %v", err)
	}
	for i := range found {
		found[i].ID = 0
	}
	return found
}

// namesOf are the routes of windows, in order.
func namesOf(windows []stats.LaneWindow) []string {
	names := []string{}
	for _, w := range windows {
		names = append(names, w.Route)
	}
	return names
}

// encoded is a window in bytes: equal ones have equal bytes.
func encoded(t *testing.T, w stats.Window) string {
	t.Helper()
	text, err := w.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", text)
}

func windowsKept(t *testing.T, backend Backend) {
	f := open(t, backend)
	from := minutesAgo(2)
	first := slot("new", from, visit{key: 1, failed: true, took: time.Second}, visit{key: 2, took: time.Millisecond})
	first.Build, first.Requests = "b7", []string{"r1", "r2"}
	second := slot("legacy", from.Add(stats.SlotLength), visit{key: 1})
	f.saw("a", second, first)
	f.saw("a")
	got, read, err := f.Windows(t.Context(), stats.WindowQuery{})
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v, %v; want two windows", got, err)
	}
	if got[0].ID == 0 || got[0].ID == got[1].ID {
		t.Errorf("ids %d and %d", got[0].ID, got[1].ID)
	}
	if age := time.Since(read); age < 0 || age > time.Minute {
		t.Errorf("read %v ago", age)
	}
	for i, want := range []stats.LaneWindow{first, second} {
		w := got[i]
		equal(t, "seen", encoded(t, w.Window), encoded(t, want.Window))
		rest, _, err := f.Windows(t.Context(), stats.WindowQuery{Met: func(id int64) bool { return id == w.ID }})
		if err != nil || len(rest) != 1 || rest[0].ID != got[1-i].ID {
			t.Errorf("without %d: %+v, %v; want the other", w.ID, rest, err)
		}
		equal(t, "who saw what", []any{w.Instance, w.Route, w.Side, w.Step, w.Build, w.Requests},
			[]any{"a", "orders", want.Side, uint64(7), want.Build, want.Requests})
	}
}

func windowsBytes(t *testing.T, backend Backend) {
	f := open(t, backend)
	for i, text := range []string{"nul \x00", "\xff\xfe", `{"base64":"aGk="}`, "世界 🐘"} {
		w := slot("new", minutesAgo(4-i), visit{key: 1})
		w.Build, w.Requests = text, []string{text, "", "b", "one too many"}
		f.saw("a", w)
		got := f.windows(stats.WindowQuery{From: w.From})
		equal(t, "build", got[0].Build, text)
		equal(t, "requests", got[0].Requests, []string{text, "", "b"})
	}
	w := slot("new", minutesAgo(0), visit{key: 1})
	w.Build = strings.Repeat("x", stats.MaxBuild+1)
	f.saw("b", w)
	for _, got := range f.windows(stats.WindowQuery{From: w.From}) {
		equal(t, "bytes of a long build", len(got.Build), stats.MaxBuild)
	}
}

// named is a window of a route.
func named(route string, from time.Time) stats.LaneWindow {
	w := slot("new", from, visit{key: 1})
	w.Route = route
	return w
}

func windowsOfRoutes(t *testing.T, backend Backend) {
	f := open(t, backend)
	from := minutesAgo(1)
	f.saw("a", named("b", from), named("c", from), named("a", from))
	equal(t, "of all", namesOf(f.windows(stats.WindowQuery{})), []string{"a", "b", "c"})
	equal(t, "of two", namesOf(f.windows(stats.WindowQuery{Routes: []string{"c", "none", "a\x00", "a", "c"}})), []string{"a", "c"})
	equal(t, "of what cannot be", namesOf(f.windows(stats.WindowQuery{Routes: []string{"\xff"}})), []string{})
}

func windowsSince(t *testing.T, backend Backend) {
	f := open(t, backend)
	early, late := minutesAgo(8), minutesAgo(4)
	f.saw("a", named("b", early))
	_, between, err := f.Windows(t.Context(), stats.WindowQuery{})
	if err != nil {
		t.Fatal(err)
	}
	// Written later by all clocks: SQLite's has milliseconds.
	for now := between; !now.After(between); {
		if _, now, err = f.Windows(t.Context(), stats.WindowQuery{}); err != nil {
			t.Fatal(err)
		}
	}
	f.saw("a", named("a", early), named("c", late))
	for what, c := range map[string]struct {
		query stats.WindowQuery
		want  []string
	}{
		"written":             {stats.WindowQuery{Written: between.Add(time.Microsecond)}, []string{"a", "c"}},
		"written, of a route": {stats.WindowQuery{Written: between.Add(time.Microsecond), Routes: []string{"b", "c"}}, []string{"c"}},
		"ended":               {stats.WindowQuery{From: early.Add(stats.SlotLength)}, []string{"c"}},
		"ended later":         {stats.WindowQuery{From: early.Add(stats.SlotLength - time.Microsecond)}, []string{"a", "b", "c"}},
		"ended, of a route":   {stats.WindowQuery{From: early.Add(stats.SlotLength), Routes: []string{"b", "c"}}, []string{"c"}},
		"both":                {stats.WindowQuery{Written: between.Add(time.Microsecond), From: late}, []string{"c"}},
		"the future":          {stats.WindowQuery{Written: between.Add(time.Hour)}, []string{}},
	} {
		equal(t, what, namesOf(f.windows(c.query)), c.want)
	}
}

func windowsExposed(t *testing.T, backend Backend) {
	f := applied(t, backend)
	from := minutesAgo(1)
	f.saw("a", named("cart", from), named("orders-get", from), named("rest", from), named("gone", from))
	exposed := func() []string { return namesOf(f.windows(stats.WindowQuery{Exposed: true})) }
	equal(t, "in legacy", exposed(), []string{})
	f.move("cart", rollout.State{Stage: routing.StageShadow})
	equal(t, "in shadow", exposed(), []string{})
	f.move("cart", at(1))
	f.move("orders-get", rollout.State{Stage: routing.StageNew, Weight: routing.FullWeight})
	equal(t, "in canary and new", exposed(), []string{"cart", "orders-get"})
	equal(t, "of some", namesOf(f.windows(stats.WindowQuery{Exposed: true, Routes: []string{"rest", "cart"}})), []string{"cart"})
	f.move("orders-get", rollout.State{Stage: routing.StageRetired, Weight: routing.FullWeight})
	equal(t, "retired", exposed(), []string{"cart"})
}

func windowsRefused(t *testing.T, backend Backend) {
	f := open(t, backend)
	good, bad := named("a", minutesAgo(1)), named("a\x00", minutesAgo(1))
	if err := f.AddWindows(t.Context(), "a", []stats.LaneWindow{good, bad}); !errors.Is(err, rollout.ErrText) {
		t.Errorf("route: %v, want ErrText", err)
	}
	if err := f.AddWindows(t.Context(), "\xff", []stats.LaneWindow{good}); !errors.Is(err, rollout.ErrText) {
		t.Errorf("instance: %v, want ErrText", err)
	}
	bad = good
	bad.Side = "both"
	if err := f.AddWindows(t.Context(), "a", []stats.LaneWindow{good, bad}); err == nil || errors.Is(err, stats.ErrUncertain) {
		t.Errorf("side: %v, want a certain error", err)
	}
	equal(t, "windows", len(f.windows(stats.WindowQuery{})), 0)
}

func windowsLate(t *testing.T, backend Backend) {
	f := open(t, backend)
	f.saw("a", named("late", minutesAgo(12)), named("now", minutesAgo(0)), named("never", time.Time{}), named("old", minutesAgo(9)))
	equal(t, "those in time", namesOf(f.windows(stats.WindowQuery{})), []string{"now", "old"})
}

func windowsAhead(t *testing.T, backend Backend) {
	f := open(t, backend)
	ahead := minutesAgo(-60)
	f.saw("a", named("a", ahead))
	got := f.windows(stats.WindowQuery{})
	equal(t, "its own time", got[0].From, ahead)
	f.mustBehind("UPDATE lane_windows SET minute = minute - 3")
	f.foldWindows()
	spans := f.spans("a")
	if len(spans) != 1 || !spans[0].To.Before(time.Now()) {
		t.Errorf("%+v, want one minute of the past", spans)
	}
}

func windowsMalformed(t *testing.T, backend Backend) {
	f := open(t, backend)
	f.saw("a", named("a", minutesAgo(4)), named("b", minutesAgo(4)), named("b", minutesAgo(3)))
	f.mustBehind("UPDATE lane_windows SET seen = (SELECT revision_hash FROM store) WHERE route = 'a'") // which is empty
	equal(t, "windows", namesOf(f.windows(stats.WindowQuery{})), []string{"b", "b"})
	f.foldWindows()
	f.foldWindows()
	equal(t, "spans", []int{len(f.spans("a")), len(f.spans("b"))}, []int{0, 2})
	equal(t, "late, and not merged", f.rows("lane_windows WHERE late"), 0)
}

func windowsQuiet(t *testing.T, backend Backend) {
	f := applied(t, backend)
	before := f.load(nil)
	f.saw("a", named("cart", minutesAgo(4)))
	f.foldWindows()
	if f.load(before) != before {
		t.Error("windows made a new snapshot")
	}
}

func windowsCancelled(t *testing.T, backend Backend) {
	f := open(t, backend)
	if err := f.AddWindows(cancelled(), "a", []stats.LaneWindow{named("a", minutesAgo(1))}); err == nil || errors.Is(err, stats.ErrUncertain) {
		t.Errorf("%v, want an error that says it is certain", err)
	}
	equal(t, "windows", len(f.windows(stats.WindowQuery{})), 0)
}

// windowsOutlive removes a route and makes it again: what it did is still known.
func windowsOutlive(t *testing.T, backend Backend) {
	f := applied(t, backend)
	f.saw("a", named("cart", minutesAgo(4)))
	f.foldWindows()
	without := shop()
	without.Routes = without.Routes[1:]
	f.apply(without)
	f.apply(shop())
	equal(t, "windows", namesOf(f.windows(stats.WindowQuery{})), []string{"cart"})
	equal(t, "spans", len(f.spans("cart")), 1)
}

func windowsThresholds(t *testing.T, backend Backend) {
	f := applied(t, backend)
	thresholds := func() map[string]time.Duration {
		t.Helper()
		slow, err := f.Thresholds(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return slow
	}
	equal(t, "at first", thresholds(), map[string]time.Duration{})
	lease, err := f.Lease(t.Context(), "a", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	err = f.KeepDossiers(t.Context(), lease.Fence, []autopilot.Dossier{{Route: "cart", SlowOver: 1500 * time.Microsecond}, {Route: "rest"}})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "when known", thresholds(), map[string]time.Duration{"cart": 1500 * time.Microsecond})
}

func windowsWriters(t *testing.T, backend Backend) {
	f := applied(t, backend)
	recorders := func(within time.Duration) []string {
		t.Helper()
		names, err := f.Recorders(t.Context(), within)
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	equal(t, "at first", recorders(time.Minute), nil)
	for _, instance := range []string{"b", "a", "b"} {
		f.saw(instance, slot("new", minutesAgo(1), visit{key: 1}), slot("legacy", minutesAgo(1), visit{key: 1}))
	}
	equal(t, "lately", recorders(time.Minute), []string{"a", "b"})
	equal(t, "in no time", recorders(-time.Minute), nil)
}
