package compare

import (
	"strings"
	"unicode/utf8"

	"github.com/stranglerfig/strangler/internal/shadow/rule"
)

// report collects what a comparison finds, within its limits.
type report struct {
	limits Limits
	steps  int // that are left; below zero: the budget is spent, and what was found is not all
	found  []Difference
	more   int
	crowd  map[likeness]int // how many of found are alike; nil: there is room
	lost   bool             // one of more is like none of found
	hits   map[string]uint64
}

func newReport(limits Limits) *report {
	limits = limits.orDefaults()
	return &report{limits: limits, steps: limits.Steps}
}

func (l Limits) orDefaults() Limits {
	if l.Decoded <= 0 {
		l.Decoded = 8 << 20
	}
	l.Decoded = min(l.Decoded, 1<<30) // places in a body are 32 bits
	l.Ratio = orDefault(l.Ratio, 200)
	l.Nodes = orDefault(l.Nodes, 400_000)
	l.Depth = orDefault(l.Depth, 500)
	l.Differences = orDefault(l.Differences, 200)
	l.Steps = orDefault(l.Steps, 4_000_000)
	return l
}

func orDefault(n, byDefault int) int {
	if n <= 0 {
		return byDefault
	}
	return n
}

// spend takes steps from the budget and reports whether it still lasts.
func (r *report) spend(steps int) bool {
	r.steps -= steps
	return r.steps >= 0
}

// add reports a difference outside of JSON, where Where and Path are alike.
func (r *report) add(where string, kind Kind, legacy, fresh Value) {
	if r.room(likeness{where, kind, legacy.Type, fresh.Type}) {
		r.found = append(r.found, Difference{Where: where, Path: where, Kind: kind, Legacy: legacy, New: fresh})
	}
}

func (r *report) hit(c *rule.Compiled) {
	if r.hits == nil {
		r.hits = map[string]uint64{}
	}
	r.hits[c.ID()]++
}

// ignores counts a difference for the rule that ignores its place, if there is one.
func (r *report) ignores(rules []*rule.Compiled) bool {
	if len(rules) == 0 || rules[0].Kind() != rule.Ignore { // they come first
		return false
	}
	r.hit(rules[0])
	return true
}

// reconciles reports whether two texts that differ are alike as the rules for
// their place have them, and counts the difference for those that had a part.
func (r *report) reconciles(rules []*rule.Compiled, legacy, fresh string) bool {
	var used []*rule.Compiled
	for _, c := range rules {
		if !r.spend(1 + (len(legacy)+len(fresh))>>6) {
			return false
		}
		l, f := c.Text(legacy), c.Text(fresh)
		if l != legacy || f != fresh {
			used = append(used, c)
		}
		legacy, fresh = l, f
	}
	if legacy != fresh {
		return false
	}
	for _, c := range used {
		r.hit(c)
	}
	return true
}

// textOf is what a text is compared as.
func textOf(rules []*rule.Compiled, text string) string {
	for _, c := range rules {
		text = c.Text(text)
	}
	return text
}

// result sums the comparison up. reason is why the bodies could not be compared.
func (r *report) result(reason string) Result {
	if r.steps < 0 {
		reason = ReasonOverBudget
	}
	result := Result{Differences: r.found, More: r.more, Lost: r.lost, Hits: r.hits}
	switch {
	case reason != "" && !r.hasStatus():
		return Result{Outcome: Skipped, Reason: reason}
	case len(r.found) > 0:
		result.Outcome = Mismatch
	}
	return result
}

// hasStatus reports whether the status differs. It stands first.
func (r *report) hasStatus() bool { return len(r.found) > 0 && r.found[0].Kind == KindStatus }

// shown is a text as Value.Text has it.
func shown(text string) string {
	clean := readable(text[:min(len(text), MaxText+utf8.UTFMax)])
	if len(text) <= MaxText && len(clean) <= MaxText {
		return strings.Clone(clean)
	}
	clean = clean[:min(len(clean), MaxText-len("…"))]
	return strings.ToValidUTF8(clean, "") + "…" // without half a character at the end
}

// readable is a text that every store and terminal takes.
func readable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}
