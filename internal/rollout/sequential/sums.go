package sequential

import "math"

const ratios = 6

// allRatios are those that a process looks for, about evenly spaced in logarithm.
func allRatios() [ratios]float64 {
	return [ratios]float64{1.5, 2.5, 5, 10, 22, 50}
}

// sums is, by ratio, the logarithm of the weighted sum of copies.
type sums [ratios]float64

// nothing is the logarithm of as good as 0, which JSON can write.
const nothing = -1e300

func noCopies() sums {
	return sums{nothing, nothing, nothing, nothing, nothing, nothing}
}

// start adds a copy of a weight, given by its logarithm.
func (s *sums) start(weight float64) {
	for i := range s {
		s[i] = logSum(s[i], weight)
	}
}

// join adds the copies of others.
func (s *sums) join(others *sums) {
	for i := range s {
		s[i] = logSum(s[i], others[i])
	}
}

// multiply multiplies each copy by its ratio to the successes, and divides by e to the price.
func (s *sums) multiply(successes uint64, price func(ratio float64) float64) {
	for i, ratio := range allRatios() {
		s[i] += float64(successes)*math.Log(ratio) - price(ratio)
	}
}

// addTo adds the mean over all ratios to a value given by its logarithm.
func (s *sums) addTo(value float64) float64 {
	for _, sum := range s {
		value = logSum(value, sum-math.Log(ratios))
	}
	return value
}
