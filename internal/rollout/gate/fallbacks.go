package gate

import (
	"fmt"

	"github.com/stranglerfig/strangler/internal/rollout/sequential"
	"github.com/stranglerfig/strangler/internal/spoken"
)

// fallbacks passes when those are surely rarer than the limit. Each of them counts as an
// error of new already, and that gate rolls back; this one asks whether legacy could leave.
func fallbacks(policy Fallbacks, in Input) Finding {
	report := sequential.Parity{Limit: policy.Max}.Judge(in.Served.Requests, in.Served.Fallbacks)
	f := Finding{
		Gate: NameFallbacks, Verdict: report.Verdict, Limit: policy.Max, Last: in.Served.LastFallback,
		Have: report.Compared, Hits: min(report.Mismatched, report.Compared), Text: fellText(&report),
	}
	if f.Verdict != sequential.Insufficient {
		return f
	}
	f.wants(requests(), "fallbacks", 1, report.Forecast, in.requestsPerHour())
	return f
}

// requestsPerHour is how many requests new served in this step, by the hour; 0 when
// it has served none of late.
func (in *Input) requestsPerHour() float64 {
	hours := in.Now.Sub(in.Since).Hours()
	if in.Since.IsZero() || hours <= 0 || !(in.Served.PerHour > 0) {
		return 0
	}
	return float64(in.Served.Requests) / hours
}

// fellText says how many requests fell back, and how many do at most or at least.
func fellText(r *sequential.ParityReport) string {
	if r.Compared == 0 {
		return "new has served nothing in this step"
	}
	what := fmt.Sprintf("%s of %s fell back", spoken.Share(share(r)), requests().of(r.Compared))
	if r.Verdict == sequential.Fail {
		return fmt.Sprintf("%s, at least %s is certain; fewer than %s have to", what, spoken.Share(r.Low), spoken.Share(r.Limit))
	}
	return fmt.Sprintf("%s, at most %s is certain", what, spoken.Share(r.High))
}
