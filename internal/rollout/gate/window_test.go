package gate_test

import (
	"errors"
	"testing"
	"time"
	_ "time/tzdata" // zones, whatever this machine has of them

	"pgregory.net/rapid"

	"github.com/stranglerfig/strangler/internal/rollout/gate"
)

func parseWindow(t rapid.TB, zone, days, hours string) gate.Window {
	t.Helper()
	var (
		window gate.Window
		errs   [3]error
	)
	window.Zone, errs[0] = gate.ParseZone(zone)
	window.Days, errs[1] = gate.ParseDays(days)
	window.From, window.To, errs[2] = gate.ParseHours(hours)
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	return window
}

func moment(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// In Berlin clocks went from 2:00 to 3:00 on 29 March 2026, a Sunday, and from 3:00
// back to 2:00 on 25 October 2026, another one.
func TestAWindowGoesByTheClocksOfItsZone(t *testing.T) {
	for _, test := range []struct{ days, hours, now, opens, closes string }{
		{"mon-thu", "9-16", "2026-01-14T07:59:59.9Z", "2026-01-14T08:00:00Z", "2026-01-14T07:59:59.9Z"},
		{"mon-thu", "9-16", "2026-01-14T08:00:00Z", "2026-01-14T08:00:00Z", "2026-01-14T15:00:00Z"},
		{"mon-thu", "9-16", "2026-01-14T14:59:59.9Z", "2026-01-14T14:59:59.9Z", "2026-01-14T15:00:00Z"},
		{"mon-thu", "9-16", "2026-01-14T15:00:00Z", "2026-01-15T08:00:00Z", "2026-01-14T15:00:00Z"},
		{"mon-thu", "9-16", "2026-01-15T15:00:00Z", "2026-01-19T08:00:00Z", "2026-01-15T15:00:00Z"}, // Thursday: over the weekend
		{"mon,wed", "9:30-9:45", "2026-01-14T08:45:00Z", "2026-01-19T08:30:00Z", "2026-01-14T08:45:00Z"},

		// The weekend in which clocks are put forward, and the one in which they are put back.
		{"mon-thu", "9-16", "2026-03-26T15:00:00Z", "2026-03-30T07:00:00Z", "2026-03-26T15:00:00Z"},
		{"mon-thu", "9-16", "2026-10-22T14:00:00Z", "2026-10-26T08:00:00Z", "2026-10-22T14:00:00Z"},
		// The Sunday itself: its hours are those that clocks show.
		{"sun", "9-16", "2026-03-28T22:00:00Z", "2026-03-29T07:00:00Z", "2026-03-28T22:00:00Z"},
		{"sun", "0-24", "2026-03-28T22:00:00Z", "2026-03-28T23:00:00Z", "2026-03-28T22:00:00Z"},
		{"sun", "0-24", "2026-03-29T05:00:00Z", "2026-03-29T05:00:00Z", "2026-03-29T22:00:00Z"}, // after 23 hours
		{"sun", "0-24", "2026-10-24T22:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"}, // after 25 hours
		// What no clock shows that night: it opens at 3:00, or not before next week.
		{"sun", "2:30-4", "2026-03-28T23:00:00Z", "2026-03-29T01:00:00Z", "2026-03-28T23:00:00Z"},
		{"sun", "2:15-2:45", "2026-03-28T23:00:00Z", "2026-04-05T00:15:00Z", "2026-03-28T23:00:00Z"},
		{"sun", "1-2:30", "2026-03-29T00:30:00Z", "2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z"},
		// What clocks show twice that night.
		{"sun", "2:15-2:45", "2026-10-24T23:00:00Z", "2026-10-25T00:15:00Z", "2026-10-24T23:00:00Z"},
		{"sun", "2:15-2:45", "2026-10-25T00:45:00Z", "2026-10-25T01:15:00Z", "2026-10-25T00:45:00Z"},
		{"sun", "1-2:30", "2026-10-25T00:10:00Z", "2026-10-25T00:10:00Z", "2026-10-25T00:30:00Z"},
		{"sun", "1-2:30", "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T00:30:00Z"},
	} {
		window, now := parseWindow(t, "Europe/Berlin", test.days, test.hours), moment(t, test.now)
		if got := window.Opens(now); !got.Equal(moment(t, test.opens)) {
			t.Errorf("%s at %s opens at %s, want %s", window, test.now, got.UTC(), test.opens)
		}
		if got := window.Closes(now); !got.Equal(moment(t, test.closes)) {
			t.Errorf("%s at %s closes at %s, want %s", window, test.now, got.UTC(), test.closes)
		}
		if open := window.Open(now); open != (test.opens == test.now) || open == (test.closes == test.now) {
			t.Errorf("%s at %s: open is %v", window, test.now, open)
		}
	}
}

func TestAWindowThatHasNoEnd(t *testing.T) {
	always, now := parseWindow(t, "UTC", "mon-sun", "0-24"), moment(t, "2026-01-14T12:00:00Z")
	if !always.Open(now) || !always.Opens(now).Equal(now) || !always.Closes(now).IsZero() {
		t.Errorf("%s: opens %s, closes %s", always, always.Opens(now), always.Closes(now))
	}
	never := gate.Window{Zone: time.UTC, To: time.Hour}
	if never.Open(now) || !never.Opens(now).IsZero() || !never.Closes(now).Equal(now) {
		t.Errorf("without days: opens %s, closes %s", never.Opens(now), never.Closes(now))
	}
}

// Every minute that is asked by itself says the same.
func TestOpensAndClosesAreTheFirstMinute(t *testing.T) {
	zones := rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo", "Pacific/Apia"})
	days := rapid.SampledFrom([]string{"mon-thu", "sun", "sat", "fri-mon", "tue,thu", "mon-sun"})
	hours := rapid.SampledFrom([]string{"0-24", "0-1", "0:30-1:30", "2-3", "2:15-2:45", "9-17", "23:30-24"})
	rapid.Check(t, func(t *rapid.T) {
		window := parseWindow(t, zones.Draw(t, "zone"), days.Draw(t, "days"), hours.Draw(t, "hours"))
		now := time.Date(2009, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 20*366*24*60).Draw(t, "minutes")) * time.Minute)
		for _, ask := range []struct {
			open bool
			got  time.Time
		}{{true, window.Opens(now)}, {false, window.Closes(now)}} {
			want := time.Time{}
			for at := now; at.Sub(now) < 15*24*time.Hour; at = at.Add(time.Minute) {
				if window.Open(at) == ask.open {
					want = at
					break
				}
			}
			if !ask.got.Equal(want) {
				t.Fatalf("%s from %s: open is %v first at %s, want %s", window, now, ask.open, ask.got.UTC(), want)
			}
		}
	})
}

