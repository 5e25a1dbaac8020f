package telemetry_test

import (
	"testing"

	"github.com/stranglerfig/strangler/internal/telemetry"
)

func TestDeniedLoginsAreShown(t *testing.T) {
	m := telemetry.New("")
	denied := uint64(3)
	m.DeniedLogins(func() uint64 { return denied })
	const name = "strangler_admin_logins_denied_total"
	if got := scrape(t, m)[name]; got != 3 {
		t.Errorf("%v, want 3", got)
	}
	denied = 5
	if got := scrape(t, m)[name]; got != 5 {
		t.Errorf("%v, want 5", got)
	}
}
