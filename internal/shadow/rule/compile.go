package rule

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode/utf8"
)

// Bounds of what is written about rules. Lengths are in bytes.
const (
	MaxRules   = 200 // of one route
	MaxPattern = 256
	MaxWith    = 64
	MaxBy      = 128
	MaxReason  = 500
	MaxOwner   = 128
)

// Fault says why a rule cannot be used.
type Fault struct {
	Index   int    // of the rule
	Field   string // kind, target, by, within, pattern, with, owner or reason; empty: the rule as a whole
	Message string // with the offending value, and what to write instead
}

// Compile makes rules ready to work. Those with a fault are left out of the set;
// so are those beyond MaxRules, and a second one that does the same as another.
func Compile(rules []Rule) (*Set, []Fault) {
	var faults []Fault
	set := &Set{}
	first := map[string]int{}
	for i, written := range rules {
		if i == MaxRules {
			faults = append(faults, Fault{i, "", fmt.Sprintf("these are %d rules, and at most %d are allowed for one route", len(rules), MaxRules)})
			break
		}
		compiled := &Compiled{rule: written, id: written.ID(), at: i}
		found := compiled.compile()
		if at, twice := first[compiled.id]; twice && len(found) == 0 {
			found = []Fault{{Message: fmt.Sprintf("it does the same as rule %d: leave one of them out", at+1)}}
		}
		for _, fault := range found {
			faults = append(faults, Fault{i, fault.Field, fault.Message})
		}
		if len(found) == 0 {
			first[compiled.id] = i
			set.rules = append(set.rules, compiled)
		}
	}
	return set, faults
}

// compile checks every field, and reads those that have to be read.
func (c *Compiled) compile() []Fault {
	var found []Fault
	add := func(field, format string, values ...any) {
		found = append(found, Fault{Field: field, Message: fmt.Sprintf(format, values...)})
	}
	c.readTarget(add)
	c.readBelonging(add)
	switch c.rule.Kind {
	case Tolerance:
		c.readWithin(add)
	case Replace:
		c.readPattern(add)
	}
	c.checkWords(add)
	return found
}

type addFault func(field, format string, values ...any)

func (c *Compiled) readTarget(add addFault) {
	target, err := ParseTarget(c.rule.Target)
	if err != nil {
		add("target", "%v", err)
		return
	}
	c.target = target
	switch c.rule.Kind {
	case Ignore:
	case Unordered, Tolerance:
		if !target.IsPath() {
			add("target", "%s has no %s: it applies to JSON, so write a path like $.items", target, c.rule.Kind)
		}
	case Case, Replace:
		if target.area == areaStatus {
			add("target", "status is a number: it can be ignored, and nothing else")
		}
	default:
		add("kind", "%q is no kind of rule; write ignore, unordered, tolerance, case or replace", c.rule.Kind)
	}
}

// readBelonging refuses fields of other kinds.
func (c *Compiled) readBelonging(add addFault) {
	for _, field := range [...]struct {
		name, text string
		of         Kind
	}{
		{"by", c.rule.By, Unordered},
		{"within", c.rule.Within, Tolerance},
		{"pattern", c.rule.Pattern, Replace},
		{"with", c.rule.With, Replace},
	} {
		if field.text != "" && field.of != c.rule.Kind {
			add(field.name, "%s (%q) belongs to %s, and this rule is of the kind %s", field.name, field.text, field.of, c.rule.Kind)
		}
	}
}

func (c *Compiled) readWithin(add addFault) {
	within, percent, err := parseWithin(c.rule.Within)
	switch {
	case c.rule.Within == "":
		add("within", "a tolerance needs within: how much two numbers may differ, like 0.01 or 1%%")
	case err != nil:
		add("within", "within is %q: write a number like 0.01, or a share of the larger number like 1%%", c.rule.Within)
	case within.Sign() <= 0:
		add("within", "within is %s: only more than 0 allows anything", c.rule.Within)
	default:
		c.within, c.percent = within, percent
	}
}

func (c *Compiled) readPattern(add addFault) {
	if c.rule.Pattern == "" {
		add("pattern", "replace needs pattern: a regular expression, like https://[^/]+")
		return
	}
	if tooLong(add, "pattern", c.rule.Pattern, MaxPattern) || tooLong(add, "with", c.rule.With, MaxWith) {
		return
	}
	pattern, err := regexp.Compile(c.rule.Pattern)
	switch {
	case err != nil:
		add("pattern", "pattern %q is no regular expression: %s", c.rule.Pattern, reasonOf(err))
	case pattern.MatchString(""):
		add("pattern", "pattern %q finds the empty text, and so everything everywhere: write + for *, or what it has to contain at least", c.rule.Pattern)
	default:
		c.pattern = pattern
	}
}

// reasonOf is what package regexp has to say, without the expression and its own name.
func reasonOf(err error) string {
	var fault *syntax.Error
	if !errors.As(err, &fault) {
		return err.Error()
	}
	return fmt.Sprintf("%s: %q", fault.Code, fault.Expr)
}

func (c *Compiled) checkWords(add addFault) {
	if strings.TrimSpace(c.rule.Reason) == "" {
		add("reason", "a rule needs a reason: whoever finds it in a year wants to know why the difference is right")
	}
	tooLong(add, "reason", c.rule.Reason, MaxReason)
	tooLong(add, "owner", c.rule.Owner, MaxOwner)
	tooLong(add, "by", c.rule.By, MaxBy)
}

func tooLong(add addFault, field, text string, most int) bool {
	switch {
	case !utf8.ValidString(text):
		add(field, "%s is no UTF-8: %q", field, text)
	case len(text) > most:
		add(field, "%s has %d bytes, and at most %d are allowed", field, len(text), most)
	default:
		return false
	}
	return true
}
