package api

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/shadow/rule"
	"github.com/stranglerfig/strangler/internal/spec"
)

// ListRules answers with the rules of a route, and how often each was needed.
func (s *server) ListRules(w http.ResponseWriter, r *http.Request, route string) {
	snapshot, i, err := s.readRoute(w, r, route)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	summary, known := s.summary(r.Context(), route)
	list := []wire.Rule{}
	for _, one := range snapshot.Definitions.Routes[i].ShadowPolicy().Rules {
		written := wireRule(one, time.Now())
		if known {
			hits := int64(summary.RuleHits[one.ID()])
			written.Hits = &hits
		}
		list = append(list, written)
	}
	w.Header().Set("ETag", etag(snapshot.Routes[i].Revision))
	s.writeJSON(w, r, list)
}

// AddRule writes a rule into the definition of a route.
func (s *server) AddRule(w http.ResponseWriter, r *http.Request, route string, params wire.AddRuleParams) {
	var body wire.RuleRequest
	if err := readJSON(r, &body); err != nil {
		s.fail(w, r, err)
		return
	}
	wanted, err := ruleOf(body)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer := wire.RuleChange{Route: route, Warnings: warnings(wanted)}
	// Before the edit, after which evidence is gathered anew.
	nothing := s.previewAdded(r, &answer, wanted)
	edit := routeEdit{route: route, verb: rollout.VerbRuleAdd, match: params.IfMatch, dryRun: params.DryRun, reason: body.Reason}
	s.changeRules(w, r, edit, &answer, func(rules []spec.Rule) ([]spec.Rule, error) {
		wanted.Owner = cmp.Or(body.Owner, ownerOf(rules, wanted.ID()), actor(r))
		next, note := withRule(rules, wanted)
		answer.Rule, answer.Note = wireRule(wanted, time.Now()), cmp.Or(note, nothing)
		return next, nil
	})
}

// previewAdded adds to an answer what the rule would have hidden so far, and
// says so when that is nothing. An edit does not wait long for it.
func (s *server) previewAdded(r *http.Request, answer *wire.RuleChange, wanted rule.Rule) (nothing string) {
	ctx, cancel := context.WithTimeout(r.Context(), readFor)
	defer cancel()
	var err error
	answer.Preview, err = s.preview(ctx, answer.Route, wanted)
	switch {
	case err != nil:
		answer.Warnings = append(answer.Warnings, fmt.Sprintf("what it would have hidden so far could not be read: %v", err))
	case answer.Preview != nil && answer.Preview.Of > 0 && answer.Preview.Hidden == 0:
		return fmt.Sprintf("of the %d differences found so far it would have hidden none", answer.Preview.Of)
	}
	return ""
}

// RemoveRule takes a rule out of the definition of a route.
func (s *server) RemoveRule(w http.ResponseWriter, r *http.Request, route, id string, params wire.RemoveRuleParams) {
	edit := routeEdit{route: route, verb: rollout.VerbRuleRemove, match: params.IfMatch, dryRun: params.DryRun, reason: orNone(params.Reason)}
	answer := wire.RuleChange{Route: route, Warnings: []string{}}
	s.changeRules(w, r, edit, &answer, func(rules []spec.Rule) ([]spec.Rule, error) {
		i := indexOfRule(rules, id)
		if i < 0 {
			return nil, unknownRule(route, id)
		}
		answer.Rule = wireRule(rules[i].Rule(), time.Now())
		return slices.Delete(slices.Clone(rules), i, i+1), nil
	})
}

// changeRules edits the rules of a route, and answers.
func (s *server) changeRules(w http.ResponseWriter, r *http.Request, edit routeEdit, answer *wire.RuleChange, change func([]spec.Rule) ([]spec.Rule, error)) {
	edited, err := s.editShadow(r, edit, func(route *spec.Route, _ rollout.State) (err error) {
		route.Shadow.Rules, err = change(route.Shadow.Rules)
		return err
	})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer.PreviousRevision, answer.Revision = wire.Revision(edited.Previous), wire.Revision(edited.Revision)
	answer.Changed, answer.DryRun = len(edited.Changes) > 0, edit.isDry()
	answer.Actor, answer.At = actor(r), edited.At.UTC()
	answer.Note = cmp.Or(s.unheard(edited.Revision), answer.Note)
	tagRoute(w, edited)
	s.writeJSON(w, r, answer)
}

