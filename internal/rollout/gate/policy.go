package gate

// Policy is what a route's gates ask for. Shares lie above 0 and below 1; 0 means
// that there is none.
type Policy struct {
	Parity    Parity
	Errors    Rate
	Slowness  Rate
	Fallbacks Fallbacks
	Window    *Window // nil: at any time; without a zone: never, because it cannot be read
}

// Parity asks whether the answers of both sides are the same.
type Parity struct {
	Off bool
	Max float64 // the share of mismatches that is too much
	Min uint64  // comparisons without which nothing passes
}

// Rate asks whether something happens more often on new than on legacy.
type Rate struct {
	Off    bool
	Excess float64 // how much more often it may happen on new, as a share of key-minutes
	Max    float64 // how often it may happen on new at all, once legacy serves too little to compare with
	Min    uint64  // key-minutes on new in the present step without which nothing passes
	Hold   bool    // a failure only holds the route; else it rolls it back
}

// Fallbacks asks how much of new's work legacy does.
type Fallbacks struct {
	Off bool
	Max float64 // the share of new's requests that may fall back
}

// The defaults.
const (
	DefaultMismatch    = 0.01
	DefaultComparisons = 400
	DefaultExposures   = 100
	DefaultSlower      = 0.05 // beside the 5 % that are slower than their own p95 on legacy
	DefaultFallbacks   = 0.01
)

// DefaultPolicy is that of a route that says nothing of its gates.
func DefaultPolicy() Policy {
	return Policy{
		Parity:    Parity{Max: DefaultMismatch, Min: DefaultComparisons},
		Errors:    Rate{Min: DefaultExposures},
		Slowness:  Rate{Excess: DefaultSlower, Min: DefaultExposures},
		Fallbacks: Fallbacks{Max: DefaultFallbacks},
	}
}
