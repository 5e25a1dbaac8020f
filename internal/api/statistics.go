package api

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/stats"
)

// How far back statistics go that are not told.
const defaultStatistics = time.Hour

// The resolutions.
const (
	byMinute = "minute"
	bySlot   = "slot"
)

// GetStatistics answers with what both sides of a route served.
func (s *server) GetStatistics(w http.ResponseWriter, r *http.Request, route string, params wire.GetStatisticsParams) {
	from, slots, err := statisticsFrom(params)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if _, _, err := s.readRoute(w, r, route); err != nil {
		s.fail(w, r, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), evidenceFor)
	defer cancel()
	answer := wire.RouteStatistics{Route: route, Points: []wire.StatisticsPoint{}}
	seen, err := s.seen(ctx, route, from, slots)
	if err != nil {
		s.fail(w, r, s.unread(err))
		return
	}
	for i := range seen {
		answer.Points = append(answer.Points, wirePoint(&seen[i]))
	}
	slow, err := s.Windows.Thresholds(ctx)
	if err != nil {
		s.fail(w, r, s.unread(err))
		return
	}
	if over, known := slow[route]; known {
		answer.SlowOverMs = milliseconds(over)
	}
	s.writeJSON(w, r, answer)
}

// statisticsFrom reads how far back, and in what steps.
func statisticsFrom(params wire.GetStatisticsParams) (from time.Time, slots bool, err error) {
	resolution := cmp.Or(orNone(params.Resolution), byMinute)
	if resolution != byMinute && resolution != bySlot {
		return from, false, badRequest("bad_resolution", "resolution is "+quoted(resolution)+" and has to be minute or slot", "")
	}
	slots = resolution == bySlot
	if params.Since == nil {
		ago := defaultStatistics
		if slots {
			ago = stats.WindowsKept
		}
		return time.Now().Add(-ago), slots, nil
	}
	if from, err = sinceWhen(params.Since); err != nil {
		return from, slots, err
	}
	if slots && time.Since(from) > stats.WindowsKept+time.Second { // to ask for all of it takes a moment
		return from, slots, badRequest("bad_since",
			fmt.Sprintf("since is %s: slots are kept for %s", quoted(*params.Since), stats.WindowsKept), "ask for minutes, which are kept for longer")
	}
	return from, slots, nil
}

// seen is what the routers saw of a route since a moment, together, in order.
func (s *server) seen(ctx context.Context, route string, from time.Time, slots bool) ([]stats.LaneWindow, error) {
	var seen []stats.LaneWindow
	var err error
	if slots {
		seen, _, err = s.Windows.Windows(ctx, stats.WindowQuery{Routes: []string{route}, From: from})
		seen = bySlots(seen)
	} else {
		seen, err = s.Windows.Spans(ctx, []string{route}, from)
	}
	slices.SortStableFunc(seen, func(a, b stats.LaneWindow) int {
		return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.Side, b.Side))
	})
	return seen, err
}

// bySlots unites what several routers saw on one side in one slot.
func bySlots(windows []stats.LaneWindow) []stats.LaneWindow {
	type slot struct {
		from int64
		side string
	}
	var united []stats.LaneWindow
	at := make(map[slot]int)
	for i := range windows {
		from := windows[i].From.Truncate(stats.SlotLength)
		key := slot{from.UnixNano(), windows[i].Side}
		j, known := at[key]
		if !known {
			j = len(united)
			at[key] = j
			united = append(united, stats.LaneWindow{Route: windows[i].Route, Side: windows[i].Side})
		}
		united[j].Merge(&windows[i].Window)
		united[j].From, united[j].To = from, from.Add(stats.SlotLength)
	}
	return united
}

func wirePoint(w *stats.LaneWindow) wire.StatisticsPoint {
	point := wire.StatisticsPoint{
		From: w.From.UTC(), To: w.To.UTC(), Side: wire.Side(w.Side), Requests: int64(w.Window.Requests()),
		Failures: int64(w.Failures), Fallbacks: int64(w.Fallbacks), Slow: int64(w.Slow),
		Exposed: int64(w.Exposed.Count()), Failed: int64(w.Failed.Count()), Slowed: int64(w.Slowed.Count()),
		Classes: make(map[string]int64),
	}
	for class, n := range w.Classes {
		if n > 0 {
			point.Classes[guard.Class(class).String()] += int64(n)
		}
	}
	if w.Latency.Count() > 0 {
		point.P50Ms = milliseconds(w.Latency.Quantile(0.50).Value)
		point.P95Ms = milliseconds(w.Latency.Quantile(0.95).Value)
		point.P99Ms = milliseconds(w.Latency.Quantile(0.99).Value)
	}
	return point
}

func milliseconds(d time.Duration) *float64 {
	ms := float64(d) / float64(time.Millisecond)
	return &ms
}
