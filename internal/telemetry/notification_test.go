package telemetry_test

import (
	"testing"

	"github.com/stranglerfig/strangler/internal/telemetry"
)

func TestNotificationsAreCountedByWebhook(t *testing.T) {
	m := telemetry.New("")
	m.Notification("oncall", "failed")
	m.Notification("oncall", "delivered")
	m.Notification("oncall", "delivered")
	m.Notification("team", "given_up")
	series := scrape(t, m)
	for name, want := range map[string]float64{
		`strangler_notifications_total{result="failed",webhook="oncall"}`:    1,
		`strangler_notifications_total{result="delivered",webhook="oncall"}`: 2,
		`strangler_notifications_total{result="given_up",webhook="team"}`:    1,
	} {
		if got := series[name]; got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}
