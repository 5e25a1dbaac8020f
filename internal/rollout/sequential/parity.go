package sequential

import (
	"errors"
	"fmt"
	"math"
)

// ParityAlpha is how likely Parity ever gives a wrong verdict, at most, when it is
// not told otherwise.
const ParityAlpha = 0.05

// ErrParity is wrapped by every error of Parity.Validate.
var ErrParity = errors.New("not a parity that can be judged")

// Parity asks whether fewer than Limit of the comparisons are mismatches.
type Parity struct {
	Limit float64 // a share, above 0 and below 1
	Alpha float64 // how likely it is ever wrong, at most; 0 means ParityAlpha
}

// Validate checks that the limit and alpha are shares above 0 and below 1. A limit
// of 0 could never be passed: no number of matches proves that there is no mismatch.
func (p Parity) Validate() error {
	if !inside(p.Limit) {
		return fmt.Errorf("%w: the limit %g must be a share above 0 and below 1, such as 0.01", ErrParity, p.Limit)
	}
	if !inside(p.alpha()) {
		return fmt.Errorf("%w: alpha %g must be above 0 and below 1, such as %g", ErrParity, p.Alpha, ParityAlpha)
	}
	return nil
}

func inside(share float64) bool { return share > 0 && share < 1 }

func (p Parity) alpha() float64 {
	if p.Alpha == 0 {
		return ParityAlpha
	}
	return p.Alpha
}

// ParityReport is what a Parity finds, with the numbers behind it.
type ParityReport struct {
	Verdict    Verdict
	Compared   uint64
	Mismatched uint64
	Limit      float64
	Low, High  float64 // the true share of mismatches lies between them
	Forecast   Forecast
}

// Forecast is how an insufficient verdict ends if mismatches stay as frequent as
// they have been. Where they are as frequent as the limit allows it has no end
// that could be told: then Verdict is Insufficient and More is 0.
type Forecast struct {
	Verdict Verdict
	More    uint64 // comparisons until then
}

// Judge passes when the whole interval lies below the limit, fails when it lies
// above, and says else how many comparisons are missing. The interval is the Beta-
// mixture confidence sequence that docs/statistics.md explains. Mismatched beyond compared
// counts as compared. A Parity that is not valid is always insufficient.
func (p Parity) Judge(compared, mismatched uint64) ParityReport {
	compared = max(compared, mismatched)
	found := ParityReport{
		Verdict: Insufficient, Compared: compared, Mismatched: mismatched, Limit: p.Limit,
		High: 1, Forecast: Forecast{Verdict: Insufficient},
	}
	if p.Validate() != nil {
		return found
	}
	n, x := float64(compared), float64(mismatched)
	found.Low, found.High = p.interval(n, x)
	found.Verdict = p.verdict(n, x)
	if found.Verdict == Insufficient {
		found.Forecast = p.forecast(n, x)
	} else {
		found.Forecast.Verdict = found.Verdict
	}
	return found
}

func (p Parity) verdict(n, x float64) Verdict {
	switch {
	case !p.excludes(n, x)(p.Limit):
		return Insufficient
	case x < p.Limit*n:
		return Pass
	default:
		return Fail
	}
}

// excludes returns what tells whether n comparisons with x mismatches exclude that
// the true share is q: whether the evidence against q has reached 1/α. That is
// the likelihood in the mean over all shares, by a prior Beta(a, b), over the one by q,
//
//	B(a+x, b+n−x) / B(a, b)  /  qˣ(1−q)ⁿ⁻ˣ,  a = ¼, b = 1/limit
//
// If q is true this is a martingale that begins at 1, so that it ever reaches 1/α
// has a chance of α at most (Robbins, Statistical methods related to the law of the
// iterated logarithm, Annals of Mathematical Statistics 41, 1970; Howard, Ramdas,
// McAuliffe and Sekhon, Time-uniform, nonparametric, nonasymptotic confidence
// sequences, Annals of Statistics 49, 2021). What is not excluded is an interval
// around x/n. The prior leans to shares below the limit, where a pass has to be found.
func (p Parity) excludes(n, x float64) func(q float64) bool {
	a, b := 0.25, 1/p.Limit
	most := logBeta(a+x, b+n-x) - logBeta(a, b) + math.Log(p.alpha())
	return func(q float64) bool {
		likelihood := 0.0
		if x > 0 {
			likelihood += x * math.Log(q)
		}
		if n > x {
			likelihood += (n - x) * math.Log1p(-q)
		}
		return likelihood <= most
	}
}

// interval is every share that is not excluded.
func (p Parity) interval(n, x float64) (low, high float64) {
	if n == 0 {
		return 0, 1
	}
	excluded := p.excludes(n, x)
	high = 1
	if x < n {
		high = crossing(x/n, 1, excluded)
	}
	if x > 0 {
		low = crossing(x/n, 0, excluded)
	}
	return low, high
}

// farthest is how many comparisons a forecast looks ahead.
const farthest = 1e12

// forecast goes on as before until there is a verdict. On the way evidence falls at
// most once before it rises for good, so that the first verdict can be bisected.
func (p Parity) forecast(n, x float64) Forecast {
	rate := 0.0
	if n > 0 {
		rate = x / n
	}
	after := func(more float64) Verdict { return p.verdict(n+more, rate*(n+more)) }
	last := 1.0
	for ; after(last) == Insufficient; last *= 2 {
		if last > farthest {
			return Forecast{Verdict: Insufficient}
		}
	}
	for first := math.Floor(last / 2); last-first > 1; { // both are whole
		if middle := math.Floor((first + last) / 2); after(middle) == Insufficient {
			first = middle
		} else {
			last = middle
		}
	}
	return Forecast{Verdict: after(last), More: uint64(last)}
}

// logBeta is the logarithm of Euler's beta function.
func logBeta(x, y float64) float64 {
	gx, _ := math.Lgamma(x)
	gy, _ := math.Lgamma(y)
	gxy, _ := math.Lgamma(x + y)
	return gx + gy - gxy
}
