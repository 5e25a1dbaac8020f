package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/shadow/noise"
	"github.com/stranglerfig/strangler/internal/spec"
)

// When doctor speaks of shadowing.
const (
	lately       = time.Hour // what is left out is counted so far back
	fewSamples   = 20        // of so few nothing is said
	tooManyLost  = 10        // percent of the samples
	unusedFor    = 7 * 24 * time.Hour
	fewUndecided = 20 // comparisons with a difference; from then on it matters whether it is noise
)

// shadowChecks warns of shadowing that does not do what its definition says.
// Where evidence cannot be read, only definitions are looked at.
func (s *server) shadowChecks(ctx context.Context, snapshot *fleet.Snapshot) []wire.Check {
	now := time.Now()
	checks := ruleChecks(snapshot.Definitions, now)
	checks = append(checks, idleChecks(snapshot)...)
	ctx, cancel := context.WithTimeout(ctx, evidenceFor)
	defer cancel()
	recent, err := s.Evidence.Evidence(ctx, shadow.Query{Since: now.Add(-lately)})
	if err == nil {
		var whole []shadow.Evidence
		if whole, err = s.Evidence.Evidence(ctx, shadow.Query{}); err == nil {
			checks = append(checks, lossChecks(snapshot.Definitions, recent)...)
			checks = append(checks, evidenceChecks(snapshot.Definitions, whole, now)...)
		}
	}
	if err != nil && !errors.Is(err, rollout.ErrUnavailable) { // that the store's own check says
		checks = append(checks, checkup(wire.CheckGroupRoutes).warn("evidence_unknown", "", "what was compared cannot be read: %v", err))
	}
	return checks
}

// ruleChecks warns of rules that do nothing any more.
func ruleChecks(definitions spec.Definitions, now time.Time) []wire.Check {
	group := checkup(wire.CheckGroupRoutes)
	var checks []wire.Check
	for _, route := range definitions.Routes {
		for _, r := range route.ShadowPolicy().Rules {
			if r.HasExpired(now) {
				checks = append(checks, group.warn("rule_expired", "stranglerctl rule rm "+route.Name+" "+r.ID(),
					"%s: the rule %s %s (%s) expired on %s, and what it hid is reported again", route.Name, r.Kind, r.Target, r.Reason, r.Expires.UTC().Format(time.DateOnly)))
			}
		}
	}
	return checks
}

// idleChecks warns of routes that say how much of them is shadowed and stand
// where nothing is.
func idleChecks(snapshot *fleet.Snapshot) []wire.Check {
	var checks []wire.Check
	for i, route := range snapshot.Definitions.Routes {
		policy := route.ShadowPolicy()
		if policy.Sampled && policy.Sample > 0 && snapshot.Routes[i].Stage == routing.StageLegacy {
			checks = append(checks, checkup(wire.CheckGroupRoutes).warn("shadow_idle", "stranglerctl promote "+route.Name+" --to shadow",
				"%s: shadow.sample is %s, and in stage legacy nothing is shadowed", route.Name, policy.Sample))
		}
	}
	return checks
}

// lossChecks warns of lanes that leave out much of what they are to compare,
// because the other side or this router cannot keep up.
func lossChecks(definitions spec.Definitions, recent []shadow.Evidence) []wire.Check {
	group := checkup(wire.CheckGroupRoutes)
	var checks []wire.Check
	for _, evidence := range recent {
		if _, defined := find(definitions.Routes, evidence.Route, routeName); !defined {
			continue
		}
		summary := shadow.Summarise(evidence)
		if n := summary.Skipped[shadow.ReasonNoProof.String()]; n > 0 {
			checks = append(checks, group.fail("dry_run_unproved", "let new answer OPTIONS with Strangler-Shadow: 1 by Strangler-Dry-Run: 1, or write shadow: {writes: off}",
				"%s: shadow.writes is dry_run, and new has not shown that it keeps to it: %d writes were not shadowed in the last hour", evidence.Route, n))
		}
		lost, reasons := lostOf(summary.Skipped)
		if total := summary.Compared + lost; total >= fewSamples && lost*100 > total*tooManyLost {
			checks = append(checks, group.warn("shadow_behind", "look at the backend that is asked; or sample less: stranglerctl shadow start "+evidence.Route+" --sample 10%",
				"%s: of %d requests to compare in the last hour %d were left out (%s)", evidence.Route, total, lost, reasons))
		}
	}
	return checks
}

// lostOf adds up what was left out for want of room or of a backend that answers.
func lostOf(skipped map[string]uint64) (lost uint64, reasons string) {
	var parts []string
	for _, reason := range [...]shadow.Reason{
		shadow.ReasonNoBackend, shadow.ReasonBreakerOpen, shadow.ReasonDropped, shadow.ReasonMemory, shadow.ReasonNotSent,
	} {
		if n := skipped[reason.String()]; n > 0 {
			lost += n
			parts = append(parts, fmt.Sprintf("%s %d", reason, n))
		}
	}
	return lost, strings.Join(parts, ", ")
}

// evidenceChecks warns of rules that nothing needs, and of differences of which
// nobody finds out whether they are noise.
func evidenceChecks(definitions spec.Definitions, whole []shadow.Evidence, now time.Time) []wire.Check {
	var checks []wire.Check
	for _, evidence := range whole {
		i, defined := find(definitions.Routes, evidence.Route, routeName)
		if !defined {
			continue
		}
		route, summary := definitions.Routes[i], shadow.Summarise(evidence)
		policy := route.ShadowPolicy()
		if summary.Compared > 0 && !evidence.Epoch.Began.After(now.Add(-unusedFor)) {
			checks = append(checks, unusedRules(route.Name, policy, summary, now)...)
		}
		undecided := slices.IndexFunc(summary.Found, func(f shadow.Found) bool { return f.Verdict == noise.Undecided && f.Count >= fewUndecided })
		if policy.Noise == 0 && undecided >= 0 && asksTwice(route) {
			checks = append(checks, checkup(wire.CheckGroupRoutes).warn("noise_unknown", "write shadow: {noise: 10%} into its definition, where legacy may be asked twice",
				"%s: nobody finds out whether differences such as %s are noise: legacy is never asked twice", route.Name, summary.Found[undecided].Where))
		}
	}
	return checks
}

// asksTwice reports whether legacy may be asked twice: reading alone allows it.
func asksTwice(route spec.Route) bool {
	return len(route.Match.Methods) == 0 || slices.ContainsFunc(route.Match.Methods, shadow.Safe)
}

func unusedRules(route string, policy shadow.Policy, summary shadow.Summary, now time.Time) []wire.Check {
	var checks []wire.Check
	for _, r := range policy.Rules {
		if summary.RuleHits[r.ID()] == 0 && !r.HasExpired(now) {
			checks = append(checks, checkup(wire.CheckGroupRoutes).warn("rule_unused", "stranglerctl rule rm "+route+" "+r.ID(),
				"%s: the rule %s %s (%s) has hidden nothing in the last seven days", route, r.Kind, r.Target, r.Reason))
		}
	}
	return checks
}
