package stats_test

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/stats"
)

// told is what a window says besides its numbers, and how many requests it has.
type told struct {
	Route, Side string
	Step        uint64
	Build       string
	IDs         []string
	Requests    uint64
	Exposed     uint64
}

func tell(windows []stats.LaneWindow) []told {
	var all []told
	for i := range windows {
		w := &windows[i]
		all = append(all, told{w.Route, w.Side, w.Step, w.Build, w.Requests, w.Window.Requests(), w.Exposed.Count()})
	}
	slices.SortFunc(all, func(a, b told) int {
		return cmp.Or(cmp.Compare(a.Route, b.Route), cmp.Compare(a.Side, b.Side), cmp.Compare(a.Step, b.Step))
	})
	return all
}

func expectTold(t *testing.T, windows []stats.LaneWindow, want ...told) {
	t.Helper()
	if diff := gocmp.Diff(want, tell(windows)); diff != "" {
		t.Errorf("windows (-want +got):\n%s", diff)
	}
}

func drawn(key uint64) stats.Sample { return stats.Sample{Key: key, At: noon, Drawn: true} }

func failing(key uint64) stats.Sample {
	return stats.Sample{Key: key, At: noon, Class: 4, Failed: true, Drawn: true}
}

func TestALaneIsTheSameForEver(t *testing.T) {
	b := stats.NewBoard(noon)
	lane := b.Lane("orders", "new")
	if b.Lane("orders", "new") != lane || b.Lane("orders", "legacy") == lane || b.Lane("carts", "new") == lane {
		t.Error("a lane is known by its route and side")
	}
	expectTold(t, b.Drain(noon))
}

func TestARequestCountsInTheStepByWhichItWasAssigned(t *testing.T) {
	b := stats.NewBoard(noon)
	b.SetStep("orders", 7, noon)
	lane, other := b.Lane("orders", "new"), b.Lane("carts", "new")
	lane.Record(drawn(1), 7, "")
	other.Record(drawn(1), 7, "")
	b.SetStep("orders", 12, noon.Add(2*time.Second))
	lane.Record(drawn(2), 12, "")
	lane.Record(drawn(3), 14, "") // of a later table, in which another route moved
	lane.Record(drawn(4), 11, "") // it took its time
	windows := b.Drain(noon.Add(5 * time.Second))
	expectTold(t, windows,
		told{Route: "carts", Side: "new", Requests: 1, Exposed: 1},
		told{Route: "orders", Side: "new", Step: 7, Requests: 1, Exposed: 1},
		told{Route: "orders", Side: "new", Step: 7, Requests: 1, Exposed: 1},
		told{Route: "orders", Side: "new", Step: 12, Requests: 2, Exposed: 2},
	)
	var spans []string
	for i := range windows {
		if w := &windows[i]; w.Route == "orders" {
			spans = append(spans, fmt.Sprintf("%d: %s to %s", w.Step, w.From.Format("05"), w.To.Format("05")))
		}
	}
	slices.Sort(spans)
	if diff := gocmp.Diff([]string{"12: 02 to 05", "7: 00 to 02", "7: 02 to 05"}, spans); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
}

func TestWhatIsOlderThanTheStepBeforeIsNotJudged(t *testing.T) {
	b := stats.NewBoard(noon)
	lane := b.Lane("orders", "new")
	for step := range uint64(3) {
		b.SetStep("orders", 10+step, noon)
	}
	lane.Record(failing(1), 10, "slow-one")
	expectTold(t, b.Drain(noon), told{Route: "orders", Side: "new", Step: 11, Requests: 1})
}

func TestTheSameStepCutsNothing(t *testing.T) {
	b := stats.NewBoard(noon)
	b.SetStep("orders", 7, noon)
	b.Lane("orders", "legacy").Record(drawn(1), 7, "")
	b.SetStep("orders", 7, noon.Add(time.Second))
	b.Lane("orders", "legacy").Record(drawn(2), 9, "")
	expectTold(t, b.Drain(noon), told{Route: "orders", Side: "legacy", Step: 7, Requests: 2, Exposed: 2})
}

func TestAWindowNamesThreeThatFailed(t *testing.T) {
	b := stats.NewBoard(noon)
	lane := b.Lane("orders", "new")
	lane.Record(drawn(1), 1, "fine")
	lane.Record(stats.Sample{Key: 1, At: noon, Failed: true}, 1, "of a tester")
	for i := range 5 {
		lane.Record(failing(2), 1, fmt.Sprint("bad-", i))
	}
	expectTold(t, b.Drain(noon), told{
		Route: "orders", Side: "new", IDs: []string{"bad-0", "bad-1", "bad-2"}, Requests: 7, Exposed: 2,
	})
	lane.Record(failing(2), 1, "bad-5")
	expectTold(t, b.Drain(noon), told{Route: "orders", Side: "new", IDs: []string{"bad-5"}, Requests: 1, Exposed: 1})
}

