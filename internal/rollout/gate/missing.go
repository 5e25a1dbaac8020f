package gate

import (
	"fmt"

	"github.com/stranglerfig/strangler/internal/rollout/sequential"
	"github.com/stranglerfig/strangler/internal/spoken"
)

// noun is what is counted.
type noun struct {
	one, many string
	none      string // says that there are none of late
}

func comparisons() noun {
	return noun{"comparison", "comparisons", "there are none at present"}
}

func requests() noun {
	return noun{"request on new", "requests on new", "it serves none at present"}
}

func keyMinutes() noun {
	return noun{"key-minute on new", "key-minutes on new", "it serves nothing at present"}
}

// of writes how many there are: "1 comparison", "2,140 comparisons".
func (n noun) of(count uint64) string {
	if count == 1 {
		return "1 " + n.one
	}
	return spoken.Count(count) + " " + n.many
}

// more is of for those that are to come after some.
func (n noun) more(count uint64) string {
	if count == 1 {
		return "1 more " + n.one
	}
	return spoken.Count(count) + " more " + n.many
}

// needs says how many more are needed, and how long that takes.
func (f *Finding) needs(n noun, have, more uint64, perHour float64) {
	f.Missing = "needs " + n.of(more)
	if have > 0 {
		f.Missing = "needs " + n.more(more)
	}
	if f.Wait = lasting(more, perHour); f.Wait == 0 {
		f.Missing += "; " + n.none
		return
	}
	f.Missing += fmt.Sprintf(", about %s at the present rate", spoken.Wait(f.Wait))
}

// wants says what an insufficient verdict about a share waits for, if hits go on as they
// have: at least so many more whatever they show. A forecast that is no pass is said
// as it is: nobody should wait for what does not come.
func (f *Finding) wants(n noun, hits string, least uint64, forecast sequential.Forecast, perHour float64) {
	switch {
	case (sequential.Parity{Limit: f.Limit}).Validate() != nil:
		f.Missing = fmt.Sprintf("a limit of %s can never be met: it has to lie above 0%% and below 100%%", spoken.Share(f.Limit))
	case forecast.Verdict == sequential.Insufficient:
		f.Missing = fmt.Sprintf("%s are as frequent as the limit of %s: no number of %s will settle it", hits, spoken.Share(f.Limit), n.many)
	case forecast.Verdict == sequential.Fail:
		f.needs(n, f.Have, forecast.More, perHour)
		f.Missing = fmt.Sprintf("%s are too frequent: to be sure of that it %s", hits, f.Missing)
	default:
		f.needs(n, f.Have, max(least, forecast.More), perHour)
	}
}
