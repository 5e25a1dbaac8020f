package spoken_test

import (
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/spoken"
)

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", time.Second: "1s", 10 * time.Second: "10s", time.Minute: "1m", 10 * time.Minute: "10m", 65 * time.Second: "1m5s",
		time.Hour: "1h", 20 * time.Hour: "20h", 90 * time.Minute: "1h30m", time.Hour + 10*time.Second: "1h0m10s",
		25 * time.Hour: "25h", -2 * time.Hour: "-2h", 1500 * time.Millisecond: "1.5s", 100 * time.Millisecond: "100ms",
	} {
		if got := spoken.Duration(d); got != want {
			t.Errorf("%v: %q, want %q", int64(d), got, want)
		}
	}
}
