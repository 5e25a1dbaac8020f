package routing_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/routing"
)

// define is a route in stage legacy with both sides; match says the rest.
func define(name string, match routing.Match) routing.Definition {
	return routing.Definition{Name: name, Match: match, Legacy: "monolith", New: "next"}
}

// compile fails the test unless every definition is valid.
func compile(t testing.TB, defs ...routing.Definition) *routing.Table {
	t.Helper()
	table := routing.Compile(1, defs)
	for _, invalid := range table.Invalid() {
		t.Fatalf("unexpectedly invalid: %+v", invalid)
	}
	return table
}

// get is a GET request from "[host]/path[?query]" as a browser would send it.
func get(t testing.TB, url string, headers ...string) *routing.Request {
	t.Helper()
	slash := strings.IndexByte(url, '/')
	path, query, _ := strings.Cut(url[slash:], "?")
	normal, err := routing.NormalizePath(path)
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		header.Add(name, value)
	}
	return &routing.Request{Method: "GET", Host: routing.NormalizeHost(url[:slash]), Path: normal, RawQuery: query, Header: header}
}

func nameOf(r *routing.Route) string {
	if r == nil {
		return ""
	}
	return r.Name
}

func TestMatch(t *testing.T) {
	type match = routing.Match
	for _, c := range []struct {
		name  string
		match match
		yes   []string
		no    []string
	}{
		{"literal", match{Path: "/orders"}, []string{"/orders", "/%6Frders", "/x/../orders"}, []string{"/", "/orders/", "/ordersX", "/Orders", "/orders/1", "//orders"}},
		{"root", match{Path: "/"}, []string{"/", "h/?a=1"}, []string{"/a", "//"}},
		{"parameter", match{Path: "/orders/{id}"}, []string{"/orders/1", "/orders/a%2Fb", "/orders/;x"}, []string{"/orders", "/orders/", "/orders/1/", "/orders/1/2"}},
		{"pattern", match{Path: "/orders/{id:[0-9]+}"}, []string{"/orders/1", "/orders/%31"}, []string{"/orders/", "/orders/a", "/orders/1a"}},
		{"pattern that may be empty", match{Path: "/orders/{id:[0-9]*}"}, []string{"/orders/", "/orders/1"}, []string{"/orders", "/orders/a"}},
		{"counted pattern", match{Path: "/y/{year:[0-9]{4}}"}, []string{"/y/2026"}, []string{"/y/202", "/y/20266"}},
		{"general pattern", match{Path: "/c/{c:red|gr[ae]y}"}, []string{"/c/red", "/c/grey"}, []string{"/c/re", "/c/greyer", "/c/xred"}},
		{"pattern without case", match{Path: "/c/{c:(?i)[a-f]+}"}, []string{"/c/aF"}, []string{"/c/g"}},
		{"literal around a parameter", match{Path: "/r/v{n}.json"}, []string{"/r/v1.json", "/r/v.json.json"}, []string{"/r/v.json", "/r/1.json", "/r/v1.jso"}},
		{"two parameters in a segment", match{Path: "/d/{from:[0-9]+}-{to:[0-9]+}"}, []string{"/d/1-22"}, []string{"/d/1-", "/d/1", "/d/1-2-3"}},
		{"literal is normalised", match{Path: "/caf\u00e9/a b/%7ejo/x%2fy"}, []string{"/caf%c3%a9/a%20b/~jo/x%2Fy"}, []string{"/cafe/a%20b/~jo/x%2Fy"}},
		{"empty segment", match{Path: "/a//b"}, []string{"/a//b"}, []string{"/a/b"}},
		{"trailing slash is another path", match{Path: "/orders/"}, []string{"/orders/"}, []string{"/orders"}},
		{"either", match{Path: "/orders", TrailingSlash: true}, []string{"/orders", "/orders/"}, []string{"/orders//", "/orders/1"}},
		{"either, written with slash", match{Path: "/o/{id}/", TrailingSlash: true}, []string{"/o/1", "/o/1/"}, []string{"/o/", "/o/1//"}},
		{"either at the root", match{Path: "/", TrailingSlash: true}, []string{"/"}, []string{"//"}},
		{"prefix", match{Prefix: "/orders"}, []string{"/orders", "/orders/", "/orders/1/2", "/orders//"}, []string{"/", "/ordersX", "/order"}},
		{"prefix with either", match{Prefix: "/orders", TrailingSlash: true}, []string{"/orders", "/orders/", "/orders/1"}, []string{"/ordersX"}},
		{"prefix of everything", match{Prefix: "/"}, []string{"/", "/a/b", "//"}, nil},
		{"prefix with parameter", match{Prefix: "/t/{tenant}/x"}, []string{"/t/1/x", "/t/1/x/y"}, []string{"/t/1", "/t//x"}},
		{"exact host", match{Path: "/", Host: "Shop.Example"}, []string{"shop.example/", "SHOP.example.:81/"}, []string{"/", "a.shop.example/", "shop.example.org/"}},
		{"suffix host", match{Path: "/", Host: "*.shop.example"}, []string{"a.shop.example/", "a.b.shop.example:1/"}, []string{"shop.example/", ".shop.example/", "ashop.example/", "a.shop.example.org/"}},
		{"address", match{Path: "/", Host: "[::1]"}, []string{"[::1]:8080/"}, []string{"[::2]/"}},
		{"methods", match{Path: "/", Methods: []string{"POST", "GET"}}, []string{"/"}, nil},
		{"other methods", match{Path: "/", Methods: []string{"POST", "HEAD"}}, nil, []string{"/"}},
		{"query present", match{Path: "/", Query: []routing.Condition{{Name: "q"}}}, []string{"/?q", "/?q=", "/?a=b&q=1", "/?%71=1"}, []string{"/", "/?Q=1", "/?qq=1", "/?a;q=1"}},
		{"query equals", match{Path: "/", Query: []routing.Condition{{Name: "q", Op: routing.Equals, Value: "a b;c"}}}, []string{"/?q=a+b;c", "/?q=x&q=a%20b%3Bc"}, []string{"/?q=a", "/?q=%zz", "/?q=a+b"}},
		{"query matches", match{Path: "/", Query: []routing.Condition{{Name: "q", Op: routing.Matches, Value: "a|b+"}}}, []string{"/?q=a", "/?q=bb"}, []string{"/?q=ab", "/?q=", "/"}},
		{"two query conditions", match{Path: "/", Query: []routing.Condition{{Name: "a"}, {Name: "b"}}}, []string{"/?b&a", "/?&&a&&b"}, []string{"/?a", "/?b"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			table := compile(t, define("r", c.match))
			for _, url := range c.yes {
				if table.Match(get(t, url)) == nil {
					t.Errorf("%s is not matched", url)
				}
			}
			for _, url := range c.no {
				if table.Match(get(t, url)) != nil {
					t.Errorf("%s is matched", url)
				}
			}
		})
	}
}

