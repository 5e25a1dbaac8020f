package gate

import (
	"fmt"
	"math"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout/sequential"
	"github.com/stranglerfig/strangler/internal/spoken"
)

// SlowKnownFrom is how many requests legacy has to have served in a day for its p95 of
// that day, by which slow is defined, to be known: ten of them are slower. They count when
// their minutes have been merged, which is stats.WindowsKept later.
const SlowKnownFrom = 200

// failing asks whether new fails more often than legacy.
func failing(policy Rate, in Input) Finding {
	return rate(NameErrors, policy, in.Errors, in.Served.PerHour)
}

// slow asks whether new is slow more often than legacy.
func slow(policy Rate, in Input) Finding {
	f := rate(NameSlowness, policy, in.Slowness, in.Served.PerHour)
	if in.SlowOver <= 0 {
		return Finding{
			Gate: NameSlowness, Verdict: sequential.Insufficient, Text: "legacy's p95 is not known yet",
			Missing: fmt.Sprintf("needs %d requests on legacy within a day; each counts after 15 min", SlowKnownFrom),
		}
	}
	f.Text += "; slow is over " + brief(in.SlowOver)
	if in.Latency.New > 0 && in.Latency.Legacy > 0 {
		f.Text += fmt.Sprintf(", p95 is %s on new and %s on legacy", brief(in.Latency.New), brief(in.Latency.Legacy))
	}
	return f
}

// rate is what a watch comes to, with the key-minutes of the present step. No watch
// is one that has seen nothing.
func rate(name Name, policy Rate, watch *sequential.Watch, perHour float64) Finding {
	if watch == nil {
		watch = &sequential.Watch{}
	}
	report := sequential.Policy{Need: policy.Min}.Judge(watch)
	f := Finding{
		Gate: name, Verdict: report.Verdict, New: &report.Step.New, Legacy: &report.Step.Legacy,
		Evidence: report.Evidence, Threshold: report.Threshold, Limit: policy.Max,
	}
	if f.Verdict == sequential.Fail || report.Evidence > 1 {
		f.Against = string(report.Against)
	}
	f.Text = ratesText(&report.Step) + "; " + evidenceText(&report, policy.Max)
	f.RollsBack = f.Verdict == sequential.Fail && !policy.Hold
	if f.Verdict != sequential.Insufficient {
		return f
	}
	if report.More == 0 {
		f.Missing = fmt.Sprintf("needs the evidence against new to fall below %d", sequential.Doubtful)
		return f
	}
	f.needs(keyMinutes(), report.Step.New.Exposures, report.More, perHour)
	return f
}

// ratesText says how often it happened on both sides.
func ratesText(s *sequential.Sides) string {
	if s.New.Exposures == 0 {
		return "new has served nothing in this step"
	}
	text := fmt.Sprintf("%s of %s", spoken.Share(s.New.Rate()), keyMinutes().of(s.New.Exposures))
	if s.Legacy.Exposures == 0 {
		return text + ", none on legacy"
	}
	return fmt.Sprintf("%s, %s of %s on legacy", text, spoken.Share(s.Legacy.Rate()), spoken.Count(s.Legacy.Exposures))
}

// evidenceText says how much speaks against new, and, if it fails, by what it is held
// to be worse.
func evidenceText(r *sequential.Report, limit float64) string {
	text := fmt.Sprintf("evidence %s of %s", evidence(r.Evidence), evidence(r.Threshold))
	if r.Verdict != sequential.Fail {
		return text
	}
	switch r.Against {
	case sequential.AgainstBaseline:
		return text + ", against what legacy did before"
	case sequential.AgainstLimit:
		return text + ", against the limit of " + spoken.Share(limit)
	default:
		return text + ", against legacy at the same time"
	}
}

// evidence writes a value of a process, rounded down so that 99.6 is not yet 100.
func evidence(value float64) string {
	const much = 1_000_000
	switch {
	case !(value > 0): // nor a number
		return "0"
	case value > much:
		return "over " + spoken.Count(much)
	case value >= 10:
		return spoken.Count(uint64(value))
	case value < .1:
		return "below 0.1"
	default:
		return fmt.Sprintf("%g", math.Floor(10*value)/10)
	}
}

// brief is a duration with three digits or so.
func brief(d time.Duration) string {
	for unit := time.Second; unit > time.Nanosecond; unit /= 10 {
		if d >= 100*unit {
			return spoken.Duration(d.Round(unit))
		}
	}
	return spoken.Duration(d)
}
