package rule

import (
	"errors"
	"math/big"
	"strconv"
	"strings"
)

// Bounds of the numbers that a tolerance is reckoned for, so that none costs more than it is worth.
const (
	maxNumber   = 512 // bytes of a number as JSON has it
	maxExponent = 512 // of ten
)

var errNumber = errors.New("no number that can be reckoned with")

// Within reports whether two JSON numbers differ by no more than the rule
// allows, exactly. It is false for a number of more than 512 bytes, or with an
// exponent beyond ±512, and for what is no number.
func (c *Compiled) Within(legacy, fresh string) bool {
	if c.within == nil {
		return false
	}
	a, errA := parseNumber(legacy)
	b, errB := parseNumber(fresh)
	if errA != nil || errB != nil {
		return false
	}
	limit := c.within
	if c.percent {
		limit = new(big.Rat).Mul(larger(a, b), c.within)
	}
	a.Sub(a, b)
	return a.Abs(a).Cmp(limit) <= 0
}

// larger returns the magnitude of the number that is farther from zero.
func larger(a, b *big.Rat) *big.Rat {
	x, y := new(big.Rat).Abs(a), new(big.Rat).Abs(b)
	if x.Cmp(y) < 0 {
		return y
	}
	return x
}

// parseNumber reads a JSON number, exactly.
func parseNumber(text string) (*big.Rat, error) {
	if len(text) > maxNumber || strings.Trim(text, "0123456789+-.eE") != "" {
		return nil, errNumber
	}
	if at := strings.IndexAny(text, "eE"); at >= 0 {
		exponent, err := strconv.Atoi(text[at+1:])
		if err != nil || exponent > maxExponent || exponent < -maxExponent {
			return nil, errNumber
		}
	}
	number, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil, errNumber
	}
	return number, nil
}

// parseWithin reads "0.01", or "1%" as a share.
func parseWithin(text string) (within *big.Rat, percent bool, err error) {
	digits, percent := strings.CutSuffix(text, "%")
	within, err = parseNumber(digits)
	switch {
	case err != nil:
		return nil, false, err
	case percent:
		within.Quo(within, big.NewRat(100, 1))
	}
	return within, percent, nil
}
