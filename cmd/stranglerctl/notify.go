package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newNotifyCommand(c *cli) *cobra.Command {
	return family("notify", "The webhooks that are told what becomes of routes", newNotifyListCommand(c), newNotifyTestCommand(c))
}

func newNotifyListCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "ls",
		Short: "List the webhooks, and whether they hear what happens",
		Long: `Ls shows each webhook with the host that is called, when a message arrived there
last, and why none does at present. Of the URL it shows the host alone: the rest
may be a secret. Webhooks are defined by stranglerctl apply.`,
		Example: `  stranglerctl notify ls
  stranglerctl notify ls -o wide`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			api, err := c.connect()
			if err != nil {
				return err
			}
			webhooks, err := ask[[]wire.Webhook](api.ListWebhooks(cmd.Context()))
			if err != nil {
				return err
			}
			c.warnStale(webhooks.header)
			return c.showWebhooks(webhooks)
		},
	}
}

func (c *cli) showWebhooks(webhooks answer[[]wire.Webhook]) error {
	view := view{raw: webhooks.raw, people: func(wide bool) error {
		if len(webhooks.value) == 0 {
			c.note.Linef("no webhooks: nobody is told when a route moves; define some under webhooks: with stranglerctl apply -f FILE")
			return nil
		}
		t := &term.Table{Heading: []string{"WEBHOOK", "FORMAT", "URL", "ARRIVED", "TROUBLE", "BEHIND", "ON", "ROUTES"}}
		for _, w := range webhooks.value {
			row := term.Cells(w.Name, string(w.Format), w.URL, "", "", "", strings.Join(w.On, ", "), strings.Join(w.Routes, ", "))
			if p := w.Place; p != nil {
				row[3].Text, row[5].Text = c.arrivedText(*p), strconv.FormatInt(p.Behind, 10)
				if trouble := c.troubleText(*p); trouble != "" {
					row[4] = term.Cell{Text: trouble, Colour: term.Bad}
				}
			}
			t.Add(row...)
		}
		if !wide {
			return c.out.Table(t.First(5).Unfolded(c.out.Width, 1))
		}
		return c.showTable(t, 5, wide)
	}}
	for _, w := range webhooks.value {
		view.names = append(view.names, w.Name)
	}
	return c.show(view)
}

// arrivedText is when a message arrived last.
func (c *cli) arrivedText(p wire.WebhookPlace) string {
	if p.Delivered == nil {
		return "never"
	}
	return term.Ago(c.now().Sub(*p.Delivered))
}

// troubleText is why messages do not arrive; empty while they do.
func (c *cli) troubleText(p wire.WebhookPlace) string {
	if p.Failures == 0 {
		return p.LastError
	}
	text := "failed " + counted(p.Failures, "time")
	if p.NextTry != nil {
		if left := p.NextTry.Sub(c.now()).Round(time.Second); left > 0 {
			text += ", again in " + shortened(left.String())
		}
	}
	return text + ": " + p.LastError
}

// completeWebhook is completeRoute for webhooks.
func (c *cli) completeWebhook(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	return c.complete(cmd, args, c.webhookNames)
}

func (c *cli) webhookNames(ctx context.Context) ([]string, error) {
	api, err := c.connect()
	if err != nil {
		return nil, err
	}
	webhooks, err := ask[[]named](api.ListWebhooks(ctx))
	return onlyNames(webhooks.value), err
}
