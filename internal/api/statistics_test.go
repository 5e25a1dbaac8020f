package api_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/rollout/autopilot"
	"github.com/stranglerfig/strangler/internal/stats"
)

// sees writes what one router saw on one side of orders-get in a slot.
func (h *house) sees(instance, side string, from time.Time, samples ...stats.Sample) {
	h.t.Helper()
	r := stats.NewRecorder(from)
	r.SetSlow(100 * time.Millisecond)
	for _, s := range samples {
		s.At, s.Drawn = from, true
		r.Record(s)
	}
	window := stats.LaneWindow{Route: "orders-get", Side: side, Step: 2, Window: r.Drain(from.Add(stats.SlotLength))}
	if err := h.store.AddWindows(h.t.Context(), instance, []stats.LaneWindow{window}); err != nil {
		h.t.Fatal(err)
	}
}

// outlineOf writes points in lines, by the time since from.
func outlineOf(points []wire.StatisticsPoint, from time.Time) []string {
	var lines []string
	for _, p := range points {
		line := fmt.Sprintf("%s +%s %s: %d requests, %d failures, %d fallbacks, %d slow; of %d key-minutes %d failed, %d slowed; %v",
			p.From.Sub(from), p.To.Sub(p.From), p.Side, p.Requests, p.Failures, p.Fallbacks, p.Slow, p.Exposed, p.Failed, p.Slowed, p.Classes)
		if p.P50Ms != nil {
			line += fmt.Sprintf(" %.0f/%.0f/%.0f ms", *p.P50Ms, *p.P95Ms, *p.P99Ms)
		}
		lines = append(lines, line)
	}
	return lines
}

func TestStatisticsAreThoseOfAllRoutersTogether(t *testing.T) {
	onBoth(t, func(t *testing.T, url func() string) {
		h := openAt(t, url())
		h.post("/api/v1/apply", shop, yamlBody).want(http.StatusOK)
		from := time.Now().UTC().Truncate(time.Minute).Add(-5 * time.Minute)
		ok, bad := stats.Sample{Key: 1, Class: uint8(guard.OK)}, stats.Sample{Key: 2, Class: uint8(guard.Failure), Failed: true}
		quick, slow, helped := ok, ok, ok
		quick.Took, slow.Took = 10*time.Millisecond, time.Second
		helped.Key, helped.Fallback = 3, true
		h.sees("a", "new", from, quick, slow, bad)
		h.sees("b", "new", from, bad, helped)
		h.sees("b", "legacy", from, ok)
		h.sees("a", "new", from.Add(stats.SlotLength), ok)
		h.sees("a", "legacy", from.Add(time.Minute), ok, ok)

		path := "/api/v1/routes/orders-get/statistics?resolution=slot"
		got := decode[wire.RouteStatistics](h.get(path, as(h.secrets[auth.Viewer])).want(http.StatusOK))
		want := []string{
			"0s +5s legacy: 1 requests, 0 failures, 0 fallbacks, 0 slow; of 1 key-minutes 0 failed, 0 slowed; map[ok:1]",
			"0s +5s new: 5 requests, 2 failures, 1 fallbacks, 1 slow; of 3 key-minutes 1 failed, 1 slowed; map[failure:2 ok:3] 10/998/998 ms",
			"5s +5s new: 1 requests, 0 failures, 0 fallbacks, 0 slow; of 1 key-minutes 0 failed, 0 slowed; map[ok:1]",
			"1m0s +5s legacy: 2 requests, 0 failures, 0 fallbacks, 0 slow; of 1 key-minutes 0 failed, 0 slowed; map[ok:2]",
		}
		if diff := cmp.Diff(want, outlineOf(got.Points, from)); diff != "" {
			t.Error(diff)
		}
		if got.Route != "orders-get" || got.SlowOverMs != nil {
			t.Errorf("%+v", got)
		}
		since := time.Since(from.Add(time.Minute)).Truncate(time.Second).String() // to a moment within the last slot, or a second before it
		lately := decode[wire.RouteStatistics](h.get(path + "&since=" + since).want(http.StatusOK))
		if diff := cmp.Diff(want[3:], outlineOf(lately.Points, from)); diff != "" {
			t.Errorf("since %s: %s", since, diff)
		}

		if err := h.store.FoldWindows(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.keeps("orders-get", autopilot.Account{SlowOver: 1500 * time.Microsecond})
		minutes := decode[wire.RouteStatistics](h.get("/api/v1/routes/orders-get/statistics").want(http.StatusOK))
		want = []string{
			"0s +1m0s legacy: 1 requests, 0 failures, 0 fallbacks, 0 slow; of 1 key-minutes 0 failed, 0 slowed; map[ok:1]",
			"0s +1m0s new: 6 requests, 2 failures, 1 fallbacks, 1 slow; of 3 key-minutes 1 failed, 1 slowed; map[failure:2 ok:4] 10/998/998 ms",
			"1m0s +1m0s legacy: 2 requests, 0 failures, 0 fallbacks, 0 slow; of 1 key-minutes 0 failed, 0 slowed; map[ok:2]",
		}
		if diff := cmp.Diff(want, outlineOf(minutes.Points, from)); diff != "" {
			t.Error(diff)
		}
		if minutes.SlowOverMs == nil || *minutes.SlowOverMs != 1.5 {
			t.Errorf("slow over %v ms", minutes.SlowOverMs)
		}
		if none := decode[wire.RouteStatistics](h.get("/api/v1/routes/orders-list/statistics?since=168h")); len(none.Points) != 0 || none.SlowOverMs != nil {
			t.Errorf("of another route: %+v", none)
		}
	})
}

func TestStatisticsAreAskedInTimeAndStepsThatThereAre(t *testing.T) {
	h := openShop(t)
	h.get("/api/v1/routes/nobody/statistics").problem(http.StatusNotFound, "unknown_route")
	for query, code := range map[string]string{
		"resolution=second": "bad_resolution", "since=yesterday": "bad_since", "since=-1h": "bad_since", "since=169h": "bad_since",
		"since=16m&resolution=slot": "bad_since",
	} {
		h.get("/api/v1/routes/orders-get/statistics?"+query).problem(http.StatusBadRequest, code)
	}
	h.get("/api/v1/routes/orders-get/statistics?since=15m&resolution=slot").want(http.StatusOK)
}
