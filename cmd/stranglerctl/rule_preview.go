package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// rulePreview is the command that says what a rule would have hidden.
type rulePreview struct {
	*cli
	ruleFlags
	rule wire.RuleRequest
}

func newRulePreviewCommand(c *cli) *cobra.Command {
	p := &rulePreview{cli: c}
	cmd := &cobra.Command{
		Use:   "preview ROUTE --ignore TARGET",
		Short: "Say what a rule would have hidden so far, and change nothing",
		Long: `Preview says how many of the differences that were found a rule would have hidden.
A rule that looks at values is judged on the exemplars that are kept, and so about.`,
		Example: `  stranglerctl rule preview orders-get --ignore '$.generated_at'
  stranglerctl rule preview orders-get --tolerance '$.total' --within 1%`,
		Args:              arguments("ROUTE"),
		ValidArgsFunction: c.completeRoute,
		PreRunE: func(*cobra.Command, []string) (err error) {
			p.rule, err = p.request()
			return err
		},
		RunE: func(cmd *cobra.Command, args []string) error { return p.run(cmd.Context(), args[0]) },
	}
	p.register(cmd)
	return cmd
}

func (p *rulePreview) run(ctx context.Context, route string) error {
	api, err := p.connect()
	if err != nil {
		return err
	}
	previewed, err := ask[wire.RulePreview](api.PreviewRule(ctx, route, p.rule))
	if err != nil {
		return err
	}
	return p.show(view{raw: previewed.raw, names: []string{route}, people: func(bool) error {
		p.out.Linef("%s  %s", p.out.Paint(term.Strong, route), previewText(previewed.value))
		if previewed.value.Everything {
			p.out.Linef("%s %s", p.out.Paint(term.Bad, markWarn), p.out.Paint(term.Bad, "it hides whatever the bodies have: only status and headers would be compared"))
		}
		return nil
	}})
}
