package sequential

import "math"

// Alpha is how likely a Policy ever fails a route whose new side is as good as
// legacy, at most, when it is not told otherwise.
const Alpha = 0.01

// Policy says when a Watch passes and when it fails.
type Policy struct {
	Alpha float64 // how likely a fail is wrong, at most; what is no share above 0 and below 1 means Alpha
	Need  uint64  // exposures on new in the present step without which nothing passes; 0 means 1
}

// Opponent is what new was found to be worse than.
type Opponent string

// What new is held against.
const (
	AgainstLegacy   Opponent = "legacy"   // at the same time
	AgainstBaseline Opponent = "baseline" // legacy, while it served
	AgainstLimit    Opponent = "limit"
)

// Report is what a Policy makes of a Watch, with the numbers behind it.
type Report struct {
	Verdict Verdict
	Total   Sides // since the watch began
	Step    Sides // in the present step

	Evidence  float64  // the value of the process: 1 at the beginning; never said to be more than 10¹²
	Threshold float64  // the evidence that fails
	Against   Opponent // which has most to say against new

	More uint64 // exposures on new that a pass needs besides
}

// Doubtful is the evidence with which nothing passes. It is reached by chance in
// one case of ten at most, and goes away then.
const Doubtful = 10

const (
	// compared is the weight of the comparison with legacy. A ceiling has more to say
	// about each event, and can do with less.
	compared = 0.8

	// mostEvidence keeps what people read, and what is written as JSON, finite.
	mostEvidence = 1e12
)

// Judge fails when the evidence against new has reached 1/alpha. It passes when new
// has had the exposures that are needed in this step and the evidence is below
// 10. Whatever lies between is insufficient.
//
// The evidence is the mean of what there is in comparison with legacy (weight 0.8)
// and against the two ceilings (0.1 each): by that alpha is split between them. What is not looked at is worth 1.
//
// Where there is a Ceilings.Excess the lesser counts of the comparison and of what there
// is against that ceiling: new has to exceed both.
func (p Policy) Judge(w *Watch) Report {
	ceiling := math.Log((1 - compared) / 2)
	legacy, baseline, limit := w.compared()+math.Log(compared), w.baseline.log()+ceiling, w.limit.log()+ceiling
	evidence := logSum(legacy, logSum(baseline, limit))
	report := Report{
		Verdict: Insufficient, Total: w.total, Step: w.step, Against: AgainstLegacy,
		Evidence:  math.Exp(min(evidence, math.Log(mostEvidence))),
		Threshold: 1 / p.alpha(),
	}
	if most := max(baseline, limit); most > legacy {
		report.Against = AgainstLimit
		if baseline >= limit {
			report.Against = AgainstBaseline
		}
	}
	need, seen := max(p.Need, 1), w.step.New.Exposures
	report.More = need - min(need, seen)
	switch {
	case evidence >= -math.Log(p.alpha()):
		report.Verdict = Fail
	case report.More == 0 && evidence < math.Log(Doubtful):
		report.Verdict = Pass
	}
	return report
}

func (p Policy) alpha() float64 {
	if !inside(p.Alpha) {
		return Alpha
	}
	return p.Alpha
}