func unknownRule(route, id string) *problem {
	return newProblem(http.StatusNotFound, "unknown_rule", "There is no such rule.",
		fmt.Sprintf("route %s has no rule %q; nothing was changed", route, id), "list them with: stranglerctl rule ls "+route)
}

func indexOfRule(rules []spec.Rule, id string) int {
	return slices.IndexFunc(rules, func(written spec.Rule) bool { return written.Rule().ID() == id })
}

// ownerOf is who owns a rule already; empty: there is no such rule, or nobody does.
func ownerOf(rules []spec.Rule, id string) string {
	if i := indexOfRule(rules, id); i >= 0 {
		return rules[i].Owner
	}
	return ""
}

// withRule adds a rule. One that does the same is replaced: only who wants it,
// why and for how long can have changed.
func withRule(rules []spec.Rule, wanted rule.Rule) (next []spec.Rule, note string) {
	next = slices.Clone(rules)
	i := indexOfRule(rules, wanted.ID())
	switch {
	case i < 0:
		return append(next, spec.RuleOf(wanted)), ""
	case next[i] == spec.RuleOf(wanted):
		return next, "there is such a rule already"
	default:
		next[i] = spec.RuleOf(wanted)
		return next, "there was such a rule already: its reason, owner and expiry are the new ones now"
	}
}

// ruleOf reads a rule, and refuses what cannot work.
func ruleOf(body wire.RuleRequest) (rule.Rule, error) {
	for _, text := range [...]struct{ name, value string }{
		{"target", body.Target},
		{"by", body.By},
		{"within", body.Within},
		{"pattern", body.Pattern},
		{"with", body.With},
		{"owner", body.Owner},
		{"reason", body.Reason},
	} {
		if err := checkLine(text.name, text.value); err != nil {
			return rule.Rule{}, err
		}
	}
	wanted := rule.Rule{
		Kind: rule.Kind(body.Kind), Target: body.Target, By: body.By, Within: body.Within, Pattern: body.Pattern, With: body.With,
		Owner: body.Owner, Reason: body.Reason, Expires: spec.Rule{Expires: body.Expires}.Rule().Expires,
	}
	_, faults := rule.Compile([]rule.Rule{wanted})
	if body.Expires != "" && wanted.Expires.IsZero() {
		faults = append(faults, rule.Fault{Field: "expires", Message: fmt.Sprintf("expires is %q: write a day like 2027-01-31, or a moment like 2027-01-31T18:00:00Z", body.Expires)})
	}
	if len(faults) > 0 {
		return wanted, invalidRule(faults)
	}
	return wanted, nil
}

func invalidRule(faults []rule.Fault) *problem {
	p := newProblem(http.StatusUnprocessableEntity, "invalid_rule", "This is no rule that could work.", faults[0].Message+"; nothing was changed", "")
	if len(faults) > 1 {
		p.Detail = fmt.Sprintf("%d problems; nothing was changed", len(faults))
	}
	for _, fault := range faults {
		p.Problems = append(p.Problems, wire.Finding{Path: cmp.Or(fault.Field, "rule"), Code: spec.CodeRule, Message: fault.Message})
	}
	return p
}

// warnings is what whoever adds the rule ought to read twice.
func warnings(wanted rule.Rule) []string {
	list := []string{}
	if wanted.HidesAll() {
		list = append(list, "THIS RULE HIDES EVERYTHING: whatever the bodies say from now on, they count as alike")
	}
	if wanted.HasExpired(time.Now()) {
		list = append(list, "the rule has expired already, and does nothing")
	}
	return list
}

func wireRule(r rule.Rule, now time.Time) wire.Rule {
	written := wire.Rule{
		ID: r.ID(), Kind: wire.RuleKind(r.Kind), Target: r.Target, By: r.By, Within: r.Within, Pattern: r.Pattern, With: r.With,
		Owner: r.Owner, Reason: r.Reason, Expired: r.HasExpired(now),
	}
	if !r.Expires.IsZero() {
		expires := r.Expires.UTC()
		written.Expires = &expires
	}
	return written
}
