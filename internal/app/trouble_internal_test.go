package app

import (
	"fmt"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/proxy"
)

func TestRejectionsAreToldForAMinute(t *testing.T) {
	began := time.Now()
	at := func(seconds int) time.Time { return began.Add(time.Duration(seconds) * time.Second) }
	troubles, b := &troubles{}, limit{lane: proxy.LaneID{Route: "orders"}}
	for _, step := range []struct {
		seconds     int
		count, want uint64
	}{
		{0, 0, 0},
		{5, 3, 3},
		{60, 3, 3},
		{65, 3, 0},  // a minute without any
		{70, 4, 4},  // one more
		{129, 4, 4}, // still lately
		{130, 4, 0},
		{135, 1, 1}, // it began anew
	} {
		seen := make(map[limit]rejections)
		if got := troubles.lately(seen, b, step.count, at(step.seconds)); got != step.want {
			t.Errorf("after %d s: %d, want %d", step.seconds, got, step.want)
		}
		troubles.rejected = seen
	}
}

func TestAHeartbeatIsBoundedAndKeepsOpenBreakers(t *testing.T) {
	var all fleet.Trouble
	for i := range fleet.MaxTrouble + 10 {
		all.Lanes = append(all.Lanes, fleet.LaneTrouble{Route: fmt.Sprint(i), Breaker: "closed", Rejected: 1})
		all.Endpoints = append(all.Endpoints, fleet.EndpointTrouble{Endpoint: fmt.Sprint(i)})
	}
	all.Lanes[fleet.MaxTrouble+5].Breaker = "open"
	got := bounded(all)
	if len(got.Lanes) != fleet.MaxTrouble || len(got.Endpoints) != fleet.MaxTrouble || got.LeftOut != 20 {
		t.Errorf("%d lanes, %d endpoints, %d left out; want 200, 200 and 20", len(got.Lanes), len(got.Endpoints), got.LeftOut)
	}
	if first := got.Lanes[0]; first.Breaker != "open" || first.Route != fmt.Sprint(fleet.MaxTrouble+5) {
		t.Errorf("first of all %+v, want the open one", first)
	}
}
