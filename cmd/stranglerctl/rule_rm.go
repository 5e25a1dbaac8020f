package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// ruleRemove is the command that removes a rule.
type ruleRemove struct {
	*cli
	changeOptions
}

func newRuleRemoveCommand(c *cli) *cobra.Command {
	r := &ruleRemove{cli: c}
	cmd := &cobra.Command{
		Use:   "rm ROUTE RULE",
		Short: "Remove a rule, so that what it kept away is a difference again",
		Long: `Rm takes a rule out of the definition of a route. It never asks outside of a
protected context: the hint says how to add it again.`,
		Example: `  stranglerctl rule rm orders-get 5d1c09ab`,
		Args:    arguments("ROUTE", "RULE"), ValidArgsFunction: c.completeRule,
		PreRunE: func(*cobra.Command, []string) error { return r.check() },
		RunE:    func(cmd *cobra.Command, args []string) error { return r.run(cmd.Context(), args[0], args[1]) },
	}
	r.register(cmd)
	r.registerIfRevision()
	c.registerYes(cmd)
	return cmd
}

func (r *ruleRemove) run(ctx context.Context, route, rule string) error {
	api, err := r.connect()
	if err != nil {
		return err
	}
	params := &wire.RemoveRuleParams{DryRun: given(r.dryRun), Reason: given(r.reason), IfMatch: etag(r.precondition())}
	made, err := ask[wire.RuleChange](api.RemoveRule(ctx, route, rule, params))
	if err != nil {
		return err
	}
	if err := r.showRuleChange("removed", made); err != nil {
		return err
	}
	if err := r.finish(ctx, api, &r.changeOptions, made.value.Note, made.value.Revision); err != nil || r.dryRun {
		return err
	}
	r.hintNext("", addAgain(route, made.value.Rule))
	return nil
}

// addAgain is the command that adds a rule that was removed.
func addAgain(route string, rule wire.Rule) string {
	words := []string{"rule add", term.ShellWord(route)}
	add := func(flag, value string) { words = append(words, "--"+flag, term.ShellWord(value)) }
	add(string(rule.Kind), rule.Target)
	for _, field := range ruleFields(rule) {
		add(field[0], field[1])
	}
	add("reason", rule.Reason)
	if rule.Owner != "" {
		add("owner", rule.Owner)
	}
	if rule.Expires != nil {
		add("expires", rule.Expires.UTC().Format(time.DateOnly))
	}
	return strings.Join(words, " ")
}
