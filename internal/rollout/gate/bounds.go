package gate

import (
	"math"

	"github.com/stranglerfig/strangler/internal/rollout/sequential"
)

// Bounds returns by what a policy's windows are judged, given the rate p that legacy
// did not exceed while it served (sequential.Baseline; 1: that is not known). Where new
// serves too little of legacy to compare with, it may do what legacy did, and x more:
// p + x, and the policy's Max in any case.
//
// An excess x is allowed at every weight. There is no one ratio that stands for it: 0.5 %
// more is nothing to a route with 5 % of errors, and infinitely more to one without any.
// So two things have to be found before new counts as worse: that it does more than
// p + x, and that its odds are higher than legacy's by more than
//
//	odds(p+x) / odds(p),  odds(p) = p/(1−p)
//
// If new does q + x where legacy does q at the same time, one of them is not so:
// the first where q ≤ p, the second where q > p, because there the ratio of q + x to q
// is smaller. So what lies within the excess is not held against new, neither where legacy
// hardly fails nor in an hour in which both sides do badly.
//
// While p is not known, or p + x is all there is, an excess says nothing, and new is
// compared as if none were allowed.
func Bounds(policy Rate, baseline float64) (tolerance float64, ceilings sequential.Ceilings) {
	ceilings.Limit = policy.Max
	if !(baseline > 0 && baseline < 1) {
		return 0, ceilings
	}
	allowed := baseline + math.Max(0, policy.Excess)
	if !(allowed < 1) {
		return 0, ceilings
	}
	ceilings.Baseline = allowed
	if policy.Excess > 0 {
		tolerance, ceilings.Excess = odds(allowed)/odds(baseline), allowed
	}
	return tolerance, ceilings
}

func odds(share float64) float64 { return share / (1 - share) }
