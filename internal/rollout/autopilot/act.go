package autopilot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/rollout/gate"
	"github.com/stranglerfig/strangler/internal/rollout/sequential"
	"github.com/stranglerfig/strangler/internal/routing"
)

// Actor is the name by which the history knows the autopilot.
const Actor = "autopilot"

// Evidence is what an automatic rollback leaves with its event.
type Evidence struct {
	Route    string           `json:"route"`    // the one that failed, of those that came back together
	Instance string           `json:"instance"` // whose autopilot it was
	Step     routing.Revision `json:"step"`     // the revision that had brought it there
	Weight   routing.Weight   `json:"weight_bp"`
	Findings []gate.Finding   `json:"findings"`
	Served   gate.Served      `json:"served"`             // by new in that step
	Breakers []gate.Breaker   `json:"breakers,omitempty"` // of new, that were not closed
	Requests []string         `json:"requests,omitempty"` // ids of some that failed
	Build    string           `json:"build,omitempty"`    // of new, as heard of last
}

// rollBack takes the traffic of exposed routes back whose gates say that new does harm,
// and with each the rest of its group that is: their users are the same.
func (p *Pilot) rollBack(ctx context.Context, found *facts, routes []*Route, all map[string]*Assessment) error {
	var failed error
	for _, group := range groups(routes) {
		culprit := harmful(group, all)
		if culprit == nil {
			continue
		}
		var back []*Route
		for _, route := range group {
			if route.Mode != Disarmed {
				back = append(back, route)
			}
		}
		cmd, err := p.rollback(found, culprit, all[culprit.Name].Findings, len(back) > 1)
		if err == nil {
			err = p.move(ctx, back, cmd)
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

// harmful is the first route of a group on which new does harm; nil: none.
func harmful(group []*Route, all map[string]*Assessment) *Route {
	for _, route := range group {
		if route.Mode == Disarmed {
			continue
		}
		for _, f := range all[route.Name].Findings {
			if f.Verdict == sequential.Fail && f.RollsBack {
				return route
			}
		}
	}
	return nil
}

func (p *Pilot) rollback(found *facts, route *Route, findings []gate.Finding, together bool) (rollout.Command, error) {
	account := p.accounts[route.Name]
	evidence := Evidence{
		Route: route.Name, Instance: p.Instance, Step: route.StepRevision, Weight: route.State.Weight, Findings: findings,
		Served: account.Served, Breakers: found.breakers[route.Name], Requests: account.Failing,
	}
	if n := len(account.Builds); n > 0 {
		evidence.Build = account.Builds[n-1]
	}
	text, err := json.Marshal(evidence)
	if err != nil {
		return rollout.Command{}, fmt.Errorf("evidence against route %s: %w", route.Name, err)
	}
	cmd := rollout.Command{
		Verb: rollout.VerbRollback, Actor: Actor, Cause: rollout.CauseAutopilot, Fence: &p.lease,
		Reason: gate.Reason(findings), Evidence: text,
	}
	if together {
		cmd.Reason = route.Name + ": " + cmd.Reason
	}
	for _, f := range findings {
		if f.Gate == gate.NameBreaker && f.RollsBack {
			cmd.Cause = rollout.CauseGuard
		}
	}
	return cmd, nil
}

// promote takes the next step where nothing holds a route, and with it the routes
// of its group that have come as far. Nobody may have switched anything since the table
// that is known here: what was frozen a moment ago is frozen.
func (p *Pilot) promote(ctx context.Context, routes []*Route, all map[string]*Assessment) error {
	var failed error
	for _, group := range groups(routes) {
		var onward []*Route
		for _, route := range group {
			if all[route.Name].Held == "" {
				onward = append(onward, route)
			}
		}
		if len(onward) == 0 {
			continue
		}
		findings := make(map[string][]gate.Finding, len(onward))
		for _, route := range onward {
			findings[route.Name] = all[route.Name].Findings
		}
		table := p.table
		failed = errors.Join(failed, p.move(ctx, onward, rollout.Command{
			Verb: rollout.VerbPromote, Actor: Actor, Cause: rollout.CauseAutopilot, Fence: &p.lease, Table: &table,
			Reason: "all gates pass", Findings: findings,
		}))
	}
	return failed
}

// move gives a command to routes, as they were seen to stand. Somebody else may
// have been faster, or the rules may forbid it: then it is left, and looked at
// again in a few seconds.
func (p *Pilot) move(ctx context.Context, routes []*Route, cmd rollout.Command) error {
	results, err := p.Mover.Move(ctx, standings(routes), cmd)
	_, conflict := errors.AsType[*rollout.Conflict](err)
	refusal, refused := errors.AsType[*rollout.Refusal](err)
	switch {
	case conflict || errors.Is(err, rollout.ErrOvertaken) || errors.Is(err, rollout.ErrUnknownRoute):
		return nil
	case refused:
		p.Logger.Warn("the autopilot could not move a route", "verb", string(cmd.Verb), "error", refusal)
		return nil
	case err != nil:
		return err
	}
	for _, result := range results {
		if result.Previous == p.table {
			p.table = result.Revision
		}
		p.Logger.Warn("the autopilot has moved a route", "route", result.Route, "verb", string(cmd.Verb),
			"from", result.Before.Target().String(), "to", result.After.Target().String(),
			"revision", result.Revision, "reason", cmd.Reason)
	}
	p.Moved()
	return nil
}
