package routing_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gorilla/mux"
	"pgregory.net/rapid"

	"github.com/stranglerfig/strangler/internal/routing"
)

// drawMatch makes one of the matches that both gorilla/mux and a table
// understand. Few words and few hosts, so that routes meet.
func drawMatch(t *rapid.T) routing.Match {
	segments := rapid.SliceOfN(rapid.SampledFrom([]string{
		"a", "b", "ab", "a-1", "", "caf%C3%A9", "a;v=1",
		"{}", "{:[0-9]+}", "{:[a-z]{2,3}}", "{:a|b|ab}", "{:[^/]*}", "{:(?i)[ab]+}", `{:\w+\b}`,
		"{}.x", "a{}", "{:[0-9]+}-{}", "{:[a-z]?}b",
	}), 0, 4).Draw(t, "segments")
	var template strings.Builder
	for i, s := range segments {
		parts := strings.Split(s, "{")
		for j := 1; j < len(parts); j++ {
			parts[j] = fmt.Sprintf("p%d_%d%s", i, j, parts[j])
		}
		template.WriteString("/" + strings.Join(parts, "{"))
	}
	m := routing.Match{
		Host:    rapid.SampledFrom([]string{"", "", "shop.example", "a.shop.example", "*.example", "*.shop.example"}).Draw(t, "host"),
		Methods: rapid.SampledFrom([][]string{nil, nil, {"GET"}, {"POST"}, {"GET", "POST"}}).Draw(t, "methods"),
		Headers: rapid.SampledFrom([][]routing.Condition{nil, nil, {{Name: "X-A"}}, {{Name: "X-B", Op: routing.Equals, Value: "1"}}, {{Name: "X-A", Op: routing.Matches, Value: "1|22"}, {Name: "X-B"}}}).Draw(t, "headers"),
		Query:   rapid.SampledFrom([][]routing.Condition{nil, nil, nil, {{Name: "q", Op: routing.Equals, Value: "1"}}}).Draw(t, "query"),
	}
	text := template.String()
	switch rapid.IntRange(0, 3).Draw(t, "form") {
	case 0:
		m.Prefix = strings.TrimRight(text, "/")
		if m.Prefix == "" {
			m.Prefix = "/"
		}
	case 1:
		m.Path, m.TrailingSlash = "/"+strings.Trim(text, "/"), true
	default:
		m.Path = "/" + strings.TrimPrefix(text, "/")
	}
	return m
}

func drawDefinitions(t *rapid.T) []routing.Definition {
	defs := make([]routing.Definition, rapid.IntRange(1, 12).Draw(t, "routes"))
	for i := range defs {
		defs[i] = define(fmt.Sprintf("r%02d", i), drawMatch(t))
		defs[i].Priority = rapid.SampledFrom([]int{0, 0, 0, 1, -1}).Draw(t, "priority")
	}
	return defs
}

func drawRequest(t *rapid.T) *routing.Request {
	words := rapid.SliceOfN(rapid.SampledFrom([]string{
		"a", "b", "ab", "aB", "abc", "a-1", "1", "12-a", "1-", "", "caf%C3%A9", "a;v=1", "x.x", ".x", "a%2Fb", "7", "~",
	}), 1, 5).Draw(t, "words")
	header := http.Header{}
	for _, name := range []string{"X-A", "X-B"} {
		if values := rapid.SampledFrom([][]string{nil, {""}, {"1"}, {"22"}, {"2", "1"}}).Draw(t, name); values != nil {
			header[name] = values
		}
	}
	return &routing.Request{
		Method:   rapid.SampledFrom([]string{"GET", "POST", "PUT"}).Draw(t, "method"),
		Host:     rapid.SampledFrom([]string{"shop.example", "a.shop.example", "a.b.shop.example", "example", "other"}).Draw(t, "host"),
		Path:     "/" + strings.Join(words, "/"),
		RawQuery: rapid.SampledFrom([]string{"", "q", "q=1", "a=2&q=1", "q=2"}).Draw(t, "query"),
		Header:   header,
	}
}

