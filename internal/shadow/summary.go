package shadow

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/shadow/noise"
)

// Summary is what a route's evidence comes to. Compared is the sum of Matched,
// Mismatched and Noise.
type Summary struct {
	Compared   uint64 // comparisons
	Matched    uint64
	Mismatched uint64 // Overflow included: what nobody could look at is not called noise
	Noise      uint64 // by which nothing differs but what differs between two answers of legacy as well
	Overflow   uint64 // with a signature, or a set of them, for which there was no room

	Skipped  map[string]uint64 // requests that were not compared, by reason
	RuleHits map[string]uint64 // differences that a rule kept away, by the rule's id
	Found    []Found           // most frequent first
}

// Found is one signature, with what is known of it.
type Found struct {
	Signature

	Count       uint64 // comparisons in which it occurred
	Pairs       Pairs
	Verdict     noise.Verdict
	Confirmed   uint64
	Transient   uint64
	First, Last time.Time
	Exemplars   []string // ids of those that can be fetched, newest first
}

// Summarise adds a route's evidence up. A mismatch counts as noise when all
// signatures of its set are noise by what is known now: what was counted before
// the verdict is judged by it as well.
func Summarise(e Evidence) Summary {
	s := Summary{Skipped: make(map[string]uint64), RuleHits: make(map[string]uint64)}
	counts := make(map[string]uint64)
	sets := make(map[string]uint64)
	for _, t := range e.Tallies {
		prefix, name, _ := strings.Cut(t.Result, ":")
		switch prefix + ":" {
		case PrefixSkipped:
			s.Skipped[name] += t.N
		case PrefixRule:
			s.RuleHits[name] += t.N
		case PrefixSignature:
			counts[name] += t.N
		case PrefixSet:
			sets[name] += t.N
		case ResultMatch + ":":
			s.Matched += t.N
		case ResultOverflow + ":":
			s.Overflow += t.N
		}
	}
	s.Found = found(&e, counts)
	s.judge(e.Sets, sets, verdicts(e.Sightings))
	s.Mismatched += s.Overflow
	s.Compared = s.Matched + s.Mismatched + s.Noise
	return s
}

// judge adds the sets up. One whose members are not known is not noise.
func (s *Summary) judge(sets []Set, counts map[string]uint64, verdicts map[string]noise.Verdict) {
	known := make(map[string]bool, len(sets)) // whether it is noise
	for _, set := range sets {
		known[set.ID] = len(set.Members) > 0 && !slices.ContainsFunc(set.Members, func(id string) bool {
			return verdicts[id] != noise.Noise
		})
	}
	for id, n := range counts {
		if known[id] {
			s.Noise += n
		} else {
			s.Mismatched += n
		}
	}
}

func verdicts(sightings []Sighting) map[string]noise.Verdict {
	all := make(map[string]noise.Verdict, len(sightings))
	for i := range sightings {
		all[sightings[i].Signature.ID] = verdict(&sightings[i])
	}
	return all
}

func verdict(s *Sighting) noise.Verdict {
	return noise.Judge(s.Pairs.Both, s.Pairs.New, s.Pairs.Legacy)
}

// found returns the signatures that occurred. One that was only seen between two
// answers of legacy is no difference of new.
func found(e *Evidence, counts map[string]uint64) []Found {
	var all []Found
	for i := range e.Sightings {
		s := &e.Sightings[i]
		if n := counts[s.Signature.ID]; n > 0 {
			all = append(all, Found{
				Signature: s.Signature, Count: n, Pairs: s.Pairs, Verdict: verdict(s),
				Confirmed: s.Confirmed, Transient: s.Transient, First: s.First, Last: s.Last,
				Exemplars: e.Exemplars[s.Signature.ID],
			})
		}
	}
	slices.SortFunc(all, func(a, b Found) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Where, b.Where), strings.Compare(a.ID, b.ID))
	})
	return all
}
