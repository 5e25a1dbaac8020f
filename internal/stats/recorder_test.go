package stats_test

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/stats"
)

// noon is the beginning of a minute.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// hashed returns n numbers as good as random, the same ones for the same seed.
func hashed(seed uint64, n int) []uint64 {
	return draw(rand.New(rand.NewPCG(8, seed)), n)
}

// numbers are those of a window that are exact.
type numbers struct {
	Requests, Failures, Fallbacks, Slow, Measured, Exposed, Failed, Slowed uint64
}

func numbersOf(w *stats.Window) numbers {
	return numbers{
		w.Requests(), w.Failures, w.Fallbacks, w.Slow, w.Latency.Count(), w.Exposed.Count(), w.Failed.Count(), w.Slowed.Count(),
	}
}

func expect(t *testing.T, w *stats.Window, want numbers) {
	t.Helper()
	if diff := gocmp.Diff(want, numbersOf(w)); diff != "" {
		t.Errorf("window (-want +got):\n%s", diff)
	}
}

func TestAWindowHasWhatWasRecorded(t *testing.T) {
	r := stats.NewRecorder(noon)
	r.SetSlow(100 * time.Millisecond)
	for _, s := range []stats.Sample{
		{Key: 1, At: noon, Took: 20 * time.Millisecond, Drawn: true},
		{Key: 1, At: noon, Took: 100 * time.Millisecond, Drawn: true},
		{Key: 2, At: noon, Took: 101 * time.Millisecond, Drawn: true},
		{Key: 2, At: noon, Took: 3 * time.Second, Class: 3, Failed: true, Drawn: true},
		{Key: 2, At: noon, Class: 8, Drawn: true}, // not measured
		{Key: 3, At: noon, Took: 5 * time.Millisecond, Class: 4, Failed: true, Fallback: true, Drawn: true},
		{Key: 3, At: noon.Add(time.Minute), Took: -1, Class: 200, Drawn: true},
		{Key: 9, At: noon, Took: 3 * time.Second, Class: 3, Failed: true, Fallback: true}, // not drawn: its key does not count
		{Key: 10, At: noon, Class: 8, Stumbled: true, Drawn: true},                        // no failure in the end, and one of its key-minute
	} {
		r.Record(s)
	}
	w := r.Drain(noon.Add(5 * time.Second))
	expect(t, &w, numbers{Requests: 9, Failures: 3, Fallbacks: 2, Slow: 3, Measured: 6, Exposed: 5, Failed: 3, Slowed: 1})
	if want := [stats.Classes]uint64{0: 3, 3: 2, 4: 1, 8: 2, 15: 1}; w.Classes != want {
		t.Errorf("classes %v, want %v", w.Classes, want)
	}
	if q := w.Latency.Quantile(1); q.Low > 3*time.Second || q.High <= 3*time.Second {
		t.Errorf("the slowest lies in [%v, %v), want 3s in it", q.Low, q.High)
	}
	if !w.From.Equal(noon) || !w.To.Equal(noon.Add(5*time.Second)) {
		t.Errorf("from %v to %v, want five seconds from noon", w.From, w.To)
	}
	w = r.Drain(noon.Add(10 * time.Second))
	expect(t, &w, numbers{})
	if !w.From.Equal(noon.Add(5 * time.Second)) {
		t.Errorf("the second window begins at %v, want where the first ended", w.From)
	}
}

func TestNothingIsSlowUntilItIsSaidWhatIs(t *testing.T) {
	r := stats.NewRecorder(noon)
	r.Record(stats.Sample{Key: 1, At: noon, Took: time.Hour, Drawn: true})
	r.SetSlow(time.Second)
	r.Record(stats.Sample{Key: 2, At: noon, Took: time.Hour, Drawn: true})
	r.SetSlow(-time.Second)
	r.Record(stats.Sample{Key: 3, At: noon, Took: time.Hour, Drawn: true})
	w := r.Drain(noon)
	expect(t, &w, numbers{Requests: 3, Measured: 3, Slow: 1, Exposed: 3, Slowed: 1})
}

