package telemetry_test

import (
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/telemetry"
)

func TestOverridesAreCountedByResult(t *testing.T) {
	m := telemetry.New("")
	for _, result := range []telemetry.OverrideResult{telemetry.OverrideObeyed, telemetry.OverrideExpired, telemetry.OverrideObeyed} {
		m.Override(result)
	}
	want := always(0, 0)
	want[`strangler_overrides_total{result="obeyed"}`] = 2
	want[`strangler_overrides_total{result="expired"}`] = 1
	wantSeries(t, m, want)
}

func TestChangedKeysAreCountedByRoute(t *testing.T) {
	m := telemetry.New("")
	m.SetTable(1, table(map[string]routing.Weight{"orders": 2500}))
	changed := served()
	changed.Assignment.KeyChanged = true
	for _, side := range []routing.Side{routing.Legacy, routing.New} {
		pass(m.Lane("orders", side), changed)
		pass(m.Lane("orders", side), served())
	}
	if got := scrape(t, m)[`strangler_cohort_key_changed_total{route="orders"}`]; got != 2 {
		t.Errorf("%v requests changed their key, want 2", got)
	}
	m.SetTable(2, table(nil))
	if page := text(t, m); strings.Contains(page, `"orders"`) {
		t.Errorf("there are still series of the route:\n%s", page)
	}
}

func TestOverriddenRequestsCountForNoKey(t *testing.T) {
	m := telemetry.New("")
	m.SetTable(1, table(map[string]routing.Weight{"orders": 2500}))
	x := served()
	x.Assignment.Reason, x.Assignment.Keyed, x.Assignment.Point = routing.ReasonOverride, false, -1
	pass(m.Lane("orders", routing.New), x)
	if page := text(t, m); strings.Contains(page, "strangler_cohort_keys_total{") {
		t.Errorf("a key was counted:\n%s", page)
	}
}
