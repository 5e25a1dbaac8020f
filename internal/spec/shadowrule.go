package spec

import (
	"fmt"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/shadow/rule"
)

// Rule is one rule as people write it: one of its first five fields holds the
// target, and so says what the rule does.
type Rule struct {
	Ignore    string `json:"ignore,omitempty" yaml:"ignore,omitempty"`
	Unordered string `json:"unordered,omitempty" yaml:"unordered,omitempty"`
	Tolerance string `json:"tolerance,omitempty" yaml:"tolerance,omitempty"`
	Case      string `json:"case,omitempty" yaml:"case,omitempty"`
	Replace   string `json:"replace,omitempty" yaml:"replace,omitempty"`

	By      string `json:"by,omitempty" yaml:"by,omitempty"`
	Within  string `json:"within,omitempty" yaml:"within,omitempty"`
	Pattern string `json:"pattern,omitempty" yaml:"pattern,omitempty"`
	With    string `json:"with,omitempty" yaml:"with,omitempty"`

	Reason  string `json:"reason,omitempty" yaml:"reason,omitempty"`
	Owner   string `json:"owner,omitempty" yaml:"owner,omitempty"`
	Expires string `json:"expires,omitempty" yaml:"expires,omitempty"` // 2027-01-31, from its beginning in UTC, or a moment as RFC 3339 has it
}

// RuleOf returns a rule as a definition writes it.
func RuleOf(r rule.Rule) Rule {
	out := Rule{By: r.By, Within: r.Within, Pattern: r.Pattern, With: r.With, Reason: r.Reason, Owner: r.Owner}
	for _, target := range out.targets() {
		if target.kind == r.Kind {
			*target.text = r.Target
		}
	}
	if !r.Expires.IsZero() {
		out.Expires = strings.TrimSuffix(r.Expires.UTC().Format(time.RFC3339Nano), "T00:00:00Z")
	}
	return out
}

// Rule returns what is written. Of what Validate refuses it may be anything.
func (r Rule) Rule() rule.Rule {
	out := rule.Rule{By: r.By, Within: r.Within, Pattern: r.Pattern, With: r.With, Reason: r.Reason, Owner: r.Owner}
	for _, target := range r.targets() {
		if *target.text != "" {
			out.Kind, out.Target = target.kind, *target.text
		}
	}
	out.Expires, _ = expiry(r.Expires)
	return out
}

type ruleTarget struct {
	kind rule.Kind
	text *string
}

func (r *Rule) targets() []ruleTarget {
	return []ruleTarget{
		{rule.Ignore, &r.Ignore},
		{rule.Unordered, &r.Unordered},
		{rule.Tolerance, &r.Tolerance},
		{rule.Case, &r.Case},
		{rule.Replace, &r.Replace},
	}
}

// kinds lists what the rule is written to do; more or less than one is a fault.
func (r Rule) kinds() []string {
	var kinds []string
	for _, target := range r.targets() {
		if *target.text != "" {
			kinds = append(kinds, string(target.kind))
		}
	}
	return kinds
}

// expiry reads when a rule ends; zero: never.
func expiry(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day, nil
	}
	moment, err := time.Parse(time.RFC3339, text)
	return moment.UTC(), err
}

// checkRules finds everything that is wrong with the rules of a route, each
// fault at the key that has it.
func checkRules(written []Rule, found *findings) {
	if found.tooMany("shadow.rules", CodeRule, len(written), rule.MaxRules) {
		return
	}
	rules := make([]rule.Rule, len(written))
	before := len(found.list)
	for i, one := range written {
		at := fmt.Sprintf("shadow.rules[%d]", i)
		switch kinds := one.kinds(); len(kinds) {
		case 0:
			found.add(at, CodeRule, "rule %d does nothing: write what it does to which place, like {ignore: $.generated_at, reason: clock}", i+1)
		case 1:
		default:
			found.add(at, CodeRule, "rule %d is written to do %s at once: write one rule for each", i+1, strings.Join(kinds, " and "))
		}
		if _, err := expiry(one.Expires); err != nil {
			found.add(at+".expires", CodeRule, "rule %d: expires is %q: write a day like 2027-01-31, or a moment like 2027-01-31T18:00:00Z", i+1, one.Expires)
		}
		rules[i] = one.Rule()
	}
	if len(found.list) > before {
		return
	}
	_, faults := rule.Compile(rules)
	for _, fault := range faults {
		found.add(pathOf(fault, rules[fault.Index].Kind), CodeRule, "rule %d: %s", fault.Index+1, fault.Message)
	}
}

// pathOf is where a fault is written: a rule's target stands at its kind.
func pathOf(fault rule.Fault, kind rule.Kind) string {
	at := fmt.Sprintf("shadow.rules[%d]", fault.Index)
	switch fault.Field {
	case "":
		return at
	case "target":
		return at + "." + string(kind)
	default:
		return at + "." + fault.Field
	}
}
