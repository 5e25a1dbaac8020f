package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/client"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newExplainCommand(c *cli) *cobra.Command {
	var headers, cookies []string
	var clientAddress string
	cmd := &cobra.Command{
		Use:   "explain METHOD URL",
		Short: "Say which route and side a request would get, and why",
		Long: `Explain says which route a request would match, which side would serve it and
why, what its backend would be sent, and which other routes came close. Where the
route is paused or rolled back it says why as well. Signed overrides are looked at as
the router does. Nothing is sent to a backend.`,
		Example: `  stranglerctl explain GET https://shop.example/orders/42 -H 'X-User: 7'
  stranglerctl explain POST /orders --client 203.0.113.9
  stranglerctl explain GET /orders/42 -b strangler_override=v1.…`,
		Args: arguments("METHOD", "URL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			parsed, err := parseHeaders(headers)
			if err == nil {
				err = addCookies(parsed, cookies)
			}
			if err != nil {
				return err
			}
			api, err := c.connect()
			if err != nil {
				return err
			}
			explained, err := ask[wire.Explanation](api.Explain(cmd.Context(), wire.ExplainRequest{
				Method: strings.ToUpper(args[0]), URL: args[1], Headers: parsed, Client: clientAddress,
			}))
			if err != nil {
				return err
			}
			return c.showExplanation(explained, c.holdOf(cmd.Context(), api, explained.value))
		},
	}
	cmd.Flags().StringArrayVarP(&headers, "header", "H", nil, "a header of the request, 'Name: value'; may be repeated")
	cmd.Flags().StringArrayVarP(&cookies, "cookie", "b", nil, "a cookie of the request, 'name=value'; may be repeated")
	cmd.Flags().StringVar(&clientAddress, "client", "", "the client's IP address")
	return cmd
}

// parseHeaders reads headers the way curl takes them.
func parseHeaders(lines []string) (map[string][]string, error) {
	headers := make(map[string][]string, len(lines))
	for _, line := range lines {
		name, value, found := strings.Cut(line, ":")
		name = strings.TrimSpace(name)
		if !found || name == "" {
			return nil, usagef("-H %q is no header: write 'Name: value'", line)
		}
		headers[name] = append(headers[name], strings.TrimSpace(value))
	}
	return headers, nil
}

// addCookies adds cookies the way curl takes them: one, or several between semicolons.
func addCookies(headers map[string][]string, cookies []string) error {
	for _, cookie := range cookies {
		if name, _, found := strings.Cut(cookie, "="); !found || strings.TrimSpace(name) == "" {
			return usagef("-b %q is no cookie: write 'name=value'", cookie)
		}
		headers["Cookie"] = append(headers["Cookie"], cookie)
	}
	return nil
}

// holdOf is why the route of a request does not advance; empty when nothing holds
// it. The store may be away: then the rest is to be shown all the same.
func (c *cli) holdOf(ctx context.Context, api *client.Client, e wire.Explanation) string {
	if e.Route == "" || !c.global.forPeople() {
		return ""
	}
	route, err := ask[wire.RouteDetail](api.GetRoute(ctx, e.Route))
	if err != nil {
		return ""
	}
	return holdText(route.value.Hold)
}

func (c *cli) showExplanation(explained answer[wire.Explanation], hold string) error {
	e := explained.value
	return c.show(view{raw: explained.raw, names: []string{e.Route}, people: func(bool) error {
		c.out.Linef("%s %s%s", e.Method, e.Host, e.Path)
		if e.Side == nil {
			c.out.Linef("  route    none: the router answers 404 itself")
		} else {
			c.out.Linef("  route    %s", c.out.Paint(term.Strong, e.Route))
			c.out.Linef("  side     %s, by backend %s", string(*e.Side), e.Backend)
			c.out.Linef("  reason   %s", reasonText(e))
		}
		if hold != "" {
			c.out.Linef("  hold     %s", hold)
		}
		for _, override := range e.Overrides {
			c.out.Linef("  override %s", overrideText(override))
		}
		if e.Key != "" {
			c.out.Linef("  key      %s", e.Key)
		}
		if e.Mint {
			c.out.Linef("  cookie   the answer may hand out a cohort cookie")
		}
		if e.Sent != nil && e.Sent.Rewritten {
			c.out.Linef("  sends    %s", sentText(*e.Sent))
		}
		c.out.Linef("  by the table of revision %d", e.Revision)
		for _, near := range e.Near {
			c.out.Linef("  close    %s: %s", near.Route, near.Why)
		}
		return nil
	}})
}

// reasonText says why a side was chosen, with the numbers that decided it.
func reasonText(e wire.Explanation) string {
	switch {
	case e.Reason == "weight" && e.Point != nil:
		relation := "is below"
		if *e.Point >= e.WeightBp {
			relation = "is not below"
		}
		return fmt.Sprintf("weight: cohort point %d %s %d (%s)", *e.Point, relation, e.WeightBp, percent(e.WeightBp))
	case e.Reason == "no_key":
		return "no_key: the request carries no cohort key, so legacy serves it"
	case e.Reason == "stage" && e.Stage != nil:
		return "stage: in stage " + string(*e.Stage) + " no key is looked at"
	case e.Reason == "pinned":
		return "pinned: the route pins this key to this side"
	case e.Reason == "override":
		return "override: the request bears a signed override for this side"
	case e.Reason == "catch_all":
		return "catch_all: no route of the migration matches"
	}
	return e.Reason
}

// overrideText says what became of an override.
func overrideText(o wire.ExplainedOverride) string {
	name := ""
	if o.ID != "" {
		name = o.ID + " "
	}
	if o.Result == wire.ExplainedOverrideResultObeyed {
		return name + "obeyed: " + o.Why
	}
	return name + "ignored: " + o.Why
}

// sentText says what a backend gets in place of the request.
func sentText(s wire.SentRequest) string {
	if s.Refused != "" {
		return "nothing: " + s.Refused
	}
	parts := []string{s.Target}
	if s.Host != "" {
		parts = append(parts, "Host "+s.Host)
	}
	for _, list := range [...]struct {
		verb  string
		names []string
	}{{"sets ", s.SetHeaders}, {"removes ", s.RemoveHeaders}} {
		if len(list.names) > 0 {
			parts = append(parts, list.verb+strings.Join(list.names, " and "))
		}
	}
	return strings.Join(parts, ", ")
}
