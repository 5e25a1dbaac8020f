package shadow

import (
	"slices"
	"time"

	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow/rule"
)

// Writes says what becomes of requests that may change something.
type Writes uint8

// The ways with writes. Only copies for the new side are made of them: nobody
// has taught the legacy side what a dry run is.
const (
	WritesOff     Writes = iota // they are served, and not shadowed
	WritesDryRun                // new honours the marker, as a probe has proved
	WritesSandbox               // a backend of its own is asked in place of new
)

// String returns the way as definitions write it.
func (w Writes) String() string {
	switch w {
	case WritesDryRun:
		return "dry_run"
	case WritesSandbox:
		return "sandbox"
	default:
		return "off"
	}
}

// Policy is how a route is shadowed.
type Policy struct {
	Sample    routing.Weight // share of the cohorts that are shadowed, where Sampled; 0: none
	Sampled   bool           // Sample is written; else it is 100 % in stage shadow and 0 in all others
	Noise     routing.Weight // share of the samples on which legacy is asked once more; 0: never
	Writes    Writes
	Sandbox   string        // backend that is asked in place of new, with WritesSandbox
	MaxBody   int64         // bytes of each body that is copied; beyond it nothing is compared
	Timeout   time.Duration // of a shadow request, from its beginning to the end of its answer
	AtOnce    int           // shadow requests of one lane under way
	Queue     int           // shadow requests of one lane that wait for their turn
	Headers   []string      // canonical names of the response fields that are compared; nil: the usual ones
	Rules     []rule.Rule
	Sensitive []string // names besides the usual ones whose values are never kept
	Reveal    []string // places whose values are kept though their names are sensitive: "$.token_type"
}

// DefaultPolicy is what is in force where a route writes nothing.
func DefaultPolicy() Policy {
	return Policy{MaxBody: 1 << 20, Timeout: 15 * time.Second, AtOnce: 16, Queue: 256}
}

// Basis names what answers are compared by now: the rules that have not expired,
// and the fields. What was found by another one belongs to another Epoch, as its
// Rules say.
func (p *Policy) Basis(now time.Time) string {
	rules, _ := rule.Compile(p.Rules) // definitions are checked before they are stored
	return basis(rules, p.Headers, now)
}

func basis(rules *rule.Set, headers []string, now time.Time) string {
	return digest(append([]string{rules.Digest(now)}, slices.Sorted(slices.Values(headers))...)...)
}

// Share is the share of the cohorts that is shadowed in a stage.
func (p *Policy) Share(stage routing.Stage) routing.Weight {
	switch {
	case stage == routing.StageLegacy || stage == routing.StageRetired:
		return 0
	case p.Sampled:
		return p.Sample
	case stage == routing.StageShadow:
		return routing.FullWeight
	default:
		return 0
	}
}
