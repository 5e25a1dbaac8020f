package stats_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/stats"
)

// windowSink is a store whose errors a test chooses.
type windowSink struct {
	mu      sync.Mutex               // guards away and hangs
	away    func() error             // nil: it is there
	hangs   bool                     // it does not answer
	slow    map[string]time.Duration // what it says is slow
	written []stats.LaneWindow
	batches []string // when each write came, and how many windows it had
	asked   int
}

func (s *windowSink) AddWindows(ctx context.Context, instance string, windows []stats.LaneWindow) error {
	if instance != "router-1" {
		return errors.New("another instance")
	}
	s.batches = append(s.batches, fmt.Sprintf("%s %d", time.Now().Format("04:05.000"), len(windows)))
	s.mu.Lock()
	away, hangs := s.away, s.hangs
	s.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	if away != nil {
		return away()
	}
	s.written = append(s.written, windows...)
	return nil
}

// back ends what is wrong with the store.
func (s *windowSink) back() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away, s.hangs = nil, false
}

func (s *windowSink) Thresholds(context.Context) (map[string]time.Duration, error) {
	s.asked++
	return s.slow, nil
}

func (s *windowSink) requests() (n uint64) {
	for i := range s.written {
		n += s.written[i].Window.Requests()
	}
	return n
}

// flushing runs a WindowFlusher for as long as the test, from a moment that is not
// the end of a slot.
func flushing(to *windowSink, log *bytes.Buffer) (board *stats.Board, stop func()) {
	time.Sleep(1300 * time.Millisecond)
	board = stats.NewBoard(time.Now())
	flusher := &stats.WindowFlusher{Board: board, Sink: to, Instance: "router-1", Logger: slog.New(slog.NewTextHandler(log, nil))}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { flusher.Run(ctx); close(done) }()
	return board, func() { cancel(); <-done }
}

func TestWindowsAreWrittenAtTheEndOfEachSlotAndAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &windowSink{}
		board, stop := flushing(to, new(bytes.Buffer))
		lane := board.Lane("orders", "new")
		for range 2 {
			lane.Record(drawn(1), 0, "")
			time.Sleep(5 * time.Second)
		}
		time.Sleep(5 * time.Second) // nothing was seen: nothing is written
		lane.Record(drawn(1), 0, "")
		synctest.Wait()
		asked := to.asked
		stop()
		if diff := gocmp.Diff([]string{"00:05.000 1", "00:10.000 1", "00:16.300 1"}, to.batches); diff != "" {
			t.Errorf("writes (-want +got):\n%s", diff)
		}
		if asked != 3 || to.asked != asked {
			t.Errorf("what is slow was asked %d times, %d after the end; want 3 and 3", asked, to.asked)
		}
		if first := to.written[0]; first.To.Second() != 5 || first.From.Nanosecond() == 0 {
			t.Errorf("the first window is from %v to %v, want from the beginning to the end of the slot", first.From, first.To)
		}
	})
}

func TestWhatTheStoreSaysIsSlowIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &windowSink{slow: map[string]time.Duration{"orders": time.Millisecond}}
		board, stop := flushing(to, new(bytes.Buffer))
		s := drawn(1)
		s.Took = time.Second
		for range 2 {
			board.Lane("orders", "new").Record(s, 0, "")
			time.Sleep(5 * time.Second)
		}
		stop()
		if a, b := to.written[0].Slow, to.written[1].Slow; a != 0 || b != 1 {
			t.Errorf("slow were %d and %d requests, want 0 before it was known and 1 then", a, b)
		}
	})
}

func TestWindowsWaitForAStoreThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		to := &windowSink{away: func() error { return errors.New("away") }}
		board, stop := flushing(to, &log)
		lane := board.Lane("orders", "new")
		for range 3 {
			lane.Record(drawn(1), 0, "")
			time.Sleep(5 * time.Second)
		}
		to.back()
		time.Sleep(5 * time.Second)
		stop()
		if diff := gocmp.Diff([]string{"00:05.000 1", "00:10.000 2", "00:15.000 3", "00:20.000 3"}, to.batches); diff != "" {
			t.Errorf("writes (-want +got):\n%s", diff)
		}
		if n := to.requests(); n != 3 {
			t.Errorf("%d requests were written, want 3", n)
		}
		if n := strings.Count(log.String(), "could not be brought to the store"); n != 1 {
			t.Errorf("said %d times, want once:\n%s", n, log.String())
		}
		if to.asked != 1 {
			t.Errorf("a store that is away was asked %d times more, want 1 after it came back", to.asked)
		}
	})
}

// Windows end with their slots, also those that nobody can be given.
func TestAStoreThatHangsDelaysNoWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &windowSink{hangs: true}
		board, stop := flushing(to, new(bytes.Buffer))
		for range 3 {
			board.Lane("orders", "new").Record(drawn(1), 0, "")
			time.Sleep(5 * time.Second)
		}
		to.back()
		time.Sleep(5 * time.Second)
		stop()
		var ends []int
		for i := range to.written {
			ends = append(ends, to.written[i].To.Second())
		}
		if !slices.Equal(ends, []int{5, 10, 15}) {
			t.Errorf("windows end at %v, want 5, 10 and 15", ends)
		}
	})
}

func TestWhatPerhapsWasWrittenIsNotWrittenTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &windowSink{away: func() error { return fmt.Errorf("cut off: %w", stats.ErrUncertain) }}
		board, stop := flushing(to, new(bytes.Buffer))
		board.Lane("orders", "new").Record(drawn(1), 0, "")
		time.Sleep(5 * time.Second)
		to.back()
		stop()
		if diff := gocmp.Diff([]string{"00:05.000 1"}, to.batches); diff != "" {
			t.Errorf("writes (-want +got):\n%s", diff)
		}
	})
}

func TestWhatIsOlderThanIsKeptIsNotWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &windowSink{away: func() error { return errors.New("away") }}
		board, stop := flushing(to, new(bytes.Buffer))
		lane := board.Lane("orders", "new")
		for range 40 {
			lane.Record(drawn(1), 0, "")
			time.Sleep(time.Minute)
		}
		to.back()
		stop()
		if n := len(to.written); n != 15 {
			t.Errorf("%d windows were written after 40 minutes, want those of the last 15", n)
		}
	})
}

func TestThereIsABoundToWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &windowSink{away: func() error { return errors.New("away") }}
		board, stop := flushing(to, new(bytes.Buffer))
		for slot := range uint64(5) {
			for route := range 500 {
				board.Lane(fmt.Sprint("route-", route), "new").Record(drawn(slot), slot, "")
			}
			time.Sleep(5 * time.Second)
		}
		to.back()
		stop()
		oldest := slices.MinFunc(to.written, func(a, b stats.LaneWindow) int { return a.To.Compare(b.To) })
		if n := len(to.written); n != 2048 || oldest.To.Second() != 5 {
			t.Errorf("%d windows were written, the oldest until %v; want the newest 2048", n, oldest.To)
		}
	})
}

// A router of many routes loses nothing while the store is there.
func TestABusySlotIsWrittenWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &windowSink{}
		board, stop := flushing(to, new(bytes.Buffer))
		for route := range 1500 {
			board.Lane(fmt.Sprint("route-", route), "new").Record(drawn(1), 1, "")
			board.Lane(fmt.Sprint("route-", route), "legacy").Record(drawn(2), 1, "")
		}
		time.Sleep(5 * time.Second)
		stop()
		if n := to.requests(); n != 3000 {
			t.Errorf("%d requests were written, want 3000", n)
		}
	})
}
