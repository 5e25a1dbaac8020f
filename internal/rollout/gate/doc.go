// Package gate says whether a route may take its next step: one gate for each
// question, each with one of three verdicts, the numbers behind it, and the words
// for what is missing.
//
// It is pure: somebody else has counted, and knows what time it is.
package gate
