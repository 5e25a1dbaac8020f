package compare

import "github.com/stranglerfig/strangler/internal/shadow/rule"

// Answer is one side's response. Nothing of it is changed.
type Answer struct {
	Status  int
	Header  map[string][]string // by canonical name
	Body    []byte              // as it was sent, content coding included
	Failure string              // why there is none: "timeout", "reset", "bad_response"; empty: there is one
}

// Outcome is what came of a comparison.
type Outcome uint8

// The outcomes.
const (
	Match Outcome = iota
	Mismatch
	Skipped // nothing can be said; Result.Reason has why
)

// Kind is in what way two answers differ at one place.
type Kind string

// The kinds of differences.
const (
	KindStatus  Kind = "status"
	KindAnswer  Kind = "answer"  // one side gave none
	KindHeader  Kind = "header"  // a field that both have
	KindMedia   Kind = "media"   // one body is JSON, or text, and the other is not
	KindType    Kind = "type"    // a JSON value of another type
	KindValue   Kind = "value"   // of the same type
	KindMissing Kind = "missing" // only legacy has it
	KindExtra   Kind = "extra"   // only new has it
	KindOrder   Kind = "order"   // the same elements in another order
	KindRepeat  Kind = "repeat"  // an object has a key twice on one side
	KindText    Kind = "text"    // a line
	KindBytes   Kind = "bytes"   // bodies compared by their hash
)

// Difference is one place where the two answers differ.
type Difference struct {
	Where string // as people read and write it: "status", "header Vary", "$.items[3].price", "line 14", "body"
	Path  string // the same for every element of an array: "$.items[*].price", "line"
	Kind  Kind

	Legacy, New Value
}

// Value is what one side has at a place.
type Value struct {
	Type string // of JSON: null, boolean, number, string, array, object; of a header or a line: string; of a status: status; empty: absent
	Text string // JSON for JSON, at most MaxText bytes; a longer one is cut and ends in "…"
}

// MaxText bounds a Value's Text, in bytes.
const MaxText = 4 << 10

// Limits bound one comparison. A zero field means the default.
type Limits struct {
	Decoded     int64 // bytes of one body when decompressed; 8 MiB
	Ratio       int   // decompressed to compressed, once past 1 MiB; 200
	Nodes       int   // of both JSON trees; 400,000
	Depth       int   // of a JSON tree; 500
	Differences int   // that are reported; 200. Those beyond are counted in Result.More
	Steps       int   // of the walk, lines of text and elements of arrays included: the time budget, in units that do not depend on the machine; 4,000,000
}

// Options say how two answers are compared.
type Options struct {
	Headers []string     // canonical names of those that count; nil: DefaultHeaders
	Rules   rule.Cursors // where rules apply; the zero value: nowhere
	Bodies  bool         // false: the answer to a HEAD has none, whatever its fields say
	Limits  Limits
}

// Result is what came of one comparison.
type Result struct {
	Outcome     Outcome
	Reason      string            // of a Skipped one: "over_budget", "undecodable", "bomb"
	Differences []Difference      // in the order of the answer: status, headers, body
	More        int               // differences beyond Limits.Differences
	Hits        map[string]uint64 // differences that a rule kept away, by its ID; nil: none
}
