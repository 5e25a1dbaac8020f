package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// ruleAdd is the command that adds a rule.
type ruleAdd struct {
	*cli
	changeOptions
	ruleFlags
	owner, expires string
	request        wire.RuleRequest
}

func newRuleAddCommand(c *cli) *cobra.Command {
	a := &ruleAdd{cli: c}
	cmd := &cobra.Command{
		Use:   "add ROUTE --ignore TARGET --reason WHY",
		Short: "Keep a known difference out of diff",
		Long: `Add writes a rule into the definition of a route, and says what it would have hidden
of what was found so far. Evidence begins anew then; what was found before is kept.

A target is a place as diff names it: $.total, $.items[*].price, $..generated_at,
header Vary, status, or body. Single quotes keep the shell away from the $.`,
		Example: `  stranglerctl rule add orders-get --ignore '$.generated_at' --reason clock --expires 30d
  stranglerctl rule add orders-get --unordered '$.items' --by sku --reason "new sorts by name"
  stranglerctl rule add orders-get --tolerance '$.total' --within 0.01 --reason rounding
  stranglerctl rule add orders-get --replace '$.url' --pattern 'https://[^/]+' --reason hosts --dry-run`,
		Args:              arguments("ROUTE"),
		ValidArgsFunction: c.completeRoute,
		PreRunE:           func(*cobra.Command, []string) error { return a.check() },
		RunE:              func(cmd *cobra.Command, args []string) error { return a.run(cmd.Context(), args[0]) },
	}
	a.changeOptions.register(cmd)
	a.registerIfRevision()
	c.registerYes(cmd)
	a.ruleFlags.register(cmd)
	cmd.Flags().StringVar(&a.owner, "owner", "", "who asked for it; the name of the token unless given")
	cmd.Flags().StringVar(&a.expires, "expires", "", "from then on it does nothing: 30d from now, or a date such as 2027-01-31")
	cmd.Flags().Lookup("reason").Usage = "why the difference is right; kept with the rule"
	return cmd
}

// check refuses what cannot be meant before anybody is asked.
func (a *ruleAdd) check() error {
	request, err := a.ruleFlags.request()
	if err != nil {
		return err
	}
	if a.reason == "" {
		return usagef("a rule wants a reason, for whoever wonders about it in a year: add --reason WHY")
	}
	if request.Expires, err = expiry(a.expires, a.now()); a.expires != "" && err != nil {
		return err
	}
	request.Owner, request.Reason = a.owner, a.reason
	a.request = request
	return a.changeOptions.check()
}

func (a *ruleAdd) run(ctx context.Context, route string) error {
	api, err := a.connect()
	if err != nil {
		return err
	}
	params := &wire.AddRuleParams{DryRun: given(a.dryRun), IfMatch: etag(a.precondition())}
	made, err := ask[wire.RuleChange](api.AddRule(ctx, route, params, a.request))
	if err != nil {
		return err
	}
	if err := a.showRuleChange("added", made); err != nil {
		return err
	}
	if err := a.finish(ctx, api, &a.changeOptions, made.value.Note, made.value.Revision); err != nil || a.dryRun || !made.value.Changed {
		return err
	}
	name := term.ShellWord(route)
	a.hintNext("diff "+name, "rule rm "+name+" "+term.ShellWord(made.value.Rule.ID))
	return nil
}
