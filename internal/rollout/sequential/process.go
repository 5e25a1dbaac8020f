package sequential

import "math"

// restart is how many trials lie between two copies of a process.
const restart = 20

// process weighs how often something has happened against how often it should have
// if all is well: the more evidence, the less is all well. The zero process
// has seen nothing.
//
// Its value is a likelihood ratio: of what was seen if it is ρ times as likely
// as it should be, over that if it is not, in the mean over ratios ρ from 1.5 to 50. If
// all is well that is a supermartingale which begins at 1, so that it ever reaches 1/α
// has a chance of α at most (Ville; Wald, Sequential analysis, 1947; Ramdas,
// Grünwald, Vovk and Shafer, Statistical Science 38, 2023).
//
// One product over all time would let long health shield a later failure. So a
// copy of it starts every 20 trials (or at the next window, if that comes later), the k-th
// with the weight 1/(k(k+1)), and the value is their weighted sum: what Shiryaev and
// Roberts do, with weights that add up to 1, so that the chance of a false alarm is
// bounded for all time. Copies of one ρ grow by the same factor: one number each
// is all that has to be kept, and nothing is left out.
type process struct {
	started uint64 // copies
	since   uint64 // trials since the newest started
	sums    sums
}

// split adds trials, of which some were successes, each with the chance, a share;
// ρ is the ratio of the odds:
//
//	ρˢ / (1 + chance·(ρ−1))ⁿ  for s successes in n trials
//
// Chances may be different each time, as long as they do not depend on what comes of
// it. Trials may be added in batches: given how many there are, the successes of a batch
// spread no more than those of as many throws (Hoeffding, Journal of the
// American Statistical Association 58, 1963, section 6). A chance of 0 or 1 makes
// certain what comes of it, which says nothing.
func (p *process) split(successes, trials uint64, chance float64) {
	if trials == 0 || !inside(chance) {
		return
	}
	if p.started == 0 {
		p.sums = noCopies()
	}
	if weight, now := p.starts(trials); now {
		p.sums.start(weight)
	}
	p.sums.multiply(successes, func(ratio float64) float64 { return float64(trials) * math.Log1p(chance*(ratio-1)) })
}

// starts counts trials, and says the logarithm of the weight of the copy that starts
// with them if it is time for one.
func (p *process) starts(trials uint64) (weight float64, now bool) {
	if now = p.started == 0 || p.since >= restart; now {
		p.started, p.since = p.started+1, 0
		weight = -math.Log(float64(p.started)) - math.Log(float64(p.started+1))
	}
	p.since += trials
	return weight, now
}

// log is the natural logarithm of the value. Copies that have not started are worth
// their weight, which is 1/(k+1) for all after the k-th; so it begins at 0.
func (p *process) log() float64 {
	value := -math.Log(float64(p.started + 1))
	if p.started == 0 {
		return value
	}
	return p.sums.addTo(value)
}

// logSum is the logarithm of the sum of two numbers given by theirs.
func logSum(a, b float64) float64 {
	if a < b {
		a, b = b, a
	}
	return a + math.Log1p(math.Exp(b-a))
}
