package rule

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"time"
	"unicode"
)

// Compiled is a rule that is ready to work. Nothing of it changes.
type Compiled struct {
	rule   Rule
	id     string
	target Target
	at     int // in the definition

	within  *big.Rat // Tolerance; a share of 1 where percent
	percent bool
	pattern *regexp.Regexp // Replace
}

// ID is Rule.ID of the rule.
func (c *Compiled) ID() string { return c.id }

// Kind says what the rule does.
func (c *Compiled) Kind() Kind { return c.rule.Kind }

// By is the member that tells the elements of an unordered array apart; empty:
// they are compared as a multiset.
func (c *Compiled) By() string { return c.rule.By }

// Rule returns the rule as it is defined.
func (c *Compiled) Rule() Rule { return c.rule }

// inOrder is the order in which rules work at one place.
func inOrder(a, b *Compiled) int {
	return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(a.at, b.at))
}

func (c *Compiled) rank() int {
	switch c.rule.Kind {
	case Ignore:
		return 0
	case Replace:
		return 1
	case Case:
		return 2
	case Tolerance:
		return 3
	default:
		return 4
	}
}

// reachesDown reports whether the rule holds for what lies below its place, too.
func (c *Compiled) reachesDown() bool { return c.rule.Kind == Ignore || c.rule.Kind == Unordered }

// HasExpired reports whether the rule does nothing at a moment.
func (r Rule) HasExpired(now time.Time) bool { return !r.Expires.IsZero() && !now.Before(r.Expires) }

// Text returns what a text is compared as: with the pattern replaced, for
// Replace, and in one case, for Case. Other kinds leave it as it is.
func (c *Compiled) Text(text string) string {
	switch c.rule.Kind {
	case Replace:
		return c.replace(text)
	case Case:
		return strings.Map(folded, text)
	default:
		return text
	}
}

// folded is the same for all letters that differ in case alone, "K" and the
// Kelvin sign among them, as strings.EqualFold has it.
func folded(r rune) rune {
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	return least
}

// sureLength is how long a text may become by a replacement in any case, in bytes.
const sureLength = 64 << 10

// replace leaves a text alone that could grow beyond twice its length and
// sureLength: nobody's mistake in a rule shall cost the router's memory.
func (c *Compiled) replace(text string) string {
	groups := strings.Count(c.rule.With, "$")
	rest := max(0, len(c.rule.With)-len("$1")*groups)
	if len(text)*(1+groups+rest) > sureLength {
		matches, found := 0, 0
		c.pattern.ReplaceAllStringFunc(text, func(match string) string {
			matches++
			found += len(match)
			return ""
		})
		if len(text)-found+found*groups+matches*rest > 2*len(text)+sureLength {
			return text
		}
	}
	return c.pattern.ReplaceAllString(text, c.rule.With)
}

// ID is 8 hex digits of a hash of what the rule does. Owner, reason and expiry
// do not count, and neither does the way its target is spelled.
func (r Rule) ID() string {
	within := r.Within
	if exact, percent, err := parseWithin(r.Within); err == nil {
		within = fmt.Sprint(exact, percent)
	}
	hash := sha256.New()
	for _, part := range [...]string{string(r.Kind), r.canonical(), r.By, within, r.Pattern, r.With} {
		fmt.Fprintf(hash, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(hash.Sum(nil))[:8]
}
