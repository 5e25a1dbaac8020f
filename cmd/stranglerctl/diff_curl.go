package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/internal/api/client"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newDiffCurlCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "curl EXEMPLAR",
		Short: "Print two commands that ask both sides the same again",
		Long: `Curl prints two commands, one for each side, that send the request of a comparison
to the side's first endpoint, rewritten as the route rewrites it. They are made for
bash and zsh. Nothing is sent.

Sensitive values were never kept: a header is taken from an environment variable
that a comment names, and without it the command fails.`,
		Example: `  stranglerctl diff curl 5f0c2a9be1d84f37
  AUTHORIZATION='Bearer …' bash -c "$(stranglerctl diff curl 5f0c2a9be1d84f37)"`,
		Args:              arguments("EXEMPLAR"),
		ValidArgsFunction: c.completeExemplar,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !c.global.forPeople() {
				return usagef("diff curl has no -o %s: it prints a script; the request is in stranglerctl diff show -o json", c.global.output)
			}
			api, err := c.connect()
			if err != nil {
				return err
			}
			exemplar, err := ask[wire.Exemplar](api.GetExemplar(cmd.Context(), args[0]))
			if err != nil {
				return err
			}
			return c.showCurl(cmd.Context(), api, exemplar.value)
		},
	}
}

func (c *cli) showCurl(ctx context.Context, api *client.Client, e wire.Exemplar) error {
	route, err := ask[wire.RouteDetail](api.GetRoute(ctx, e.Route))
	if err != nil {
		return err
	}
	c.warnStale(route.header)
	for i, side := range [...]wire.Side{wire.SideLegacy, wire.SideNew} {
		command, err := curlFor(ctx, api, e, route.value, side)
		if err != nil {
			return err
		}
		if i > 0 {
			c.out.Linef("")
		}
		for _, line := range command.lines() {
			c.out.Linef("%s", line)
		}
	}
	return nil
}

// curlFor is the command for one side, as the definition has it now.
func curlFor(ctx context.Context, api *client.Client, e wire.Exemplar, route wire.RouteDetail, side wire.Side) (*curlCommand, error) {
	name, rewrite := route.Legacy, route.Definition.Rewrite.Legacy
	if side == wire.SideNew {
		name, rewrite = newFor(e.Request.Method, route), route.Definition.Rewrite.New
	}
	if name == "" {
		return nil, &failure{code: exitFailure, err: fmt.Errorf("route %s has no side %s any more, so there is nobody to ask", e.Route, side)}
	}
	backend, err := ask[wire.Backend](api.GetBackend(ctx, name))
	if err != nil {
		return nil, err
	}
	if len(backend.value.Endpoints) == 0 {
		return nil, &failure{code: exitFailure, err: fmt.Errorf("backend %s has no endpoint to ask", name)}
	}
	request, err := sentTo(ctx, api, e, side)
	if err != nil {
		return nil, err
	}
	command, err := newCurlCommand(request, backend.value.Endpoints[0])
	if err != nil {
		return nil, err
	}
	command.comments = slices.Insert(command.comments, 0, fmt.Sprintf("%s: backend %s", side, name))
	if err := command.withhold(ctx, api, backend.value, e.Served, route); err != nil {
		return nil, err
	}
	command.rewrite(rewrite)
	command.warnOfBackend(backend.value)
	command.markWrite(side)
	return command, nil
}

// sentTo is the request of an exemplar with the target and the Host that the
// router would send to a side. Where the request would be of another route by
// now, they stay as they were.
func sentTo(ctx context.Context, api *client.Client, e wire.Exemplar, side wire.Side) (wire.ShadowedRequest, error) {
	request := e.Request
	headers := make(map[string][]string, len(request.Headers))
	for _, h := range request.Headers {
		headers[h.Name] = append(headers[h.Name], h.Value)
	}
	explained, err := ask[wire.Explanation](api.Explain(ctx, wire.ExplainRequest{
		Method: request.Method, URL: request.Scheme + "://" + request.Host + request.Target, Headers: headers, Side: side,
	}))
	if refused, is := errors.AsType[*failure](err); is && refused.code == exitUsage {
		return request, nil // the router would take it from nobody
	}
	if err != nil {
		return request, err
	}
	if sent := explained.value.Sent; explained.value.Route == e.Route && sent != nil && sent.Rewritten && sent.Refused == "" {
		request.Target, request.Host = sent.Target, sent.Host
	}
	return request, nil
}

// newFor is the backend that gets copies in the place of new: of writes, the
// sandbox where there is one.
func newFor(method string, route wire.RouteDetail) string {
	if s := route.Definition.Shadow; s.Writes == wire.ShadowDefinitionWritesSandbox && !harmless(method) {
		return s.Sandbox
	}
	return route.New
}

// withhold leaves away what a copy to this backend does not carry: credentials,
// where it has another trust than the one that served.
func (c *curlCommand) withhold(ctx context.Context, api *client.Client, to wire.Backend, served wire.Side, route wire.RouteDetail) error {
	from := route.Legacy
	if served == wire.SideNew {
		from = route.New
	}
	if !c.has("Authorization") && !c.has("Cookie") || from == to.Name || from == "" {
		return nil
	}
	backend, err := ask[wire.Backend](api.GetBackend(ctx, from))
	if err != nil || backend.value.Trust == to.Trust {
		return err
	}
	c.remove("Authorization")
	c.remove("Cookie")
	c.remark("Authorization and Cookie were not sent to it: its trust is %q, and that of %s, which served, is %q", to.Trust, from, backend.value.Trust)
	return nil
}

// rewrite does to the headers what the route does to those of one side.
func (c *curlCommand) rewrite(r wire.SideRewrite) {
	for _, name := range r.RemoveHeaders {
		c.remove(name)
	}
	for _, name := range slices.Sorted(maps.Keys(r.SetHeaders)) {
		c.set(name, r.SetHeaders[name])
	}
}

// warnOfBackend says what curl has to be told besides to reach a backend.
func (c *curlCommand) warnOfBackend(b wire.Backend) {
	if b.Protocol == "h2c" {
		c.options += " --http2-prior-knowledge"
	}
	if tls := tlsText(b.TLS); tls != "" {
		c.remark("the routers reach it with %s", tls)
	}
}

// markWrite bears in mind what a request may do that is sent once more.
func (c *curlCommand) markWrite(side wire.Side) {
	switch {
	case harmless(c.method):
	case side == wire.SideNew:
		c.remark("this is a %s: a backend changes nothing only if it honours the marker", c.method)
		c.set("Strangler-Shadow", "1")
	default:
		c.remark("careful, this is a %s: legacy does once more what it did", c.method)
	}
}

// harmless reports whether a request of that method changes nothing.
func harmless(method string) bool {
	return slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodOptions}, method)
}