// By a clock that was set back, requests count in the minute that it shows.
func TestAClockThatIsSetBack(t *testing.T) {
	r := stats.NewRecorder(noon)
	back := noon.Add(-time.Hour)
	r.Record(stats.Sample{Key: 1, At: back, Drawn: true})
	w := r.Drain(back.Add(5 * time.Second))
	if want := back.Add(5 * time.Second); !w.From.Equal(want) || !w.To.Equal(want) || w.Exposed.Count() != 1 {
		t.Errorf("the first window is from %v to %v with %d key-minutes, want %v and one", w.From, w.To, w.Exposed.Count(), want)
	}
	r.Record(stats.Sample{Key: 1, At: back, Drawn: true})
	if w = r.Drain(back.Add(10 * time.Second)); !w.From.Equal(back.Add(5*time.Second)) || !w.To.Equal(back.Add(10*time.Second)) {
		t.Errorf("the next one is from %v to %v", w.From, w.To)
	}
}

// A key counts once a minute, in whichever windows and on whichever routers it is
// seen.
func TestAKeyCountsOnceAMinute(t *testing.T) {
	routers := []*stats.Recorder{stats.NewRecorder(noon), stats.NewRecorder(noon)}
	var all stats.Window
	for second := range 120 {
		at := noon.Add(time.Duration(second) * time.Second)
		for n, r := range routers {
			for key := range uint64(200) {
				r.Record(stats.Sample{Key: key, At: at, Failed: key < 7 && n == 1, Drawn: true})
			}
			if second%5 == 4 {
				w := r.Drain(at)
				all.Merge(&w)
			}
		}
	}
	expect(t, &all, numbers{Requests: 48_000, Failures: 840, Exposed: 400, Failed: 14})
}

// exposed returns the keys of one window.
func exposed(r *stats.Recorder, keys []uint64) *stats.Distinct {
	for _, key := range keys {
		r.Record(stats.Sample{Key: key, At: noon, Drawn: true})
	}
	w := r.Drain(noon)
	return &w.Exposed
}

func TestManyKeysAreCountedAsADistinctCountsThem(t *testing.T) {
	sizes := []int{1023, 1536, 5000, 100_000}
	for n := range 400 {
		sizes = append(sizes, 1537+n%20) // soon after the first are rejected
	}
	for seed, size := range sizes {
		keys := hashed(uint64(seed), size)
		parts := new(stats.Distinct) // the same, in windows that are never full
		small := stats.NewRecorder(noon)
		for from := 0; from < size; from += 500 {
			parts.Merge(exposed(small, keys[from:min(from+500, size)]))
		}
		got := exposed(stats.NewRecorder(noon), slices.Concat(keys, keys))
		if diff := gocmp.Diff(parts, got, unexported); diff != "" {
			t.Fatalf("%d keys (-merged of small windows +of one):\n%s", size, diff)
		}
		if n := got.Count(); n < uint64(size)*85/100 || n > uint64(size)*115/100 {
			t.Errorf("%d keys are counted as %d", size, n)
		}
	}
}

func TestAfterAFullWindowTheNextCountsExactly(t *testing.T) {
	r := stats.NewRecorder(noon)
	for seed := range uint64(4) { // both tallies twice
		exposed(r, hashed(20+seed, 20_000))
	}
	for seed := range uint64(2) {
		if n := exposed(r, hashed(30+seed, 700)).Count(); n != 700 {
			t.Errorf("700 keys are counted as %d", n)
		}
	}
}

func TestKeysThatFollowEachOtherAreCountedAsWell(t *testing.T) {
	keys := make([]uint64, 50_000)
	for i := range keys {
		keys[i] = uint64(i)
	}
	if got := exposed(stats.NewRecorder(noon), keys).Count(); got < 45_000 || got > 55_000 {
		t.Errorf("50000 keys in a row are counted as %d", got)
	}
}