func TestWindowsAreWrittenAsTheyAreRead(t *testing.T) {
	for _, test := range []struct{ days, hours, want string }{
		{"mon-thu", "9-16", "mon-thu 9-16 Europe/Berlin"},
		{"fri,wed,mon", "09:30-16:05", "mon,wed,fri 9:30-16:05 Europe/Berlin"},
		{"mon, tue", "0-24", "mon,tue 0-24 Europe/Berlin"},
		{"sun-thu", "8-12", "mon-thu,sun 8-12 Europe/Berlin"},
		{"sat-mon", "8-12", "mon,sat,sun 8-12 Europe/Berlin"},
		{"fri-sun", "8-12", "fri-sun 8-12 Europe/Berlin"},
		{"thu", "8-12", "thu 8-12 Europe/Berlin"},
		{"thu-wed", "8-12", "every day 8-12 Europe/Berlin"},
	} {
		if got := parseWindow(t, "Europe/Berlin", test.days, test.hours).String(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestWhatIsNoWindow(t *testing.T) {
	const (
		zones = "write a name of the IANA database, like Europe/Berlin or UTC"
		days  = "write days like mon-thu or mon,wed,fri"
		hours = "write hours like 9-16 or 9:30-16, up to 24"
	)
	zone := func(text string) error { _, err := gate.ParseZone(text); return err }
	day := func(text string) error { _, err := gate.ParseDays(text); return err }
	hour := func(text string) error { _, _, err := gate.ParseHours(text); return err }
	for _, test := range []struct {
		parse      func(string) error
		text, want string
	}{
		{zone, "", "the zone is missing, and hours mean nothing without one: " + zones},
		{zone, "Local", "the zone Local is another one on every machine: " + zones},
		{zone, "Europe/Berln", `the zone "Europe/Berln" is not known: ` + zones},
		{zone, "../../etc/passwd", `the zone "../../etc/passwd" is not known: ` + zones},
		{day, "", `the days are "": ` + days},
		{day, "mon,,fri", `the days are "mon,,fri": ` + days},
		{day, "mon-tho", `the days are "mon-tho": ` + days},
		{day, "Monday", `the days are "Monday": ` + days},
		{day, "mon-tue-wed", `the days are "mon-tue-wed": ` + days},
		{hour, "", `the hours are "": ` + hours},
		{hour, "9", `the hours are "9": ` + hours},
		{hour, "9-", `the hours are "9-": ` + hours},
		{hour, "9-16-18", `the hours are "9-16-18": ` + hours},
		{hour, "9-24:01", `the hours are "9-24:01": ` + hours},
		{hour, "9:60-16", `the hours are "9:60-16": ` + hours},
		{hour, "9:5-16", `the hours are "9:5-16": ` + hours},
		{hour, "9:-16", `the hours are "9:-16": ` + hours},
		{hour, "9am-4pm", `the hours are "9am-4pm": ` + hours},
		{hour, "-1-5", `the hours are "-1-5": ` + hours},
		{hour, "9-9", `the hours are "9-9", which would never open: write the earlier one first`},
		{hour, "16-9", `the hours are "16-9", which would never open: write the earlier one first`},
	} {
		err := test.parse(test.text)
		if !errors.Is(err, gate.ErrWindow) || err.Error() != "not a change window: "+test.want {
			t.Errorf("%q: got %v, want %s", test.text, err, test.want)
		}
	}
}
