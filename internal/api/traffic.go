package api

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/stats"
)

// slotWait is how long after a slot its traffic is read: until then, all routers
// have written what they saw.
const slotWait = 2 * time.Second

// writtenWithin is by how much a router's clock and the store's may differ here.
const writtenWithin = time.Minute

// lastSlot is when the last slot began that all routers have written.
func lastSlot(now time.Time) time.Time {
	return now.Add(-slotWait - stats.SlotLength).Truncate(stats.SlotLength)
}

// trafficUntil tells what the last slot served, once. A slot that cannot be read is
// left out, and so is what a router writes of it later.
func (g *gatherer) trafficUntil(ctx context.Context, now time.Time) []frame {
	slot := lastSlot(now)
	if !slot.After(g.slot) || !g.reachable() {
		return nil
	}
	g.slot, g.traffic = slot, nil
	slots, err := g.server.served(ctx, slot)
	if err != nil {
		return nil
	}
	g.traffic = newFrame("traffic", wire.StreamTraffic{At: slot.UTC(), Slots: slots})
	return []frame{g.traffic}
}

// served is what all routers served in one slot.
func (s *server) served(ctx context.Context, slot time.Time) ([]wire.StreamSlot, error) {
	ctx, cancel := context.WithTimeout(ctx, readFor)
	defer cancel()
	windows, _, err := s.Windows.Windows(ctx, stats.WindowQuery{From: slot, Written: slot.Add(-writtenWithin)})
	if err != nil {
		return nil, err
	}
	type lane struct{ route, side string }
	sums := make(map[lane]*stats.Window)
	for i := range windows {
		w := &windows[i]
		if !w.From.Truncate(stats.SlotLength).Equal(slot) {
			continue
		}
		key := lane{w.Route, w.Side}
		if sums[key] == nil {
			sums[key] = new(stats.Window)
		}
		sums[key].Merge(&w.Window)
	}
	slots := make([]wire.StreamSlot, 0, len(sums))
	for key, sum := range sums {
		slots = append(slots, wireSlot(key.route, key.side, sum))
	}
	slices.SortFunc(slots, func(a, b wire.StreamSlot) int {
		return cmp.Or(cmp.Compare(a.Route, b.Route), cmp.Compare(a.Side, b.Side))
	})
	return slots, nil
}

func wireSlot(route, side string, w *stats.Window) wire.StreamSlot {
	slot := wire.StreamSlot{
		Route: route, Side: wire.Side(side), Requests: int64(w.Requests()),
		Failures: int64(w.Failures), Fallbacks: int64(w.Fallbacks),
	}
	if w.Latency.Count() > 0 {
		slot.P95Ms = milliseconds(w.Latency.Quantile(0.95).Value)
	}
	return slot
}