func TestMatchMethods(t *testing.T) {
	methods := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE", "PROPFIND"}
	for _, wanted := range methods {
		table := compile(t,
			define("one", routing.Match{Path: "/", Methods: []string{wanted}}),
			define("two", routing.Match{Path: "/two", Methods: []string{wanted, "TRACE"}}),
			define("any", routing.Match{Prefix: "/"}))
		for _, method := range methods {
			for path, name := range map[string]string{"/": "one", "/two": "two"} {
				want := "any"
				if method == wanted {
					want = name
				}
				if got := nameOf(table.Match(&routing.Request{Method: method, Path: path})); got != want {
					t.Errorf("%s %s, wanted by %s: %q wins, want %q", method, path, wanted, got, want)
				}
			}
		}
	}
}

func TestMatchHeaders(t *testing.T) {
	table := compile(t, define("r", routing.Match{Path: "/", Headers: []routing.Condition{
		{Name: "x-beta"},
		{Name: "Accept", Op: routing.Equals, Value: "text/html"},
		{Name: "X-Version", Op: routing.Matches, Value: "2|3"},
	}}))
	for _, c := range []struct {
		want    string
		headers []string
	}{
		{"r", []string{"X-Beta: ", "Accept: text/html", "X-Version: 3"}},
		{"r", []string{"X-Beta: 1", "Accept: a", "Accept: text/html", "X-Version: 1", "X-Version: 2"}},
		{"", []string{"Accept: text/html", "X-Version: 3"}},
		{"", []string{"X-Beta: 1", "Accept: text/html;q=1", "X-Version: 3"}},
		{"", []string{"X-Beta: 1", "Accept: text/html", "X-Version: 23"}},
	} {
		if got := nameOf(table.Match(get(t, "/", c.headers...))); got != c.want {
			t.Errorf("with %q the winner is %q, want %q", c.headers, got, c.want)
		}
	}
	if got := table.Match(&routing.Request{Method: "GET", Path: "/"}); got != nil {
		t.Errorf("without header fields %q wins", got.Name)
	}
}

