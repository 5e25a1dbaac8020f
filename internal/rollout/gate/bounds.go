package gate

import "github.com/stranglerfig/strangler/internal/rollout/sequential"

// Bounds returns by what the windows of a policy are judged, given the rate p that legacy
// did not exceed while it served (sequential.Baseline; 1, or 0, where that is not
// known). Where legacy serves too little to compare with, new may do what legacy did,
// and the excess x more: p + x. It may never do more there than the policy's Max.
//
// An excess is allowed wherever new serves anything. No ratio stands for it: 0.5 %
// more is little to a route with 5 % of errors, and infinitely more to one without any.
// So two things have to be found before new is held to be worse than legacy: that it
// does more than s + x, and that its odds are higher than legacy's by more than
//
//	odds(s+x) / odds(s),  odds(s) = s/(1−s)
//
// whatever s is. As long as new does at most q + x where legacy does q at the same
// time, one of them is not so: the first where q is at most s, and the second where q lies
// between s and 1−s−x, because the odds of q + x and of q are no further apart than
// there. So what lies within the excess is not held against new, neither where legacy
// hardly fails nor in an hour in which both do badly. What lies far beyond it is found
// soonest with s = p, and with s = x where legacy does less than that.
func Bounds(policy Rate, p float64) (tolerance float64, ceilings sequential.Ceilings) {
	ceilings.Limit = policy.Max
	x := policy.Excess
	if !(x > 0 && x < 1) {
		x = 0
	}
	known := p > 0 && p < 1
	if known && p+x < 1 {
		ceilings.Baseline = p + x
	}
	if x == 0 {
		return 0, ceilings
	}
	s := x
	if known {
		s = max(p, x)
	}
	s = min(s, (1-x)/2)
	ceilings.Excess = s + x
	return odds(s+x) / odds(s), ceilings
}

func odds(share float64) float64 { return share / (1 - share) }
