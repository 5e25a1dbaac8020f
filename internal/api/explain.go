package api

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

// question is a request to explain.
type question struct {
	*routing.Request
	header http.Header
	target string    // path and query as they were written
	host   string    // likewise; empty: none was named
	side   wire.Side // of which sent is to tell; empty: the one that would serve
}

// Explain answers with what would become of a request, by the served table.
func (s *server) Explain(w http.ResponseWriter, r *http.Request) {
	var body wire.ExplainRequest
	if err := readJSON(r, &body); err != nil {
		s.fail(w, r, err)
		return
	}
	asked, err := explained(body)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	table := s.Router.Table()
	if table == nil {
		s.fail(w, r, newProblem(http.StatusServiceUnavailable, "not_ready", "This router is not ready.", "it has no table yet", ""))
		return
	}
	s.writeJSON(w, r, s.explanation(asked, table))
}

// explained makes of the body what routing looks at.
func explained(body wire.ExplainRequest) (question, error) {
	if body.Method == "" {
		return question{}, badRequest("bad_request", "the method is missing", "")
	}
	if body.Side != "" && !body.Side.Valid() {
		return question{}, badRequest("bad_side", "side is "+quoted(string(body.Side))+" and has to be legacy or new", "")
	}
	target, err := url.Parse(body.URL)
	if err != nil {
		return question{}, badRequest("bad_url", err.Error(), "write an absolute URL or a path, such as https://shop.example/orders/42")
	}
	if !strings.HasPrefix(target.EscapedPath(), "/") && (target.Host == "" || target.Path != "") {
		return question{}, badRequest("bad_url", fmt.Sprintf("the URL %q has no path", body.URL), "write an absolute URL or a path, such as https://shop.example/orders/42")
	}
	raw := "/" + strings.TrimPrefix(target.EscapedPath(), "/")
	path, err := routing.NormalizePath(raw)
	if err != nil {
		return question{}, badRequest("bad_url", err.Error(), "the router would answer 400")
	}
	header := make(http.Header, len(body.Headers))
	for name, values := range body.Headers {
		for _, value := range values {
			header.Add(name, value)
		}
	}
	host := target.Host
	if host == "" {
		host = header.Get("Host")
	}
	if target.RawQuery != "" || target.ForceQuery {
		raw += "?" + target.RawQuery
	}
	request := &routing.Request{Method: body.Method, Host: routing.NormalizeHost(host), Path: path, RawQuery: target.RawQuery, Header: header}
	if body.Client != "" {
		if request.Client, err = netip.ParseAddr(body.Client); err != nil {
			return question{}, badRequest("bad_client", fmt.Sprintf("the client %q is not an IP address", body.Client), "")
		}
	}
	return question{Request: request, header: header, target: raw, host: host, side: body.Side}, nil
}

func (s *server) explanation(asked question, table *routing.Table) wire.Explanation {
	found := table.Explain(asked.Request)
	answer := wire.Explanation{
		Method: asked.Method, Host: asked.Host, Path: asked.Path, Overrides: []wire.ExplainedOverride{},
		Revision: wire.Revision(table.Revision()), Near: make([]wire.NearMiss, len(found.Close)),
	}
	for i, miss := range found.Close {
		answer.Near[i] = wire.NearMiss{Route: miss.Route.Name, Code: wire.NearMissCode(miss.Why), Why: miss.Detail}
	}
	if found.Assignment.Route != nil {
		var assigned routing.Assignment
		assigned, answer.Overrides = s.overridden(asked, table, found.Assignment)
		describe(&answer, assigned)
		if asked.side != "" {
			assigned.Side = routing.SideNamed(string(asked.side))
		}
		answer.Sent = s.sent(asked, assigned)
	}
	return answer
}

// describe fills in what is known when a route matches.
func describe(answer *wire.Explanation, a routing.Assignment) {
	side, stage := wire.Side(a.Side.String()), wire.Stage(a.Stage.String())
	answer.Route, answer.Side, answer.Stage = a.Route.Name, &side, &stage
	answer.Reason, answer.WeightBp, answer.Mint = a.Reason.String(), wire.Weight(a.Weight), a.Mint
	answer.Backend = a.Route.Definition.Legacy
	if a.Side == routing.New {
		answer.Backend = a.Route.Definition.New
	}
	if a.Point >= 0 {
		point := int32(a.Point)
		answer.Point = &point
	}
	if a.Keyed {
		answer.Key = keyText(a)
	}
}

// keyText names the key that decided: in full when the route's chain has only
// one of its kind, else by the kind alone.
func keyText(a routing.Assignment) string {
	kind := spec.Key{Key: routing.Key{Kind: a.Key}}
	text, seen := kind.String(), 0
	for _, key := range a.Route.Definition.Group.Keys {
		if key.Kind == a.Key {
			text, seen = spec.Key{Key: key}.String(), seen+1
		}
	}
	if seen > 1 {
		return kind.String()
	}
	return text
}