// Each case lists definitions from the highest precedence down; all match the request.
func TestPrecedence(t *testing.T) {
	type match = routing.Match
	header := func(n int) (conditions []routing.Condition) {
		for i := range n {
			conditions = append(conditions, routing.Condition{Name: fmt.Sprint("X-", i)})
		}
		return conditions
	}
	prior := func(priority int, m match) routing.Definition {
		d := define("", m)
		d.Priority = priority
		return d
	}
	plain := func(m match) routing.Definition { return define("", m) }
	for _, c := range []struct {
		name string
		url  string
		defs []routing.Definition
	}{
		{"priority before all", "shop.example/a", []routing.Definition{
			prior(2, match{Prefix: "/"}), prior(1, match{Path: "/{x}"}), plain(match{Host: "shop.example", Path: "/a"}), prior(-1, match{Host: "shop.example", Path: "/a"}),
		}},
		{"host before path", "a.b.example/a", []routing.Definition{
			plain(match{Host: "a.b.example", Prefix: "/"}), plain(match{Host: "*.b.example", Prefix: "/"}), plain(match{Host: "*.example", Path: "/{x}"}), plain(match{Path: "/a"}),
		}},
		{"kinds of segments", "/a", []routing.Definition{
			plain(match{Path: "/a"}), plain(match{Path: "/{x:[a-z]}"}), plain(match{Path: "/{x}"}), plain(match{Prefix: "/"}),
		}},
		{"the more literal pattern", "/ab.json", []routing.Definition{
			plain(match{Path: "/{x}b.json"}), plain(match{Path: "/{x}.json"}), plain(match{Path: "/{x:[a-z.]+}"}),
		}},
		{"left before right", "/a/b/c", []routing.Definition{
			plain(match{Path: "/a/{y}/{z}"}), plain(match{Path: "/{x:[a-z]}/b/c"}), plain(match{Path: "/{x}/b/c"}),
		}},
		{"literals as far as they go", "/a/b/c", []routing.Definition{
			plain(match{Path: "/a/b/c"}), plain(match{Path: "/a/b/{z}"}), plain(match{Prefix: "/a/b"}), plain(match{Path: "/a/{y}/c"}), plain(match{Prefix: "/a/{y}"}), plain(match{Prefix: "/a"}), plain(match{Path: "/{x}/b/c"}),
		}},
		{"path before prefix of equal segments", "/a", []routing.Definition{plain(match{Path: "/a"}), plain(match{Prefix: "/a"})}},
		{"written slash before either", "/a/", []routing.Definition{
			plain(match{Path: "/a/"}), plain(match{Path: "/a/{x:[0-9]*}"}), plain(match{Path: "/a", TrailingSlash: true}), plain(match{Prefix: "/a"}),
		}},
		{"methods before none", "/a", []routing.Definition{
			plain(match{Path: "/a", Methods: []string{"GET"}}), plain(match{Path: "/a", Headers: header(2)}), plain(match{Path: "/a"}),
		}},
		{"more conditions", "/a?q", []routing.Definition{
			plain(match{Path: "/a", Headers: header(2), Query: []routing.Condition{{Name: "q"}}}), plain(match{Path: "/a", Headers: header(2)}), plain(match{Path: "/a", Query: []routing.Condition{{Name: "q"}}}), plain(match{Path: "/a"}),
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for i := range c.defs {
				c.defs[i].Name = fmt.Sprintf("z%02d", len(c.defs)-i) // names must not be what decides
			}
			for len(c.defs) > 0 {
				want := c.defs[0].Name
				reversed := slices.Clone(c.defs)
				slices.Reverse(reversed)
				for _, defs := range [][]routing.Definition{c.defs, reversed} {
					if got := nameOf(compile(t, defs...).Match(get(t, c.url, "X-0: a", "X-1: b"))); got != want {
						t.Fatalf("of %d routes %q wins, want %q", len(defs), got, want)
					}
				}
				c.defs = c.defs[1:]
			}
		})
	}
}

func TestMatchFindsAWayAroundConditions(t *testing.T) {
	table := compile(t,
		define("literal", routing.Match{Path: "/a/b", Headers: []routing.Condition{{Name: "X-Beta"}}}),
		define("other end", routing.Match{Path: "/a/c"}),
		define("parameter", routing.Match{Path: "/{x}/b", Methods: []string{"POST"}}),
		define("host", routing.Match{Host: "shop.example", Path: "/a/c"}),
		define("all", routing.Match{Prefix: "/"}),
	)
	if got := nameOf(table.Match(get(t, "shop.example/a/b"))); got != "all" {
		t.Errorf("%q wins, want all", got)
	}
}

func TestTableOfNothing(t *testing.T) {
	table := routing.Compile(7, nil)
	if table.Len() != 0 || table.Revision() != 7 || table.Match(get(t, "/")) != nil || table.Route("x") != nil {
		t.Errorf("an empty table has %d routes, revision %d", table.Len(), table.Revision())
	}
	if e := table.Explain(get(t, "/")); e.Assignment.Route != nil || len(e.Close) != 0 {
		t.Errorf("an empty table explains %+v", e)
	}
}

func TestMatchOfAPathThatIsNone(t *testing.T) {
	table := compile(t, define("all", routing.Match{Prefix: "/"}))
	for _, path := range []string{"", "*", "a/b"} {
		req := &routing.Request{Method: "OPTIONS", Path: path}
		if got := table.Match(req); got != nil {
			t.Errorf("path %q is matched by %q", path, got.Name)
		}
		table.Explain(req)
	}
}

func TestRoutesComeByPrecedence(t *testing.T) {
	table := compile(t, define("all", routing.Match{Prefix: "/"}), define("one", routing.Match{Path: "/{x}"}), define("a", routing.Match{Path: "/a"}))
	var names []string
	for r := range table.Routes() {
		names = append(names, r.Name)
	}
	if want := []string{"a", "one", "all"}; !slices.Equal(names, want) {
		t.Errorf("the routes come as %q, want %q", names, want)
	}
	if r := table.Route("one"); r == nil || r.Index != 1 || r.Definition.Match.Path != "/{x}" {
		t.Errorf("route one is %+v", r)
	}
}
