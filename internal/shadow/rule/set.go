package rule

// Cursors is the set of rules that apply from a place downwards. The zero value
// is the empty set.
type Cursors struct{}
