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

// MaxBuild is how many bytes of a build's name are kept.
const MaxBuild = 128

// LaneWindow is what was seen on one side of one route, while its requests were
// assigned in one way.
type LaneWindow struct {
	ID       int64  // of its row, ascending in no order that means anything; 0: it was not stored
	Instance string // the router; empty: all of them
	Route    string
	Side     string   // legacy or new
	Step     uint64   // revision by which this assignment began; 0: several
	Build    string   // of that side, as heard of last: any bytes, at most MaxBuild; empty: it does not say
	Requests []string // ids of some that failed: any bytes, at most MaxRequestIDs
	Window
}

// WindowQuery selects LaneWindows.
type WindowQuery struct {
	Routes  []string  // empty: all
	Exposed bool      // only routes of which new serves something now
	Written time.Time // only what was written then or later, by the store's clock; zero: whatever is kept
	From    time.Time // only what ended after it; zero: whatever is kept

	Met func(id int64) bool // what it holds true of is left out, and costs little; nil: nothing
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
	// unless it matches ErrUncertain. A window lies in one minute, that in which it
	// ends. One that comes more than ten minutes later, by the store's clock, is left
	// out without an error: its minute has been merged. One that lies ahead of that
	// clock counts in the present minute.
	AddWindows(ctx context.Context, instance string, windows []LaneWindow) error
	// Thresholds returns by route what is slow: longer than legacy's p95. Routes
	// of which that is not known are left out.
	Thresholds(ctx context.Context) (map[string]time.Duration, error)
}

// WindowReader is the store as those need it who judge, and who draw.
type WindowReader interface {
	// Windows returns the windows as they were written, each with its hashes, by
	// route and end. They are kept for WindowsKept. Read is the store's clock at the
	// time of reading: whoever asks again for what was written since 15 seconds before
	// it misses nothing, and knows by ID what he has had.
	Windows(ctx context.Context, query WindowQuery) (windows []LaneWindow, read time.Time, err error)
	// Spans returns what all routers saw together on some routes, by route, side and
	// time: each is a whole minute, settled, or after MinutesKept a whole hour, and
	// has neither instance nor step, build or requests. The first is that in which
	// from lies. A minute is there when it has been over for two, and somebody has
	// folded; minutes in which a side saw nothing are left out.
	Spans(ctx context.Context, routes []string, from time.Time) ([]LaneWindow, error)
	// Totals adds up the spans of the legacy side of some routes that began since
	// then. Routes without any are left out.
	Totals(ctx context.Context, routes []string, since time.Time) (map[string]Total, error)
	// Latencies returns how long the legacy side of each of some routes took, in the
	// spans from that on in which from lies. It takes the memory of one Histogram for
	// each route, and not for each span. Routes without any are left out.
	Latencies(ctx context.Context, routes []string, from time.Time) (map[string]*Histogram, error)
	// FoldWindows merges and settles the windows of minutes that have been over for
	// two, also those that came late, folds old minutes to hours, and forgets what is
	// too old. It is to be called every minute; it does no harm to do it twice, nor on
	// several routers at once. What it was doing when it failed is done the next time.
	FoldWindows(ctx context.Context) error
}

// How long what is kept: windows as they were written, minutes, and hours.
const (
	WindowsKept = 15 * time.Minute
	MinutesKept = 6 * time.Hour
	HoursKept   = 7 * 24 * time.Hour
)