func TestAWindowSaysOfWhichBuildItIs(t *testing.T) {
	b := stats.NewBoard(noon)
	lane := b.Lane("orders", "new")
	lane.Record(drawn(1), 1, "")
	lane.Heard("v1")
	lane.Heard("v2")
	expectTold(t, b.Drain(noon), told{Route: "orders", Side: "new", Build: "v2", Requests: 1, Exposed: 1})
	lane.Record(drawn(1), 1, "")
	b.Lane("orders", "legacy").Record(drawn(1), 1, "")
	expectTold(t, b.Drain(noon),
		told{Route: "orders", Side: "legacy", Requests: 1, Exposed: 1},
		told{Route: "orders", Side: "new", Build: "v2", Requests: 1, Exposed: 1})
}

func TestWhatOthersCallSomethingIsKeptLegibly(t *testing.T) {
	b := stats.NewBoard(noon)
	lane := b.Lane("orders", "new")
	lane.Heard("v\xff\x001")
	lane.Record(failing(1), 1, "\xc3("+strings.Repeat("é", 100))
	expectTold(t, b.Drain(noon), told{
		Route: "orders", Side: "new", Build: "v\uFFFD1", IDs: []string{"\uFFFD(" + strings.Repeat("é", 63)}, Requests: 1, Exposed: 1,
	})
}

// What is slow holds for both sides, for lanes that are made later, and in the
// next step.
func TestWhatIsSlowIsSaidByRoute(t *testing.T) {
	b := stats.NewBoard(noon)
	record := func() {
		for _, route := range []string{"orders", "carts"} {
			for _, side := range []string{"legacy", "new"} {
				s := drawn(1)
				s.Took = 300 * time.Millisecond
				b.Lane(route, side).Record(s, 9, "")
			}
		}
	}
	slow := func() (slowed []string) {
		windows := b.Drain(noon)
		for i := range windows {
			if w := &windows[i]; w.Slowed.Count() > 0 {
				slowed = append(slowed, w.Route+" "+w.Side)
			}
		}
		slices.Sort(slowed)
		return slowed
	}
	b.Lane("orders", "legacy")
	b.SetSlow(map[string]time.Duration{"orders": 200 * time.Millisecond, "carts": time.Second})
	for _, step := range []uint64{0, 3, 4} {
		b.SetStep("orders", step, noon)
		record()
		if got := slow(); !slices.Equal(got, []string{"orders legacy", "orders new"}) {
			t.Errorf("in step %d slow are %q, want both sides of orders", step, got)
		}
	}
	b.SetSlow(nil)
	record()
	if got := slow(); len(got) > 0 {
		t.Errorf("slow are %q, want none where nobody knows what is", got)
	}
}

// Steps follow each other while requests end that were assigned by this one or the
// one before. No window has a request of another step, and none is lost.
func TestNothingIsLostOrMixedWhileStepsChange(t *testing.T) {
	const workers, each, steps = 4, 20_000, 40
	b := stats.NewBoard(noon)
	b.SetStep("orders", 1, noon)
	lane := b.Lane("orders", "new")
	var serving atomic.Uint64 // the newest table
	serving.Store(1)
	var recording sync.WaitGroup
	var ended atomic.Int32
	for range workers {
		recording.Go(func() {
			defer ended.Add(1)
			for i := range each {
				revision := serving.Load()
				if i%3 == 0 {
					runtime.Gosched() // the request is under way
				}
				s := drawn(revision)
				s.Class = uint8(revision % stats.Classes) // tells where it belongs
				lane.Record(s, revision, "")
			}
		})
	}
	var windows []stats.LaneWindow
	for step := uint64(2); ended.Load() < workers; step++ {
		if step <= steps {
			b.SetStep("orders", step, noon)
			serving.Store(step)
		}
		windows = append(windows, b.Drain(noon)...)
		runtime.Gosched()
	}
	recording.Wait()
	var total, judged uint64
	for _, w := range append(windows, b.Drain(noon)...) {
		total += w.Window.Requests()
		judged += w.Exposed.Count()
		if keys := w.Exposed.Count(); keys > 1 || keys == 1 && w.Classes[w.Step%stats.Classes] == 0 {
			t.Fatalf("the window of step %d has %d keys and classes %v: each step has a key and a class of its own here", w.Step, keys, w.Classes)
		}
	}
	if total != workers*each || judged == 0 {
		t.Errorf("%d requests in windows, want %d", total, workers*each)
	}
}

func TestRecordingOnABoardAllocatesNothing(t *testing.T) {
	b := stats.NewBoard(noon)
	b.SetStep("orders", 3, noon)
	lane := b.Lane("orders", "new")
	lane.Heard("v1")
	s := drawn(1)
	s.Took = time.Millisecond
	lane.Record(s, 3, "")
	if n := testing.AllocsPerRun(1000, func() { lane.Heard("v1"); lane.Record(s, 3, "id") }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
