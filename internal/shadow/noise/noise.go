package noise

import "math"

// Verdict is what the pairs say about a difference.
type Verdict string

// The verdicts.
const (
	Undecided Verdict = "undecided" // too few pairs
	Noise     Verdict = "noise"     // legacy differs from itself, and new from legacy no more often
	Real      Verdict = "real"
)

// MinPairs is how many pairs a verdict takes.
const MinPairs = 20

// level is the evidence that takes: a difference that is noise is called real in
// at most one of so many cases, however often somebody looks.
const level = 100

// Judge judges a difference by the requests on which legacy was asked twice at
// once: it was there between legacy and new and between legacy's two answers
// (both), only between legacy and new (fresh), or only between legacy's two
// (legacy).
//
// Were new another legacy, its answer and legacy's second one could change places,
// and each discordant pair would be one of fresh as likely as one of legacy
// (McNemar, Psychometrika 12, 1947). Pairs in which both differ say nothing about
// that, so a fault of new shows also under a field that mostly differs anyway. It
// does not show where new differs more rarely than legacy from itself: then it
// cannot be told from noise of new's own.
//
// A difference that was never there between legacy's two answers needs no rule of
// its own: twenty pairs of fresh alone are evidence of 10⁵.
func Judge(both, fresh, legacy uint64) Verdict {
	switch {
	case both+fresh+legacy < MinPairs:
		return Undecided
	case logEvidence(fresh, legacy) >= math.Log(level):
		return Real
	default:
		return Noise
	}
}

// logEvidence is the logarithm of the evidence of b against c discordant pairs
// that a pair is more likely one of b: the likelihood of all of them where the
// chance of b is p, over that where it is ½, in the mean over all p from ½ to 1,
//
//	∫ 2·pᵇ·(1−p)ᶜ dp / 2⁻ⁿ  =  2ⁿ⁺¹ · B(b+1, c+1) · (1 − I½(b+1, c+1)),  n = b+c
//
// Under the null it is a martingale that begins at 1, so that it ever reaches e has
// a chance of 1/e at most (Ville's inequality; as in Ramdas, Grünwald, Vovk and
// Shafer, Game-theoretic statistics and safe anytime-valid inference, Statistical
// Science 38, 2023). The result is exact to 10⁻³ up to 10¹² pairs.
func logEvidence(b, c uint64) float64 {
	if b <= c { // then it is at most 1, as the likelihood falls from p = ½ on
		return 0
	}
	n := float64(b) + float64(c)
	return (n+1)*math.Ln2 + logBeta(float64(b)+1, float64(c)+1) + math.Log1p(-upperTail(b, c))
}

// logBeta is the logarithm of Euler's beta function.
func logBeta(x, y float64) float64 {
	gx, _ := math.Lgamma(x)
	gy, _ := math.Lgamma(y)
	gxy, _ := math.Lgamma(x + y)
	return gx + gy - gxy
}

// upperTail is I½(b+1, c+1) for b > c: the chance of more than b heads in b+c+1
// throws. Each term is smaller than the one before, and they fall like a normal
// density: it takes about 6·√n of them at most.
func upperTail(b, c uint64) float64 {
	throws, heads := float64(b)+float64(c)+1, float64(b)+1
	term := math.Exp(-math.Log(throws+1) - logBeta(heads+1, throws-heads+1) - throws*math.Ln2)
	sum := 0.0
	for ; term > sum*1e-12 && heads <= throws; heads++ {
		sum += term
		term *= (throws - heads) / (heads + 1)
	}
	return sum
}
