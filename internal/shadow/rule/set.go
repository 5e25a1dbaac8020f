package rule

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Set is the rules of one route, ready to work, and may be used by many
// goroutines at once. A nil Set is empty.
type Set struct {
	rules []*Compiled           // in the order of the definition
	last  atomic.Pointer[reign] // nil: nobody has asked yet
}

// reign is a set between two moments at which one of its rules expires.
type reign struct {
	from, until time.Time // zero: there is no such moment
	top         *node
	digest      string
}

// At returns where the rules apply that have not expired.
func (s *Set) At(now time.Time) Cursors {
	if s == nil || len(s.rules) == 0 {
		return Cursors{}
	}
	return Cursors{one: s.reign(now).top}
}

// Digest is 12 hex digits of a hash of what the rules do that have not expired.
// Their owners, reasons and order do not count, but for the order of
// replacements.
func (s *Set) Digest(now time.Time) string {
	if s == nil {
		s = &Set{}
	}
	return s.reign(now).digest
}

// Rules returns what each rule has become, in the order of the definition and
// with those that have expired.
func (s *Set) Rules() []*Compiled {
	if s == nil {
		return nil
	}
	return slices.Clone(s.rules)
}

// Covers returns the rules in force at a moment that could keep away every
// difference of a path as differences carry it: "$.items[*].price", "header
// Vary", "status", "line" or "body". A rule for a single element holds where the path names
// that element, and not where it says [*].
func (s *Set) Covers(path string, now time.Time) []*Compiled {
	steps := stepsOf(path)
	if len(steps) == 0 {
		return nil
	}
	top := s.At(now)
	found := above(top.Body(), steps[0])
	for place := top; !place.Empty() && len(steps) > 0; steps = steps[1:] {
		place = place.to(steps[0])
		for _, c := range place.Here() {
			if (len(steps) == 1 || c.reachesDown()) && !slices.Contains(found, c) {
				found = append(found, c)
			}
		}
	}
	return found
}

// stepsOf reads a difference's path; nil: it is none.
func stepsOf(path string) []step {
	if path == areaLine || strings.HasPrefix(path, areaLine+" ") {
		path = areaBody
	}
	target, err := ParseTarget(path)
	if err != nil {
		return nil
	}
	return target.below()
}

// above returns the rules that ignore bodies as a whole, where area is one.
func above(body Cursors, area step) []*Compiled {
	var found []*Compiled
	for _, c := range body.Here() {
		if area.name == areaJSON && c.Kind() == Ignore {
			found = append(found, c)
		}
	}
	return found
}

func (c Cursors) to(s step) Cursors {
	switch s.kind {
	case stepAny:
		return c.Every()
	case stepIndex:
		return c.Index(s.at)
	default:
		return c.Key(s.name)
	}
}

// reign returns the state of the set at a moment, the last one where it still holds.
func (s *Set) reign(now time.Time) *reign {
	last := s.last.Load()
	if last == nil || now.Before(last.from) || !last.until.IsZero() && !now.Before(last.until) {
		last = s.build(now)
		s.last.Store(last)
	}
	return last
}

func (s *Set) build(now time.Time) *reign {
	next := &reign{top: &node{}}
	var sorted, replacing []string
	for _, c := range slices.SortedFunc(slices.Values(s.rules), inOrder) {
		end := c.rule.Expires
		if c.rule.HasExpired(now) {
			next.from = later(next.from, end)
			continue
		}
		if !end.IsZero() && (next.until.IsZero() || end.Before(next.until)) {
			next.until = end
		}
		next.top.plant(c.target.below(), c)
		if c.Kind() == Replace {
			replacing = append(replacing, c.id)
		} else {
			sorted = append(sorted, c.id)
		}
	}
	slices.Sort(sorted)
	hash := sha256.Sum256([]byte(strings.Join(append(sorted, replacing...), " ")))
	next.digest = hex.EncodeToString(hash[:])[:12]
	return next
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
