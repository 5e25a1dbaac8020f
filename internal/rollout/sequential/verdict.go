package sequential

// Verdict is what the counts say.
type Verdict string

// The verdicts.
const (
	Pass         Verdict = "pass"
	Fail         Verdict = "fail"
	Insufficient Verdict = "insufficient" // too little to say either: neither a pass nor a fail
)
