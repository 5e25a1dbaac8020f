package main

import (
	"testing"

	"github.com/stranglerfig/strangler/internal/api/wire"
)

func TestALaneTellsAllItsTrouble(t *testing.T) {
	for _, c := range []struct {
		lane wire.LaneTrouble
		want string
	}{
		{wire.LaneTrouble{Breaker: "closed", Waiting: 1}, "1 request waiting"},
		{wire.LaneTrouble{Breaker: "closed", Waiting: 1, NoRetries: true}, "the budget for retries is used up"},
		{wire.LaneTrouble{Breaker: "closed", Rejected: 7}, "requests find no room, 7 so far"},
		{
			wire.LaneTrouble{Breaker: "half_open", Unhelped: 9},
			"breaker half-open, the next request tries it; users see errors: legacy has no room for fallbacks, 9 so far",
		},
	} {
		if got := laneText(c.lane); got != c.want {
			t.Errorf("%+v: %q, want %q", c.lane, got, c.want)
		}
	}
}
