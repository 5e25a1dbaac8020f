package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newNotifyTestCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "test [WEBHOOK]",
		Short: "Send a webhook a message that says it is a test, or each of them",
		Long: `Test sends a message from the router that is spoken to, waits for the answer, and
exits 1 when one did not arrive. It is sent once, and is not in the history.`,
		Example: `  stranglerctl notify test
  stranglerctl notify test oncall`,
		Args:              atMostOne("WEBHOOK"),
		ValidArgsFunction: c.completeWebhook,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return c.testWebhooks(cmd.Context(), args)
			}
			names, err := c.webhookNames(cmd.Context())
			if err != nil {
				return err
			}
			return c.testWebhooks(cmd.Context(), names)
		},
	}
}

// testWebhooks sends a test to each in turn, and fails when one did not arrive.
func (c *cli) testWebhooks(ctx context.Context, names []string) error {
	if len(names) == 0 {
		c.note.Linef("no webhooks: there is nobody to tell; define some under webhooks: with stranglerctl apply -f FILE")
	}
	tests, raw, err := c.sendTests(ctx, names)
	if err != nil {
		return err
	}
	err = c.show(view{raw: raw, names: names, people: func(bool) error {
		for _, t := range tests {
			c.tellTest(t)
		}
		return nil
	}})
	if err != nil {
		return err
	}
	failed := slices.DeleteFunc(tests, func(t wire.WebhookTest) bool { return t.Error == "" })
	if len(failed) > 0 {
		return &failure{
			code: exitFailure, err: fmt.Errorf("%d of %s did not arrive", len(failed), counted(len(names), "test")),
			hint: "stranglerctl export shows what is called; the router that was asked has to reach it, and to know its secret",
		}
	}
	return nil
}

// sendTests returns what came of each, and the array of it as the router said it.
func (c *cli) sendTests(ctx context.Context, names []string) (tests []wire.WebhookTest, raw json.RawMessage, err error) {
	api, err := c.connect()
	if err != nil {
		return nil, nil, err
	}
	said := make([]string, len(names))
	for i, name := range names {
		tested, err := ask[wire.WebhookTest](api.TestWebhook(ctx, name))
		if err != nil {
			return nil, nil, err
		}
		tests, said[i] = append(tests, tested.value), string(tested.raw)
	}
	return tests, json.RawMessage("[" + strings.Join(said, ",") + "]"), nil
}

func (c *cli) tellTest(t wire.WebhookTest) {
	if t.Error == "" {
		c.out.Linef("%s %s  arrived: status %d after %.0f ms", c.out.Paint(term.Good, markGood), t.Webhook, t.Status, t.TookMs)
		return
	}
	c.out.Linef("%s %s  %s, after %.0f ms", c.out.Paint(term.Bad, markBad), t.Webhook, t.Error, t.TookMs)
}
