package gate

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrWindow is wrapped by every error about a text that is no part of a Window.
var ErrWindow = errors.New("not a change window")

// ParseZone reads the name of a zone as the IANA database has it: Europe/Berlin.
// Local is refused, because it is another zone on every machine.
func ParseZone(text string) (*time.Location, error) {
	const want = "write a name of the IANA database, like Europe/Berlin or UTC"
	switch text {
	case "":
		return nil, fmt.Errorf("%w: the zone is missing, and hours mean nothing without one: %s", ErrWindow, want)
	case "Local":
		return nil, fmt.Errorf("%w: the zone Local is another one on every machine: %s", ErrWindow, want)
	}
	zone, err := time.LoadLocation(text)
	if err != nil {
		return nil, fmt.Errorf("%w: the zone %q is not known: %s", ErrWindow, text, want)
	}
	return zone, nil
}

// ParseDays reads days of the week: mon-thu, mon,wed,fri, or sun-thu.
func ParseDays(text string) ([7]bool, error) {
	var days [7]bool
	for part := range strings.SplitSeq(text, ",") {
		from, to, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			to = from
		}
		first, last := slices.Index(dayNames(), from), slices.Index(dayNames(), to)
		if first < 0 || last < 0 {
			return [7]bool{}, fmt.Errorf("%w: the days are %q: write days like mon-thu or mon,wed,fri", ErrWindow, text)
		}
		for day := first; ; day = (day + 1) % len(days) {
			days[day] = true
			if day == last {
				break
			}
		}
	}
	return days, nil
}

// dayNames are those of the days of the week, by time.Weekday.
func dayNames() []string { return []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} }

// ParseHours reads two times of a day: 9-16, 9:30-16, 0-24.
func ParseHours(text string) (from, to time.Duration, err error) {
	begin, end, isRange := strings.Cut(text, "-")
	from, beginErr := parseTime(begin)
	to, endErr := parseTime(end)
	if !isRange || beginErr != nil || endErr != nil {
		return 0, 0, fmt.Errorf("%w: the hours are %q: write hours like 9-16 or 9:30-16, up to 24", ErrWindow, text)
	}
	if from >= to {
		return 0, 0, fmt.Errorf("%w: the hours are %q, which would never open: write the earlier one first", ErrWindow, text)
	}
	return from, to, nil
}

// parseTime reads 9, 09, 9:30 and 24.
func parseTime(text string) (time.Duration, error) {
	hours, minutes, _ := strings.Cut(strings.TrimSpace(text), ":")
	if !strings.Contains(text, ":") {
		minutes = "00"
	}
	hour, err := strconv.ParseUint(hours, 10, 8)
	if err != nil {
		return 0, err
	}
	minute, err := strconv.ParseUint(minutes, 10, 8)
	if err != nil {
		return 0, err
	}
	read := time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute
	if minute >= 60 || len(minutes) != 2 || read > day {
		return 0, strconv.ErrRange
	}
	return read, nil
}

// String writes the window as a definition does, with its zone last: "mon-thu 9-16
// Europe/Berlin".
func (w Window) String() string {
	return w.daysText() + " " + timeText(w.From) + "-" + timeText(w.To) + " " + w.Zone.String()
}

// daysText writes days from Monday on, and three or more that follow each other as a range.
func (w Window) daysText() string {
	if w.Days == [7]bool{true, true, true, true, true, true, true} {
		return "every day"
	}
	var parts []string
	names := dayNames()
	for i := 1; i <= len(names); i++ {
		first := i
		for i <= len(names) && w.Days[i%len(names)] {
			i++
		}
		switch run := i - first; {
		case run >= 3:
			parts = append(parts, names[first]+"-"+names[(i-1)%len(names)])
		default:
			for d := first; d < i; d++ {
				parts = append(parts, names[d%len(names)])
			}
		}
	}
	return strings.Join(parts, ",")
}

// timeText writes 9 and 9:30.
func timeText(sinceMidnight time.Duration) string {
	text := strconv.Itoa(int(sinceMidnight / time.Hour))
	if minutes := sinceMidnight % time.Hour / time.Minute; minutes > 0 {
		text += fmt.Sprintf(":%02d", minutes)
	}
	return text
}
