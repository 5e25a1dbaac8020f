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
	started uint64          // copies
	since   uint64          // trials since the newest started
	sums    [ratios]float64 // by ratio: the logarithm of the weighted sum of the copies; nothing before the first
}

const ratios = 6

// allRatios are those that the process looks for, about evenly spaced in logarithm.
func allRatios() [ratios]float64 {
	return [ratios]float64{1.5, 2.5, 5, 10, 22, 50}
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
	if trials > 0 && inside(chance) {
		p.add(successes, trials, func(ratio float64) float64 { return float64(trials) * math.Log1p(chance*(ratio-1)) })
	}
}

// exceed adds trials with successes, where no more than so many are expected; ρ is the ratio of
// the rates:
//
//	ρˢ / exp(expected·(ρ−1))  for s successes
//
// which is Poisson's. For trials that succeed or not it is below what would be exact.
func (p *process) exceed(successes, trials uint64, expected float64) {
	if expected > 0 {
		p.add(successes, trials, func(ratio float64) float64 { return expected * (ratio - 1) })
	}
}

// add multiplies each copy by its ratio to the successes, and divides by e to the price.
func (p *process) add(successes, trials uint64, price func(ratio float64) float64) {
	first := p.started == 0
	starts := first || p.since >= restart
	if starts {
		p.started, p.since = p.started+1, 0
	}
	weight := -math.Log(float64(p.started)) - math.Log(float64(p.started+1))
	for i, ratio := range allRatios() {
		switch {
		case first:
			p.sums[i] = weight
		case starts:
			p.sums[i] = logSum(p.sums[i], weight)
		}
		p.sums[i] += float64(successes)*math.Log(ratio) - price(ratio)
	}
	p.since += trials
}

// log is the natural logarithm of the value. Copies that have not started are worth
// their weight, which is 1/(k+1) for all after the k-th; so it begins at 0.
func (p *process) log() float64 {
	value := -math.Log(float64(p.started + 1))
	if p.started == 0 {
		return value
	}
	for _, sum := range p.sums {
		value = logSum(value, sum-math.Log(ratios))
	}
	return value
}

// logSum is the logarithm of the sum of two numbers given by theirs.
func logSum(a, b float64) float64 {
	if a < b {
		a, b = b, a
	}
	return a + math.Log1p(math.Exp(b-a))
}
