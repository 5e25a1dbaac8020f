package stats

import (
	"context"
	"time"
)

// SlotLength is how much time a LaneWindow covers at most when a router writes it.
// Slots begin at multiples of it, so that none crosses a minute.
const SlotLength = 5 * time.Second

// MaxRequestIDs is how many requests a LaneWindow names at most.
const MaxRequestIDs = 3

// LaneWindow is what was seen on one side of one route, while its requests were
// assigned in one way.
type LaneWindow struct {
	ID       int64  // of its row, ascending in no order that means anything; 0: it was not stored
	Instance string // the router; empty: all of them
	Route    string
	Side     string   // legacy or new
	Step     uint64   // revision by which this assignment began; 0: several
	Build    string   // of that side, as heard of last; empty: it does not say
	Requests []string // ids of some that failed, at most MaxRequestIDs
	Window
}

// WindowQuery selects LaneWindows.
type WindowQuery struct {
	Routes  []string  // empty: all
	Exposed bool      // only routes of which new serves something now
	Written time.Time // only what was written then or later, by the store's clock; zero: whatever is kept
	From    time.Time // only what ended after it; zero: whatever is kept
}

// Total is what one side of a route did over days, in key-minutes of whole minutes.
type Total struct {
	Requests uint64
	Exposed  uint64
	Failed   uint64
	Slowed   uint64
}

// WindowSink is the store as a router needs it that writes windows.
type WindowSink interface {
	// AddWindows writes what one router saw. After an error nothing was written,
	// unless it matches ErrUncertain.
	AddWindows(ctx context.Context, instance string, windows []LaneWindow) error
	// Thresholds returns by route what is slow: longer than legacy's p95. Routes
	// of which that is not known are left out.
	Thresholds(ctx context.Context) (map[string]time.Duration, error)
}

// WindowReader is the store as those need it who judge, and who draw.
type WindowReader interface {
	// Windows returns the windows as they were written, each with its hashes. They
	// are kept for WindowsKept.
	Windows(ctx context.Context, query WindowQuery) (windows []LaneWindow, read time.Time, err error)
	// Spans returns what all routers saw together, by route, side and time: windows
	// settled and merged to minutes, and after MinutesKept to hours. From is rounded
	// down to what there is.
	Spans(ctx context.Context, routes []string, from time.Time) ([]LaneWindow, error)
	// Totals adds up what the legacy side of each route did since then.
	Totals(ctx context.Context, routes []string, since time.Time) (map[string]Total, error)
	// FoldWindows merges and settles the windows of minutes that are over, folds
	// old minutes to hours, and forgets what is too old. It does no harm to do it
	// twice, nor on several routers at once.
	FoldWindows(ctx context.Context) error
}

// How long what is kept: windows as they were written, minutes, and hours.
const (
	WindowsKept = 15 * time.Minute
	MinutesKept = 6 * time.Hour
	HoursKept   = 7 * 24 * time.Hour
)
