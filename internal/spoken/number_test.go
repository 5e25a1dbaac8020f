package spoken_test

import (
	"math"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/spoken"
)

func TestCount(t *testing.T) {
	for n, want := range map[uint64]string{
		0: "0", 7: "7", 999: "999", 1_000: "1,000", 18_211: "18,211", 123_456: "123,456", 1_234_567: "1,234,567",
		math.MaxUint64: "18,446,744,073,709,551,615",
	} {
		if got := spoken.Count(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestShare(t *testing.T) {
	for _, c := range []struct {
		share float64
		want  string
	}{
		{0, "0%"},
		{1, "100%"},
		{.01, "1%"},
		{.005, "0.5%"},
		{.0021, "0.21%"},
		{.05, "5%"},
		{.123, "12%"},
		{.5, "50%"},
		{.997, "99.7%"},
		{.9994, "99.94%"},
		{.99939596, "99.94%"},
		{.9991, "99.91%"},
		{.87654, "88%"},
		{.2 / 3, "6.7%"},
		{.0000123, "0.0012%"},
		{1e-9, "less than 0.0001%"},
		{1 - 1e-9, "more than 99.9999%"},
		{1 - 1e-6, "99.9999%"},
		{-.5, "0%"},
		{7, "100%"},
		{math.Inf(1), "100%"},
		{math.Inf(-1), "0%"},
		{math.NaN(), "an unknown share"},
	} {
		if got := spoken.Share(c.share); got != c.want {
			t.Errorf("%g: %q, want %q", c.share, got, c.want)
		}
	}
}

func TestShareIsNeverAllOrNothingByRounding(t *testing.T) {
	for q := 0.49; q > 1e-15; q *= .7 {
		if got := spoken.Share(q); got == "0%" {
			t.Errorf("%g: %q", q, got)
		}
		if got := spoken.Share(1 - q); got == "100%" {
			t.Errorf("1 - %g: %q", q, got)
		}
	}
}

func TestWait(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Hour: "0 s", 0: "0 s", time.Millisecond: "1 s", 40 * time.Second: "40 s", 90 * time.Second: "90 s", 91 * time.Second: "2 min",
		6*time.Minute + 10*time.Second: "7 min", 90 * time.Minute: "90 min", 8*time.Hour + 1: "9 h", 48 * time.Hour: "48 h",
		49 * time.Hour: "3 days", 366 * 24 * time.Hour: "more than a year", math.MaxInt64: "more than a year", math.MinInt64: "0 s",
	} {
		if got := spoken.Wait(d); got != want {
			t.Errorf("%v: %q, want %q", int64(d), got, want)
		}
	}
}
