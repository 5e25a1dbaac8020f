package shadow

import (
	"time"

	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow/compare"
)

// Request is the copy of a request, as the router would send it to the side
// that served it before that side's rewriting.
type Request struct {
	Method string
	Scheme string
	Host   string
	Target string // path and query, as the client sent them
	Header map[string][]string
	Body   []byte
}

// Took is what one side of a comparison was like, besides what was compared.
type Took struct {
	Status   int
	Bytes    int64         // of the body, as sent
	Duration time.Duration // until the end of the answer
	Build    string        // what the backend says it is a build of; empty: it does not say
}

// Comparison is one shadowed request, with what was found.
type Comparison struct {
	Route   string
	Rules   string // digest of what the comparison went by
	Served  routing.Side
	At      time.Time
	Request Request

	Legacy, New Took
	Result      compare.Result
	Noise       *compare.Result // legacy against itself, asked at the same moment; nil: it was not asked twice
	Second      *compare.Result // the same request asked once more on both sides, after a mismatch; nil: it was not
}

// Epoch is one state of what produces evidence: a build of the new side, and
// the rules that it was compared by. What was found of another is kept apart.
type Epoch struct {
	Route string
	ID    string // 12 hex digits of a hash of the rest
	Build string // of the new side; empty: it does not say
	Rules string // digest
	Began time.Time
	Last  time.Time // when a comparison of it was last heard of
}

// Signature is what differences have in common that count as one.
type Signature struct {
	ID     string // 12 hex digits of a hash of route and the rest
	Where  string // compare.Difference.Path
	Kind   compare.Kind
	Legacy string // type, or status, on the legacy side; empty: absent
	New    string
}

// Exemplar is one comparison with a difference, as it is kept: without any
// value that is the same on both sides, and with the sensitive ones hidden.
type Exemplar struct {
	ID         string // 16 random hex digits
	Route      string
	Epoch      string
	Signatures []string // ids of all that it shows
	Served     string   // legacy or new
	Instance   string
	At         time.Time
	Request    Request // redacted
	Legacy     Took
	New        Took

	Differences []compare.Difference // redacted
	More        int
	Draw        uint32 // random: those with the smallest are a fair sample of all
}

// What is kept of each signature.
const (
	MaxSignatures = 500 // of one route and epoch; what does not fit is counted as Overflow
	Newest        = 5
	Random        = 5
)

// The results that Tally counts, besides sets of signatures.
const (
	ResultMatch     = "match"
	ResultOverflow  = "overflow"   // a mismatch with a signature for which there was no room
	PrefixSkipped   = "skipped:"   // + reason; epoch is empty
	PrefixSet       = "set:"       // + id: mismatches with exactly these signatures
	PrefixSignature = "signature:" // + id: comparisons in which it occurred
	PrefixRule      = "rule:"      // + id: differences that a rule kept away
)

// Tally counts one result of one epoch, in the minute in which it is written.
type Tally struct {
	Route, Epoch, Result string
	N                    uint64
}

// Pairs counts the comparisons in which legacy was asked twice, by where a
// signature occurred.
type Pairs struct {
	Both   uint64 // legacy differs from new and from itself
	New    uint64 // legacy differs from new alone
	Legacy uint64 // legacy differs from itself alone
}

// Total is how many pairs say something about the signature.
func (p Pairs) Total() uint64 { return p.Both + p.New + p.Legacy }

// Sighting is what was learned of a signature since the last flush; all numbers
// are additions.
type Sighting struct {
	Route, Epoch string
	Signature    Signature
	First, Last  time.Time // of the comparisons that it was seen in; without First it is Last
	Pairs        Pairs
	Confirmed    uint64 // asked once more, it was there again
	Transient    uint64 // it was not
}

// Set is a set of signatures that occurred together, and nothing else with them.
type Set struct {
	Route, Epoch string
	ID           string   // 12 hex digits of a hash of its members
	Members      []string // signature ids, sorted
}

// Batch is everything that one router has learned since its last flush.
type Batch struct {
	Epochs    []Epoch
	Tallies   []Tally
	Sightings []Sighting
	Sets      []Set
	Exemplars []Exemplar
}

// Query selects evidence.
type Query struct {
	Routes []string  // nil: all of them
	Since  time.Time // zero: since the epoch began
	Epoch  string    // id; empty: of each route the current one
}

// Evidence is what a store has about one route, for one epoch.
type Evidence struct {
	Route     string
	Epoch     Epoch
	Epochs    []Epoch // all that are kept, newest first
	Tallies   []Tally // added up since Query.Since; those of skipped requests carry no epoch
	Sightings []Sighting
	Sets      []Set
	Exemplars map[string][]string // ids by signature, newest first
	Bytes     int64               // that the route's exemplars take
}
