package spec

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
)

// value is one value in force, read from what people write and shown like it.
type value interface {
	// set reads text. Where it cannot, it says what the text is instead of a
	// value, as in "timeout read is …", and leaves the value as it was.
	set(text string) (fault string)
	String() string
}

// mustBePositive is the end of every fault of a value that is not above zero.
const mustBePositive = "it must be positive; leave it out for the default"

// maxDuration is a year: far above what can be meant, and far below where sums
// of durations overflow.
const maxDuration = 8760 * time.Hour

// duration is written like 500ms or 1m30s.
type duration struct{ into *time.Duration }

func (d duration) set(text string) string {
	switch value, err := time.ParseDuration(text); {
	case err != nil:
		return fmt.Sprintf("%q: write a duration like 500ms, 2s or 1m30s", text)
	case value <= 0:
		return fmt.Sprintf("%s: %s", value, mustBePositive)
	case value > maxDuration:
		return text + ": at most 8760h are allowed"
	default:
		*d.into = value
		return ""
	}
}

// String is none for the one duration that has no default: what a slow result is.
func (d duration) String() string {
	if *d.into == 0 {
		return "none"
	}
	return d.into.String()
}

// count is a whole number, from 1 to most.
type count struct {
	into *int
	most int
}

func (c count) set(text string) string {
	switch number, err := strconv.Atoi(text); {
	case err != nil:
		return fmt.Sprintf("%q: write a whole number", text)
	case number <= 0:
		return fmt.Sprintf("%d: %s", number, mustBePositive)
	case number > c.most:
		return fmt.Sprintf("%d: at most %d are allowed", number, c.most)
	default:
		*c.into = number
		return ""
	}
}

func (c count) String() string { return strconv.Itoa(*c.into) }

// rate is a whole number each second, up to maxRate.
type rate struct{ into *float64 }

// maxRate keeps a rate from being no limit at all.
const maxRate = 10_000

func (r rate) set(text string) string {
	var number int
	if fault := (count{&number, maxRate}).set(text); fault != "" {
		return fault
	}
	*r.into = float64(number)
	return ""
}

func (r rate) String() string { return strconv.FormatFloat(*r.into, 'g', -1, 64) }

// share is written as a percentage, above 0 % and at most 100 %.
type share struct{ into *float64 }

func (s share) set(text string) string {
	switch value, fault := percentage(text); {
	case fault != "":
		return fault
	case value <= 0 || value > 1:
		return text + ": it must be above 0% and at most 100%"
	default:
		*s.into = value
		return ""
	}
}

// percentage reads a share as people write it: 20% or 0.5%.
func percentage(text string) (value float64, fault string) {
	digits, isPercent := strings.CutSuffix(text, "%")
	percent, err := strconv.ParseFloat(digits, 64)
	if !isPercent || err != nil || strings.Trim(digits, "-0123456789.") != "" {
		return 0, fmt.Sprintf("%q: write a percentage like 20%%", text)
	}
	return percent / 100, ""
}

func (s share) String() string { return strconv.FormatFloat(*s.into*100, 'g', 10, 64) + "%" }

// size is a number of bytes, or of KiB or MiB, up to most.
type size struct {
	into *int64
	most int64
}

// Bounds of the bytes that are kept of each body under way.
const (
	maxReplay = 1 << 20
	maxCopied = 16 << 20
)

func (s size) set(text string) string {
	digits, unit := text, int64(1)
	for _, u := range sizeUnits() {
		if number, found := strings.CutSuffix(text, u.name); found {
			digits, unit = number, u.bytes
		}
	}
	number, err := strconv.ParseInt(digits, 10, 32)
	switch {
	case err != nil:
		return fmt.Sprintf("%q: write a size like 64KiB", text)
	case number <= 0:
		return fmt.Sprintf("%s: %s", text, mustBePositive)
	case number*unit > s.most:
		return fmt.Sprintf("%s: at most %s is kept of a body", text, size{into: &s.most})
	default:
		*s.into = number * unit
		return ""
	}
}

// String writes the size in the largest unit that it is a multiple of.
func (s size) String() string {
	for _, u := range sizeUnits() {
		if *s.into%u.bytes == 0 {
			return strconv.FormatInt(*s.into/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(*s.into, 10)
}

type sizeUnit struct {
	name  string
	bytes int64
}

// sizeUnits are the largest first.
func sizeUnits() []sizeUnit { return []sizeUnit{{"MiB", 1 << 20}, {"KiB", 1 << 10}} }

// word is one of a few.
type word[T interface {
	comparable
	fmt.Stringer
}] struct {
	into  *T
	known []T
}

func (w word[T]) set(text string) string {
	var names []string
	for _, known := range w.known {
		if known.String() == text {
			*w.into = known
			return ""
		}
		names = append(names, known.String())
	}
	return fmt.Sprintf("%q: write %s", text, strings.Join(names, " or "))
}

func (w word[T]) String() string { return (*w.into).String() }

// causes are those of a fallback, with commas between them.
type causes struct{ into *guard.FallbackOn }

func (c causes) set(text string) string {
	on, err := guard.ParseFallbackOn(strings.Split(text, ","))
	if err != nil {
		return strings.TrimPrefix(err.Error(), guard.ErrFallbackOn.Error()+": ")
	}
	*c.into = on
	return ""
}

func (c causes) String() string { return c.into.String() }

// sample is a share that is written as a percentage above 0 %, with at most two
// decimals, or off.
type sample struct{ into *routing.Weight }

func (s sample) set(text string) string {
	if text == wordOff {
		*s.into = 0
		return ""
	}
	digits, isPercent := strings.CutSuffix(text, "%")
	weight, err := routing.ParseWeight(digits)
	switch {
	case !isPercent || err != nil:
		return fmt.Sprintf("%q: write a percentage from 0.01%% to 100%%, with at most two decimals, or off", text)
	case weight == 0:
		return text + ": write off for none"
	default:
		*s.into = weight
		return ""
	}
}

func (s sample) String() string {
	if *s.into == 0 {
		return wordOff
	}
	return s.into.String()
}
