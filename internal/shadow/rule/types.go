package rule

import "time"

// Kind is what a rule does to the place it names.
type Kind string

// The kinds of rules.
const (
	Ignore    Kind = "ignore"    // the place and all below it are not compared
	Unordered Kind = "unordered" // the order of an array's elements means nothing
	Tolerance Kind = "tolerance" // numbers may differ by so much
	Case      Kind = "case"      // upper and lower case are alike
	Replace   Kind = "replace"   // a regular expression is replaced on both sides first
)

// Rule keeps a known difference from being reported.
type Rule struct {
	Kind   Kind
	Target string // "$.items[*].price", "header Vary", "status" or "body", as differences are named

	By      string // Unordered: the field that tells elements apart; empty: they are compared as a multiset
	Within  string // Tolerance: "0.01", or of the larger of both numbers "1%"
	Pattern string // Replace: a regular expression, in Go's syntax
	With    string // Replace: what takes its place; $1 is its first group

	Owner   string    // who asked for it; empty: nobody said
	Reason  string    // why it is right; never empty
	Expires time.Time // from then on it does nothing; zero: never
}
