package proxy_test

import (
	"testing"

	"github.com/stranglerfig/strangler/internal/proxy"
	"github.com/stranglerfig/strangler/internal/routing"
)

// TestASideWithoutABackendHasNoLane: there is nothing to guard, and nothing to show.
func TestASideWithoutABackendHasNoLane(t *testing.T) {
	r := start(t, map[string]string{"legacy": named(t, "legacy"), "new": named(t, "new")})
	r.install(1, canary("/orders", 0), legacyOnly())
	var got []proxy.LaneID
	for _, lane := range r.proxy.LaneStates() {
		got = append(got, lane.LaneID)
	}
	want := []proxy.LaneID{{Route: "catch-all", Side: routing.Legacy}, {Route: "orders", Side: routing.Legacy}, {Route: "orders", Side: routing.New}}
	if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("lanes %v, want %v", got, want)
	}
}