// storm records from several goroutines while another drains. Every request fails,
// is slow and falls back, so that a window that had but a part of one would show.
func storm(t *testing.T, each int, key func(worker, i int) uint64) (all stats.Window) {
	t.Helper()
	r := stats.NewRecorder(noon)
	r.SetSlow(1)
	var recording sync.WaitGroup
	var ended atomic.Bool
	for worker := range 4 {
		recording.Go(func() {
			for i := range each {
				r.Record(stats.Sample{Key: key(worker, i), At: noon, Took: time.Duration(i+2) * time.Microsecond, Class: 4, Failed: true, Fallback: true, Drawn: true})
			}
		})
	}
	go func() { recording.Wait(); ended.Store(true) }()
	for last := false; !last; {
		last = ended.Load()
		w := r.Drain(noon)
		n := w.Requests()
		if w.Failures != n || w.Fallbacks != n || w.Slow != n || w.Latency.Count() != n || w.Classes[4] != n {
			t.Fatalf("a window has parts of requests: %+v", numbersOf(&w))
		}
		if diff := gocmp.Diff(&w.Exposed, &w.Failed, unexported); diff != "" {
			t.Fatalf("a window has other keys that failed than it has keys:\n%s", diff)
		}
		all.Merge(&w)
		runtime.Gosched()
	}
	return all
}

func TestNothingIsLostBetweenRecordAndDrain(t *testing.T) {
	all := storm(t, 20_000, func(_, i int) uint64 { return uint64(i % 900) })
	expect(t, &all, numbers{
		Requests: 80_000, Failures: 80_000, Fallbacks: 80_000, Slow: 80_000, Measured: 80_000, Exposed: 900, Failed: 900, Slowed: 900,
	})
}

func TestNoKeyIsLostAmongMany(t *testing.T) {
	keys := hashed(1, 40_000)
	all := storm(t, 10_000, func(worker, i int) uint64 { return keys[10_000*worker+i] })
	if diff := gocmp.Diff(exposed(stats.NewRecorder(noon), keys), &all.Exposed, unexported); diff != "" {
		t.Errorf("keys (-of one goroutine +of four):\n%s", diff)
	}
}

func TestRecordingAllocatesNothing(t *testing.T) {
	r := stats.NewRecorder(noon)
	keys := hashed(2, 5000)
	next := 0
	record := func() {
		r.Record(stats.Sample{Key: keys[next%len(keys)], At: noon, Took: time.Millisecond, Failed: true, Drawn: true})
		next++
	}
	for range keys {
		record()
	}
	if n := testing.AllocsPerRun(2*len(keys), record); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// held returns how many bytes each of a number of recorders keeps after made made
// it.
func held(recorders int, made func() *stats.Recorder) uint64 {
	kept := make([]*stats.Recorder, recorders)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range kept {
		kept[i] = made()
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(kept)
	return (max(after.HeapAlloc, before.HeapAlloc) - before.HeapAlloc) / uint64(recorders)
}

func TestMemoryOfALane(t *testing.T) {
	busy := hashed(3, 3000)
	recordAll := func(r *stats.Recorder) {
		for i, key := range busy {
			r.Record(stats.Sample{Key: key, At: noon, Took: time.Microsecond << (i % 32), Failed: true, Drawn: true})
		}
	}
	for _, c := range []struct {
		name      string
		recorders int
		most      uint64
		made      func(*stats.Recorder)
	}{
		{"that sees nothing", 2000, 300, func(*stats.Recorder) {}},
		{"that sees a request now and then", 2000, 3 << 10, func(r *stats.Recorder) {
			for range 4 {
				r.Record(stats.Sample{Key: 1, At: noon, Took: time.Millisecond, Drawn: true})
				r.Drain(noon)
			}
		}},
		{"of which everything fails", 30, 120 << 10, func(r *stats.Recorder) {
			r.SetSlow(1)
			for range 2 {
				recordAll(r)
				r.Drain(noon)
			}
		}},
		{"that has become quiet", 30, 300, func(r *stats.Recorder) {
			recordAll(r)
			for range 3 {
				r.Drain(noon)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := held(c.recorders, func() *stats.Recorder {
				r := stats.NewRecorder(noon)
				c.made(r)
				return r
			})
			t.Logf("%d bytes", got)
			if got > c.most {
				t.Errorf("%d bytes, want %d at most", got, c.most)
			}
		})
	}
}
