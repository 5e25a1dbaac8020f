package spec

import (
	"slices"

	"github.com/stranglerfig/strangler/internal/shadow/rule"
)

// WithRule returns the route with one more rule, as the last one; the same
// route, and false, where a rule does the same already.
func (r Route) WithRule(one rule.Rule) (Route, bool) {
	if r.ruleAt(one.ID()) >= 0 {
		return r, false
	}
	r.Shadow = r.Shadow.copied()
	r.Shadow.Rules = append(slices.Clone(r.Shadow.Rules), RuleOf(one))
	return r, true
}

// WithoutRule returns the route without the rule of an ID; the same route, and
// false, where there is none.
func (r Route) WithoutRule(id string) (Route, bool) {
	at := r.ruleAt(id)
	if at < 0 {
		return r, false
	}
	r.Shadow = r.Shadow.copied()
	r.Shadow.Rules = slices.Delete(slices.Clone(r.Shadow.Rules), at, at+1)
	return r, true
}

// WithSample returns the route with another share of its cohorts shadowed, like
// 10%, or off. Empty leaves it to the stage.
func (r Route) WithSample(share string) Route {
	r.Shadow = r.Shadow.copied()
	r.Shadow.Sample = share
	return r
}

// ruleAt is the index of the rule with an ID; -1: there is none.
func (r Route) ruleAt(id string) int {
	if r.Shadow == nil {
		return -1
	}
	return slices.IndexFunc(r.Shadow.Rules, func(written Rule) bool { return written.Rule().ID() == id })
}

// copied is a section that can be changed: definitions are shared.
func (s *Shadow) copied() *Shadow {
	if s == nil {
		return &Shadow{}
	}
	out := *s
	return &out
}
