package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newRuleCommand(c *cli) *cobra.Command {
	return family("rule", "The rules that keep known differences out of diff",
		newRuleListCommand(c), newRuleAddCommand(c), newRuleRemoveCommand(c), newRulePreviewCommand(c))
}

func newRuleListCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "ls ROUTE",
		Short: "List the rules of a route, and what each has kept away",
		Long: `Ls shows the rules of a route, in the order of its definition, with how many
differences each has kept away since the present build and rules began.`,
		Example: `  stranglerctl rule ls orders-get
  stranglerctl rule ls orders-get -o json | jq '.[] | select(.hits == 0) | .id'`,
		Args:              arguments("ROUTE"),
		ValidArgsFunction: c.completeRoute,
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := c.connect()
			if err != nil {
				return err
			}
			rules, err := ask[[]wire.Rule](api.ListRules(cmd.Context(), args[0]))
			if err != nil {
				return err
			}
			c.warnStale(rules.header)
			return c.showRules(args[0], rules)
		},
	}
}

func (c *cli) showRules(route string, rules answer[[]wire.Rule]) error {
	view := view{raw: rules.raw, people: func(wide bool) error {
		if len(rules.value) == 0 {
			c.note.Linef("route %s has no rule; add one with: stranglerctl rule add %s --ignore TARGET --reason …", route, term.ShellWord(route))
			return nil
		}
		t := &term.Table{Heading: []string{"ID", "KIND", "TARGET", "HOW", "HITS", "OWNER", "EXPIRES", "REASON"}, Spare: []string{"OWNER", "REASON"}}
		for _, r := range rules.value {
			row := term.Cells(r.ID, string(r.Kind), r.Target, howText(r), hitsText(r.Hits), r.Owner, expiryText(r), r.Reason)
			if r.Expired {
				row[6].Colour = term.Notice
			}
			t.Add(row...)
		}
		return c.showTable(t, len(t.Heading), wide)
	}}
	for _, r := range rules.value {
		view.names = append(view.names, r.ID)
	}
	return c.show(view)
}

// howText is what a rule says besides its kind and its target.
func howText(r wire.Rule) string {
	var parts []string
	for _, part := range ruleFields(r) {
		parts = append(parts, part[0]+" "+part[1])
	}
	return strings.Join(parts, ", ")
}

// ruleFields are the names and values of what a rule says besides its kind and
// its target.
func ruleFields(r wire.Rule) [][2]string {
	var fields [][2]string
	for _, field := range [...][2]string{{"by", r.By}, {"within", r.Within}, {"pattern", r.Pattern}, {"with", r.With}} {
		if field[1] != "" {
			fields = append(fields, field)
		}
	}
	return fields
}

func hitsText(hits *int64) string {
	if hits == nil {
		return ""
	}
	return fmt.Sprintf("%d", *hits)
}

func expiryText(r wire.Rule) string {
	switch {
	case r.Expires == nil:
		return ""
	case r.Expired:
		return "expired " + r.Expires.UTC().Format(time.DateOnly)
	}
	return r.Expires.UTC().Format(time.DateOnly)
}

// ruleText says what a rule does in one line: "ignore $.generated_at".
func ruleText(r wire.Rule) string {
	text := string(r.Kind) + " " + r.Target
	if how := howText(r); how != "" {
		text += ", " + how
	}
	return text
}

// showRuleChange prints a rule that was added or removed, and what it hides.
func (c *cli) showRuleChange(what string, made answer[wire.RuleChange]) error {
	change := made.value
	return c.show(view{raw: made.raw, names: []string{change.Rule.ID}, people: func(bool) error {
		if !change.Changed {
			what = "is there already"
		}
		c.out.Linef("%s  rule %s %s: %s  (%s)", c.out.Paint(term.Strong, change.Route), change.Rule.ID, what, ruleText(change.Rule),
			revisionsText(change.DryRun, change.PreviousRevision, change.Revision, change.Actor))
		if change.Preview != nil {
			c.out.Linef("    %s", previewText(*change.Preview))
		}
		for _, warning := range change.Warnings {
			c.out.Linef("%s %s", c.out.Paint(term.Bad, markWarn), c.out.Paint(term.Bad, warning))
		}
		return nil
	}})
}

// previewText says what a rule would have hidden: "would have hidden 402 of 413
// differences found".
func previewText(p wire.RulePreview) string {
	if p.Exact {
		return fmt.Sprintf("would have hidden %d of %s found", p.Hidden, counted(int(p.Of), "difference"))
	}
	text := fmt.Sprintf("would have hidden about %d of %s found, to go by %s", p.Hidden, counted(int(p.Of), "difference"), counted(p.Exemplars, "exemplar"))
	if p.Unseen > 0 {
		text += fmt.Sprintf("; of %s among them nothing can be said, a value is hidden or cut", counted(p.Unseen, "difference"))
	}
	return text
}

// completeRule offers a route, and then the ids of its rules.
func (c *cli) completeRule(cmd *cobra.Command, args []string, text string) ([]string, cobra.ShellCompDirective) {
	if len(args) != 1 {
		return c.completeRoute(cmd, args, text)
	}
	return c.complete(cmd, nil, func(ctx context.Context) ([]string, error) {
		api, err := c.connect()
		if err != nil {
			return nil, err
		}
		rules, err := ask[[]wire.Rule](api.ListRules(ctx, args[0]))
		offers := make([]string, len(rules.value))
		for i, r := range rules.value {
			offers[i] = r.ID + "\t" + term.Safe(ruleText(r))
		}
		return offers, err
	})
}
