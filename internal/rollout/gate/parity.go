package gate

import (
	"fmt"

	"github.com/stranglerfig/strangler/internal/rollout/sequential"
	"github.com/stranglerfig/strangler/internal/spoken"
)

// parity passes when mismatches are surely rarer than the limit, and as many answers
// were compared as the policy wants.
func parity(policy Parity, have *Compared, comparing bool) Finding {
	f := Finding{Gate: NameParity, Verdict: sequential.Insufficient, Limit: policy.Max}
	if have == nil {
		f.Text, f.Missing = "what was compared could not be read", "needs what was compared"
		return f
	}
	report := sequential.Parity{Limit: policy.Max}.Judge(have.Compared, have.Mismatched)
	f.Verdict, f.Have, f.Hits = report.Verdict, report.Compared, min(report.Mismatched, report.Compared)
	f.Text = alikeText(&report)
	least := policy.Min - min(policy.Min, report.Compared)
	if f.Verdict == sequential.Fail || f.Verdict == sequential.Pass && least == 0 {
		return f
	}
	f.Verdict = sequential.Insufficient
	what, perHour := comparisons(), have.PerHour
	if !comparing { // whatever came of late
		what.none, perHour = "nothing is compared in this stage until stranglerctl shadow start", 0
	}
	f.wants(what, "mismatches", least, report.Forecast, perHour)
	return f
}

// alikeText says how many comparisons match, and how many surely do.
func alikeText(r *sequential.ParityReport) string {
	if r.Compared == 0 {
		return "nothing has been compared"
	}
	what := fmt.Sprintf("%s of %s match", spoken.Share(1-share(r)), comparisons().of(r.Compared))
	if r.Verdict == sequential.Fail {
		return fmt.Sprintf("%s, at most %s is certain; more than %s have to", what, spoken.Share(1-r.Low), spoken.Share(1-r.Limit))
	}
	return fmt.Sprintf("%s, at least %s is certain", what, spoken.Share(1-r.High))
}

// share is how frequent what counts against new was.
func share(r *sequential.ParityReport) float64 {
	return float64(min(r.Mismatched, r.Compared)) / float64(r.Compared)
}
