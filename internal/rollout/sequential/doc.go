// Package sequential judges by counts that keep growing, and may be asked after
// each of them: however often somebody looks, the chance of a false word stays
// what it is said to be.
//
// [Parity] tells from compared answers whether mismatches are rarer than a limit.
// [Watch] tells from errors, or from slow answers, whether new is worse than
// legacy. Both answer with one of three verdicts and with the numbers behind it.
// docs/statistics.md has the formulas, what they assume, and the error rates that
// simulations found.
package sequential
