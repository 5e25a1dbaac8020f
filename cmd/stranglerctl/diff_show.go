package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/client"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newDiffShowCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "show EXEMPLAR",
		Short: "Show one comparison: the request, both answers, and where they differ",
		Long: `Show prints one comparison that diff counts: the request, what both answers were
like, and each place where they differ, with what legacy has after a - and what new
has after a +. What is the same on both sides was never kept. -o wide shows the
headers of the request.

Of a sensitive value there is a keyed hash, hidden:…, which is the same for the same
value.`,
		Example: `  stranglerctl diff show 5f0c2a9be1d84f37
  stranglerctl diff show $(stranglerctl diff orders-get -o json | jq -r '.[0].exemplars[0]')`,
		Args:              arguments("EXEMPLAR"),
		ValidArgsFunction: c.completeExemplar,
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := c.connect()
			if err != nil {
				return err
			}
			exemplar, err := ask[wire.Exemplar](api.GetExemplar(cmd.Context(), args[0]))
			if err != nil {
				return err
			}
			return c.showExemplar(cmd.Context(), api, exemplar)
		},
	}
}

func (c *cli) showExemplar(ctx context.Context, api *client.Client, exemplar answer[wire.Exemplar]) error {
	e := exemplar.value
	return c.show(view{raw: exemplar.raw, names: []string{e.ID}, people: func(wide bool) error {
		c.out.Linef("%s  %s", c.out.Paint(term.Strong, e.Route), requestText(e.Request))
		c.out.Linef("  asked    %s on %s, served by %s", term.Ago(c.now().Sub(e.At)), e.Instance, string(e.Served))
		c.showAnswers(e.Legacy, e.New)
		if wide {
			for _, h := range e.Request.Headers {
				c.out.Linef("  header   %s: %s", h.Name, h.Value)
			}
		}
		c.showDifferent(e.Differences, c.noiseThen(ctx, api, e))
		c.showMore(e.More)
		if anyHidden(e.Differences) {
			c.note.Linef("hidden:… is a keyed hash of a sensitive value, the same for the same value; shadow.reveal in the definition exempts a place")
		}
		c.note.Linef("look at it yourself: stranglerctl diff curl %s", term.ShellWord(e.ID))
		return nil
	}})
}

// noiseThen tells what is noise in the epoch of an exemplar. Not to know it is no
// reason to show nothing.
func (c *cli) noiseThen(ctx context.Context, api *client.Client, e wire.Exemplar) func(signature string) bool {
	found, err := ask[wire.RouteDifferences](api.GetDifferences(ctx, e.Route, &wire.GetDifferencesParams{Epoch: &e.Epoch}))
	if err != nil {
		return func(string) bool { return false }
	}
	return func(signature string) bool {
		return slices.ContainsFunc(found.value.Differences, func(f wire.FoundDifference) bool { return f.Signature == signature && f.Noise })
	}
}

func requestText(r wire.ShadowedRequest) string {
	return r.Method + " " + r.Scheme + "://" + r.Host + r.Target
}

// showAnswers says what both answers were like, besides what was compared.
func (c *cli) showAnswers(legacy, fresh wire.SideAnswer) {
	c.out.Linef("  legacy   %s", answerText(legacy))
	c.out.Linef("  new      %s", answerText(fresh))
}

func answerText(a wire.SideAnswer) string {
	if a.Status == 0 {
		return "no answer, after " + took(a.DurationS)
	}
	parts := []string{fmt.Sprintf("%d", a.Status), counted(int(a.Bytes), "byte"), "in " + took(a.DurationS)}
	if a.Build != "" {
		parts = append(parts, "build "+a.Build)
	}
	return strings.Join(parts, ", ")
}

func took(s float64) string {
	d := seconds(s)
	if d < 10*time.Millisecond {
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(time.Millisecond).String()
}

func anyHidden(differences []wire.Difference) bool {
	for _, d := range differences {
		if strings.Contains(d.Legacy.Text, hiddenPrefix) || strings.Contains(d.New.Text, hiddenPrefix) {
			return true
		}
	}
	return false
}

// hiddenPrefix begins what stands in place of a sensitive value.
const hiddenPrefix = "hidden:"
