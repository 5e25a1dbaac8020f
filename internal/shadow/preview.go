package shadow

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/shadow/compare"
	"github.com/stranglerfig/strangler/internal/shadow/rule"
)

// Previewed is what a rule would have kept away, had it been in force. Counts
// are of signatures: a comparison that differs by two counts twice.
type Previewed struct {
	Hidden, Of uint64
	About      bool // Hidden is concluded from exemplars, and not counted
	Exemplars  int  // that were looked at
	Unseen     int  // differences that cannot be judged: a value is hidden or cut, or the rest of the answer is needed
	Everything bool // the rule keeps every difference of a body away
}

// Preview says what a rule would have kept away of a route's evidence. To ignore
// a place is exact; what depends on values is judged by those of the exemplars.
// The error says what is wrong with the rule.
func Preview(e Evidence, exemplars []Exemplar, r rule.Rule) (Previewed, error) {
	p, err := newPreviewer(r)
	if err != nil {
		return Previewed{}, err
	}
	result := Previewed{Exemplars: len(exemplars), Everything: r.HidesAll()}
	samples := make(map[string]sample)
	for i := range exemplars {
		result.Unseen += p.look(&exemplars[i], samples)
	}
	for _, f := range Summarise(e).Found {
		result.Of += f.Count
		seen := samples[f.ID]
		switch {
		case p.ignores(f.Where):
			result.Hidden += f.Count
		case seen.hidden > 0:
			result.About = true
			result.Hidden += uint64(math.Round(float64(f.Count) * float64(seen.hidden) / float64(seen.of)))
		}
	}
	return result, nil
}

// sample is what the exemplars say about one signature.
type sample struct{ hidden, of int }

// previewer tries one rule. It has no expiry: what it would have done is asked.
type previewer struct {
	rules *rule.Set
	kind  rule.Kind
	now   time.Time
}

func newPreviewer(r rule.Rule) (*previewer, error) {
	r.Expires = time.Time{}
	if r.Reason == "" {
		r.Reason = "preview"
	}
	rules, faults := rule.Compile([]rule.Rule{r})
	var errs []error
	for _, f := range faults {
		errs = append(errs, fmt.Errorf("%s: %s", f.Field, f.Message))
	}
	return &previewer{rules: rules, kind: r.Kind}, errors.Join(errs...)
}

// ignores reports whether the rule is there to ignore this place.
func (p *previewer) ignores(path string) bool {
	return p.kind == rule.Ignore && len(p.rules.Covers(path, p.now)) > 0
}

// judgement is what can be said of one difference.
type judgement uint8

const (
	stays judgement = iota
	hides
	unseen
)

// look judges all differences of an exemplar, signature by signature: it loses
// one when all its differences are hidden. It returns how many cannot be judged.
func (p *previewer) look(e *Exemplar, samples map[string]sample) (unjudged int) {
	bySignature := make(map[string]judgement)
	for i := range e.Differences {
		d := &e.Differences[i]
		id := signatureID(e.Route, d)
		now := p.judge(e, d)
		if now == unseen {
			unjudged++
		}
		if before, known := bySignature[id]; known {
			now = worse(before, now)
		}
		bySignature[id] = now
	}
	for id, j := range bySignature {
		if j == unseen {
			continue
		}
		s := samples[id]
		s.of++
		if j == hides {
			s.hidden++
		}
		samples[id] = s
	}
	return unjudged
}

// worse is what two differences of one signature come to.
func worse(a, b judgement) judgement {
	switch {
	case a == stays || b == stays:
		return stays
	case a == unseen || b == unseen:
		return unseen
	default:
		return hides
	}
}

func (p *previewer) judge(e *Exemplar, d *compare.Difference) judgement {
	covering := p.rules.Covers(d.Where, p.now)
	if len(covering) == 0 {
		return stays
	}
	switch c := covering[0]; c.Kind() {
	case rule.Ignore:
		return hides
	case rule.Unordered:
		return p.reordered(e, d)
	default:
		return alike(c, d)
	}
}

// alike judges by the two values alone.
func alike(c *rule.Compiled, d *compare.Difference) judgement {
	legacy, fresh := d.Legacy, d.New
	if legacy.Type != fresh.Type || legacy.Type == "" {
		return stays
	}
	if legacy.Type != typeNumber && legacy.Type != typeString || legacy.Type == typeNumber != (c.Kind() == rule.Tolerance) {
		return stays
	}
	if isHidden(legacy.Text) || isHidden(fresh.Text) { // as are those that were cut
		return unseen
	}
	if c.Kind() == rule.Tolerance && c.Within(legacy.Text, fresh.Text) ||
		c.Kind() != rule.Tolerance && c.Text(plain(d.Path, legacy)) == c.Text(plain(d.Path, fresh)) {
		return hides
	}
	return stays
}

// reordered judges an array by what of it differs: when it is only the order,
// then each path has the same values on both sides, in whatever places. Hidden
// values serve as well, for equal ones are hidden alike.
func (p *previewer) reordered(e *Exemplar, of *compare.Difference) judgement {
	if of.Kind == compare.KindOrder {
		return hides
	}
	if e.More > 0 {
		return unseen
	}
	var legacy, fresh []string
	for i := range e.Differences {
		d := &e.Differences[i]
		if d.Path != of.Path || len(p.rules.Covers(d.Where, p.now)) == 0 {
			continue
		}
		legacy = append(legacy, d.Legacy.Type+" "+d.Legacy.Text)
		fresh = append(fresh, d.New.Type+" "+d.New.Text)
	}
	slices.Sort(legacy)
	slices.Sort(fresh)
	if slices.Equal(legacy, fresh) {
		return hides
	}
	return stays
}

// Types of values, as compare.Value has them.
const (
	typeString = "string"
	typeNumber = "number"
)

// plain returns a string without the quotes that it has in JSON.
func plain(path string, v compare.Value) string {
	var text string
	if !strings.HasPrefix(path, "$") || json.Unmarshal([]byte(v.Text), &text) != nil {
		return v.Text
	}
	return text
}