// register gives mux a route, one mux route for each path it stands for.
func register(router *mux.Router, r *routing.Route) {
	m := &r.Definition.Match
	add := func(where func(*mux.Route) *mux.Route) {
		route := where(router.NewRoute())
		if suffix, ok := strings.CutPrefix(m.Host, "*"); ok {
			route.Host("{sub:.+}" + suffix)
		} else if m.Host != "" {
			route.Host(m.Host)
		}
		if m.Methods != nil {
			route.Methods(m.Methods...)
		}
		for _, c := range m.Headers {
			// Values are compared by us: mux joins several values of a header.
			route.MatcherFunc(func(req *http.Request, _ *mux.RouteMatch) bool {
				for _, value := range req.Header[c.Name] {
					if c.Op == routing.Present || c.Op == routing.Equals && value == c.Value ||
						c.Op == routing.Matches && (value == "1" || value == "22") {
						return true
					}
				}
				return false
			})
		}
		for _, c := range m.Query {
			route.Queries(c.Name, c.Value)
		}
		route.Name(r.Name)
	}
	switch {
	case m.Prefix == "/":
		add(func(route *mux.Route) *mux.Route { return route.PathPrefix("/") })
	case m.Prefix != "":
		add(func(route *mux.Route) *mux.Route { return route.Path(m.Prefix) })
		add(func(route *mux.Route) *mux.Route { return route.PathPrefix(m.Prefix + "/") })
	default:
		add(func(route *mux.Route) *mux.Route { return route.Path(m.Path) })
		if m.TrailingSlash && m.Path != "/" {
			add(func(route *mux.Route) *mux.Route { return route.Path(m.Path + "/") })
		}
	}
}

func askMux(t *rapid.T, router *mux.Router, req *routing.Request) string {
	target, err := url.ParseRequestURI("http://" + req.Host + req.Path + "?" + req.RawQuery)
	if err != nil {
		t.Fatal(err)
	}
	var match mux.RouteMatch
	if !router.Match(&http.Request{Method: req.Method, Host: req.Host, URL: target, Header: req.Header.(http.Header)}, &match) || match.Route == nil {
		return ""
	}
	return match.Route.GetName()
}

// What both understand, a table matches as gorilla/mux does when its routes
// are registered by precedence.
func TestMatchAgreesWithMux(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := routing.Compile(1, drawDefinitions(t))
		for _, invalid := range table.Invalid() {
			if invalid.Code != routing.InvalidTie {
				t.Fatalf("refused: %+v", invalid)
			}
		}
		router := mux.NewRouter().SkipClean(true).UseEncodedPath()
		for r := range table.Routes() {
			register(router, r)
		}
		for range 20 {
			req := drawRequest(t)
			if got, want := nameOf(table.Match(req)), askMux(t, router, req); got != want {
				t.Fatalf("%s %s%s?%s %v: %q wins, in mux %q", req.Method, req.Host, req.Path, req.RawQuery, req.Header, got, want)
			}
		}
	})
}

// The order of writing decides nothing: neither who wins nor what is refused.
func TestOrderOfWritingDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		defs := drawDefinitions(t)
		one, other := routing.Compile(1, defs), routing.Compile(1, rapid.Permutation(defs).Draw(t, "shuffled"))
		if one.Len() != other.Len() {
			t.Fatalf("%d routes are valid in one order, %d in another", one.Len(), other.Len())
		}
		for range 10 {
			req := drawRequest(t)
			if got, want := nameOf(other.Match(req)), nameOf(one.Match(req)); got != want {
				t.Fatalf("%s: %q wins in one order, %q in another", req.Path, want, got)
			}
			if a, b := one.Explain(req), other.Explain(req); len(a.Close) != len(b.Close) || nameOf(a.Assignment.Route) != nameOf(b.Assignment.Route) {
				t.Fatalf("%s is explained differently", req.Path)
			}
		}
	})
}
