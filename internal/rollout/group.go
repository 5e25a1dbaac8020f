package rollout

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/routing"
)

// PromoteGroup promotes every route of a group that has a new side, in one
// revision: each by the next step of its own plan, or all of them to where the
// command says. What refuses one refuses all, and the *Refusal names each.
// Retired routes stay, and their Note says so.
func (c *Controller) PromoteGroup(ctx context.Context, group string, cmd Command) ([]Result, error) {
	cmd.Verb = VerbPromote
	cmd, note := c.asked(ctx, Selection{Group: group}, cmd)
	if err := c.refusals(ctx, group, cmd); err != nil {
		return nil, err
	}
	results, err := c.change(ctx, Selection{Group: group}, cmd, decideMember)
	if err != nil {
		return nil, fmt.Errorf("promotion of group %s: %w", group, err)
	}
	for i := range results {
		results[i].Note = joinNotes(results[i].Note, note)
	}
	return results, nil
}

// refusals asks every route of the group first, so that a refusal can name all
// that refuse and not only one.
func (c *Controller) refusals(ctx context.Context, group string, cmd Command) error {
	// A Ledger may run its decisions again after a collision: the last run counts.
	answers := make(map[string]*Refusal)
	_, err := c.Ledger.Change(ctx, Selection{Group: group}, func(rec Record) (Decision, error) {
		_, err := decideMember(cmd, rec, rec.ReadAt)
		refusal, refused := errors.AsType[*Refusal](err)
		answers[rec.Route] = refusal
		if refused {
			err = nil
		}
		return Decision{Next: rec.State}, err
	})
	var refused []*Refusal
	for _, route := range slices.Sorted(maps.Keys(answers)) {
		if answers[route] != nil {
			refused = append(refused, answers[route])
		}
	}
	switch {
	case err != nil:
		return fmt.Errorf("promotion of group %s: %w", group, err)
	case len(answers) == 0:
		return &Refusal{
			Code: CodeNoNewSide, Message: fmt.Sprintf("group %s has no route with a new side", group),
			Hint: "see its routes: stranglerctl group show " + group,
		}
	case len(refused) > 0:
		all := joined(refused)
		if all.Code == CodeGate { // who forces one route alone tears the group apart
			all.Hint = "see: stranglerctl gate ls, or run: stranglerctl promote --group " + group + " "
			if cmd.To != nil {
				all.Hint += "--to " + cmd.To.String() + " "
			}
			all.Hint += "--force --reason WHY"
		}
		return all
	}
	return nil
}

func decideMember(cmd Command, rec Record, now time.Time) (Outcome, error) {
	if rec.State.Stage == routing.StageRetired {
		return rec.stay("the route is retired"), nil
	}
	return Decide(cmd, rec, now)
}

// joined is one refusal for all.
func joined(refused []*Refusal) *Refusal {
	all := *refused[0]
	messages := make([]string, len(refused))
	for i, refusal := range refused {
		messages[i] = refusal.Message
		if refusal.Code != all.Code {
			all.Code = CodeSeveral
		}
	}
	all.Message = strings.Join(messages, "; ")
	all.Findings = nil
	for _, refusal := range refused {
		all.Findings = append(all.Findings, refusal.Findings...)
	}
	return &all
}
