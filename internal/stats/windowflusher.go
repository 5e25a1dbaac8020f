package stats

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/stranglerfig/strangler/internal/flush"
)

// mostPending is how many windows wait for a store that is away, at most, beside those
// of the newest slot. Each takes 9 KiB as a rule, and 33 KiB at most.
const mostPending = 2048

// slack is how late a timer may fire and still stand for the end of its slot.
const slack = 250 * time.Millisecond

// WindowFlusher writes what one router saw on its lanes, slot by slot, and learns
// what is slow.
type WindowFlusher struct {
	Board    *Board
	Sink     WindowSink
	Instance string
	Logger   *slog.Logger

	pending []LaneWindow // not written yet, the oldest first; owned by Run
	failing bool         // the last write failed; owned likewise
}

// Run writes at the end of each slot until ctx ends, and then once more. It may be
// called once.
func (f *WindowFlusher) Run(ctx context.Context) {
	flush.Loop{Aligned: true, Write: func(writing context.Context) {
		err := f.write(writing)
		if err == nil && ctx.Err() == nil { // nobody is slow any more where a router stops
			err = f.learn(writing)
		}
		if err != nil && !f.failing {
			f.Logger.Warn("what this router saw of its lanes could not be brought to the store: it is tried again, and meanwhile gates know less",
				"instance", f.Instance, "error", err)
		}
		f.failing = err != nil
	}}.Run(ctx)
}

// write writes what piled up. What certainly was not written is kept; what perhaps
// was is dropped, for counting it twice would be worse.
func (f *WindowFlusher) write(ctx context.Context) error {
	now := slotEnd(time.Now())
	f.forget(now.Add(-WindowsKept))
	f.pending = append(f.pending, f.Board.Drain(now)...)
	if len(f.pending) == 0 {
		return nil
	}
	err := f.Sink.AddWindows(ctx, f.Instance, f.pending)
	if err == nil || errors.Is(err, ErrUncertain) {
		f.pending = nil
	}
	return err
}

// forget leaves out what ended before a moment, and of the oldest what is too much.
func (f *WindowFlusher) forget(before time.Time) {
	first := max(len(f.pending)-mostPending, 0)
	for first < len(f.pending) && f.pending[first].To.Before(before) {
		first++
	}
	f.pending = f.pending[first:]
}

// learn asks what is slow. Where that cannot be answered, it stays as it was.
func (f *WindowFlusher) learn(ctx context.Context) error {
	slow, err := f.Sink.Thresholds(ctx)
	if err == nil {
		f.Board.SetSlow(slow)
	}
	return err
}

// slotEnd is the end of the slot for which a timer fired: windows end with their
// minute, and not some milliseconds later.
func slotEnd(now time.Time) time.Time {
	if end := now.Round(SlotLength); now.Sub(end).Abs() <= slack {
		return end
	}
	return now
}
