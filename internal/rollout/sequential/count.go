package sequential

import "math"

// Count is how often something could have happened, and how often it did: key-
// minutes in which a cohort key was served, and those of them with an error (or
// a slow answer).
type Count struct {
	Exposures uint64 `json:"exposures"`
	Events    uint64 `json:"events"`
}

// Rate is the share of exposures with an event; 0 without exposures.
func (c Count) Rate() float64 {
	if c.Exposures == 0 {
		return 0
	}
	return float64(c.Events) / float64(c.Exposures)
}

func (c Count) plus(d Count) Count {
	return Count{Exposures: c.Exposures + d.Exposures, Events: c.Events + d.Events}
}

// baselineDoubt is how likely a baseline is too low, at most.
const baselineDoubt = 0.01

// Baseline is the rate that legacy does not exceed, by what it was seen to do,
// with a confidence of 99 %; 1, which nothing exceeds, when it was not seen at all.
//
// It is Chernoff's bound (Annals of Mathematical Statistics 23, 1952): the rate p at which
// exposures · KL(rate‖p) = ln 100. Without events it is exact, with events a little
// higher than it need be.
func Baseline(legacy Count) float64 {
	n, x := float64(legacy.Exposures), float64(min(legacy.Events, legacy.Exposures))
	if n == 0 {
		return 1
	}
	rate := x / n
	return crossing(rate, 1, func(p float64) bool {
		return n*divergence(rate, p) >= -math.Log(baselineDoubt)
	})
}

// divergence is that of Kullback and Leibler between two coins, in nats.
func divergence(p, q float64) float64 {
	d := 0.0
	if p > 0 {
		d += p * math.Log(p/q)
	}
	if p < 1 {
		d += (1 - p) * (math.Log1p(-p) - math.Log1p(-q))
	}
	return d
}

// crossing is where beyond becomes true on the way from inside to outside, as
// exactly as numbers go.
func crossing(inside, outside float64, beyond func(float64) bool) float64 {
	for {
		middle := inside + (outside-inside)/2
		switch {
		case middle == inside || middle == outside:
			return outside
		case beyond(middle):
			outside = middle
		default:
			inside = middle
		}
	}
}
