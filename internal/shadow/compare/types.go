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

// The reasons of a Skipped outcome. It is always the whole comparison that is
// skipped, for what was not looked at could be worse than what was found; only a
// status that differs is a Mismatch all the same.
const (
	ReasonOverBudget  = "over_budget" // a body is larger, deeper or more work to compare than Limits allow
	ReasonUndecodable = "undecodable" // a body's content coding is not known, or it is damaged or cut off
	ReasonBomb        = "bomb"        // a body grows beyond Limits.Ratio when it is decompressed
	ReasonUnanswered  = "unanswered"  // neither side gave an answer
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
	// Where is the place as people read and write it: "status", "answer",
	// "header Vary", "$.items[3].price", "line 14" or "body". Elements and lines
	// are counted on the legacy side; those that only new has, on the new side.
	Where string
	// Path is the same for all elements of an array, "$.items[*].price", for all
	// lines, "line", and for all members of an object whose names look like data,
	// "$.users.*.name": digits, dates, UUIDs, e-mail addresses, long hexadecimal or
	// very long names. It has at most 512 bytes; what lies deeper ends in "…".
	Path string
	Kind Kind

	Legacy, New Value
}

// Value is what one side has at a place.
type Value struct {
	// Type is of JSON null, boolean, number, string, array or object; of a header
	// or a line string; of a status status; of an answer that never came failure;
	// of a body json, text or bytes. Empty: there is nothing at this place.
	Type string
	// Text is JSON for JSON, without white space. It is valid UTF-8 without NUL,
	// which both become U+FFFD, and has at most MaxText bytes: a longer one is cut
	// and ends in "…", a long line may also begin with one, near the difference.
	//
	// KindOrder: where legacy has the common elements, in this side's order:
	// [0,1,2] and [2,0,1]. KindRepeat: the array of all values of the key; Type is
	// of the last. KindMedia and KindBytes: what the body is, nothing of its
	// content. KindAnswer: the status, or why there is none.
	Text string
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
	Steps       int   // of the walk, lines of text and elements of arrays included: the time budget, in units that do not depend on the machine, of about 100 ns; 4,000,000
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
	Reason      string            // of a Skipped one: ReasonOverBudget, …
	Differences []Difference      // in the order of the answer: status, headers, body
	More        int               // differences beyond Limits.Differences
	Lost        bool              // some of More are like none of Differences in Path, Kind and types: there were too many
	Hits        map[string]uint64 // differences that a rule kept away, by its ID; nil: none
}
