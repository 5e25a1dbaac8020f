package routing_test

import (
	"testing"

	"github.com/stranglerfig/strangler/internal/routing"
)

func TestOverride(t *testing.T) {
	user := routing.Key{Kind: routing.KeyHeader, Name: "X-User-Id"}
	for _, c := range []struct {
		name string
		at   routing.Assigned
		side routing.Side
		ok   bool
	}{
		{"new before any canary", routing.Assigned{}, routing.New, true},
		{"new in shadow", routing.Assigned{Stage: routing.StageShadow}, routing.New, true},
		{"new in canary", routing.Assigned{Stage: routing.StageCanary, Weight: 1}, routing.New, true},
		{"legacy in canary", routing.Assigned{Stage: routing.StageCanary, Weight: 9999}, routing.Legacy, true},
		{"legacy in new", routing.Assigned{Stage: routing.StageNew, Weight: 10000}, routing.Legacy, true},
		{"retired", routing.Assigned{Stage: routing.StageRetired, Weight: 10000}, routing.Legacy, false},
		{"rolled back to legacy", routing.Assigned{RolledBack: true}, routing.New, false},
		{"rolled back to a smaller weight", routing.Assigned{Stage: routing.StageCanary, Weight: 1, RolledBack: true}, routing.New, false},
	} {
		def := canary(0, user)
		def.Assigned = c.at
		table := compile(t, def)
		req := get(t, "/", "X-User-Id: 7")
		before := table.Assign(table.Match(req), req)
		got, ok := table.Override(before, c.side)
		want := before
		if c.ok {
			want = routing.Assignment{
				Route: before.Route, Revision: 1, Side: c.side, Reason: routing.ReasonOverride,
				Stage: c.at.Stage, Weight: c.at.Weight, Point: -1,
			}
		}
		if got != want || ok != c.ok {
			t.Errorf("%s: %+v, %v; want %+v, %v", c.name, got, ok, want, c.ok)
		}
	}
	only := define("r", routing.Match{Prefix: "/"})
	only.New = ""
	table := compile(t, only)
	req := get(t, "/")
	if got, ok := table.Override(table.Assign(table.Match(req), req), routing.New); ok || got.Side != routing.Legacy {
		t.Errorf("a side that does not exist: %+v, %v", got, ok)
	}
}
