package routing_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/routing"
)

func TestInvalid(t *testing.T) {
	type match = routing.Match
	path := func(template string) routing.Definition { return define("r", match{Path: template}) }
	host := func(host string) routing.Definition { return define("r", match{Path: "/", Host: host}) }
	header := func(c routing.Condition) routing.Definition {
		return define("r", match{Path: "/", Headers: []routing.Condition{{Name: "X-Fine"}, c}})
	}
	query := func(c routing.Condition) routing.Definition {
		return define("r", match{Path: "/", Query: []routing.Condition{c}})
	}
	keys := func(keys ...routing.Key) routing.Definition {
		d := path("/")
		d.Group.Keys = keys
		return d
	}
	stands := func(stage routing.Stage, weight routing.Weight, legacy, next string) routing.Definition {
		d := path("/")
		d.Legacy, d.New, d.Assigned = legacy, next, routing.Assigned{Stage: stage, Weight: weight}
		return d
	}
	for _, c := range []struct {
		name  string
		def   routing.Definition
		code  routing.InvalidCode
		field string
		says  string
	}{
		{"no name", define("", match{Path: "/"}), routing.InvalidName, "name", "give it one"},
		{"neither path nor prefix", define("r", match{}), routing.InvalidPath, "match.path", "either path or prefix"},
		{"both", define("r", match{Path: "/a", Prefix: "/b"}), routing.InvalidPath, "match.path", "either path or prefix"},
		{"no slash", path("orders"), routing.InvalidPath, "match.path", `write "/orders"`},
		{"prefix without slash", define("r", match{Prefix: "a"}), routing.InvalidPath, "match.prefix", `write "/a"`},
		{"star for everything below", path("/orders/*"), routing.InvalidPath, "match.path", "write prefix: /orders for"},
		{"star alone", path("/*"), routing.InvalidPath, "match.path", "write prefix: / for"},
		{"two stars", define("r", match{Prefix: "/orders/**"}), routing.InvalidPath, "match.prefix", "write prefix: /orders for"},
		{"prefix that ends in a slash", define("r", match{Prefix: "/static/"}), routing.InvalidPath, "match.prefix", `write "/static"`},
		{"endless template", path("/" + strings.Repeat("a/", 1024)), routing.InvalidPath, "match.path", "2049 bytes long: at most 2048"},
		{"open brace", path("/a/{id"), routing.InvalidPath, "match.path", "never closed"},
		{"closed brace", path("/a/id}"), routing.InvalidPath, "match.path", "byte 5 that was never opened"},
		{"no parameter name", path("/{}"), routing.InvalidPath, "match.path", "without a name"},
		{"no parameter name, a pattern", path("/{:[0-9]+}"), routing.InvalidPath, "match.path", "without a name"},
		{"odd parameter name", path("/{a b}"), routing.InvalidPath, "match.path", `"a b" may hold`},
		{"same parameter twice", path("/{a}/x/{a}"), routing.InvalidPath, "match.path", `two parameters named "a"`},
		{"query in a template", path("/a?x=1"), routing.InvalidPath, "match.path", "match.query"},
		{"fragment in a template", path("/a#x"), routing.InvalidPath, "match.path", "fragment"},
		{"malformed escape", path("/100%"), routing.InvalidPath, "match.path", "malformed escape"},
		{"line feed", path("/a%0a"), routing.InvalidPath, "match.path", "line feed"},
		{"dot segment", path("/a/../b"), routing.InvalidPath, "match.path", `dot segment ".."`},
		{"encoded dot segment", path("/a/%2e"), routing.InvalidPath, "match.path", `dot segment "."`},
		{"dot segment with parameter", path("/a/..;x"), routing.InvalidPath, "match.path", `dot segment "..;x"`},
		{"empty pattern", path("/{id:}"), routing.InvalidPath, "match.path", "write {id}"},
		{"star of dots", path("/files/{rest:.*}"), routing.InvalidPattern, "match.path", "use prefix"},
		{"dot in an alternative", define("r", match{Prefix: "/f/{x:a|b.}"}), routing.InvalidPattern, "match.prefix", "use prefix"},
		{"class with slash", path("/{x:[^0-9]+}"), routing.InvalidPattern, "match.path", "leave the slash out"},
		{"class escape with slash", path(`/{x:\D+}`), routing.InvalidPattern, "match.path", "leave the slash out"},
		{"literal slash", path("/{x:ab/cd}"), routing.InvalidPattern, "match.path", "outside of the braces"},
		{"capturing group", path("/{x:(a|b)c}"), routing.InvalidPattern, "match.path", "(?:…)"},
		{"named group", path("/{x:(?P<n>ab)}"), routing.InvalidPattern, "match.path", "(?:…)"},
		{"anchor", path("/{x:^[0-9]+$}"), routing.InvalidPattern, "match.path", "leave ^ and $ out"},
		{"text anchor", path(`/{x:[0-9]+\z}`), routing.InvalidPattern, "match.path", "leave ^ and $ out"},
		{"class of many", path(`/{x:[^acegikmoqsuwyACEGIKMOQSUWY02468]+}`), routing.InvalidPattern, "match.path", "by [^02468ACEGIKMOQSUWYacegikmoqsuwy]: leave"},
		{"class of very many", path(`/{x:[^acegikmoqsuwyACEGIKMOQSUWY02468~_=,;:@]+}`), routing.InvalidPattern, "match.path", "acegikmoqsuwy~: leave"},
		{"bad expression", path("/{x:[0-9}"), routing.InvalidPattern, "match.path", "missing closing ]"},
		{"expression that breaks out", path("/{x:a)|(b}"), routing.InvalidPattern, "match.path", "unexpected )"},
		{"non-ASCII pattern", path("/{x:\u00e9+}"), routing.InvalidPattern, "match.path", "percent-encoded"},
		{"host with port", host("shop.example:8080"), routing.InvalidHost, "match.host", `write "shop.example"`},
		{"star alone", host("*"), routing.InvalidHost, "match.host", "leave host out"},
		{"star in the middle", host("a.*.example"), routing.InvalidHost, "match.host", "*.shop.example"},
		{"star in a label", host("a*.example"), routing.InvalidHost, "match.host", "'*' may not stand"},
		{"empty label", host("a..example"), routing.InvalidHost, "match.host", "empty label"},
		{"long label", host(strings.Repeat("a", 64) + ".example"), routing.InvalidHost, "match.host", "at most 63"},
		{"long host", host(strings.Repeat("a.", 127) + "example"), routing.InvalidHost, "match.host", "at most 253"},
		{"hyphen", host("-a.example"), routing.InvalidHost, "match.host", "hyphen"},
		{"non-ASCII host", host("caf\u00e9.example"), routing.InvalidHost, "match.host", "xn--"},
		{"host with scheme", host("http://shop.example"), routing.InvalidHost, "match.host", "port"},
		{"host with slash", host("shop.example/x"), routing.InvalidHost, "match.host", "'/' may not stand"},
		{"lower-case method", define("r", match{Path: "/", Methods: []string{"GET", "post"}}), routing.InvalidMethod, "match.methods[1]", `write "POST"`},
		{"no method", define("r", match{Path: "/", Methods: []string{"GET POST"}}), routing.InvalidMethod, "match.methods[0]", "not a method"},
		{"empty method", define("r", match{Path: "/", Methods: []string{""}}), routing.InvalidMethod, "match.methods[0]", "not a method"},
		{"header name", header(routing.Condition{Name: "X Beta"}), routing.InvalidCondition, "match.headers[1]", "header name"},
		{"Host header", header(routing.Condition{Name: "host"}), routing.InvalidCondition, "match.headers[1]", "match.host"},
		{"header expression", header(routing.Condition{Name: "X-A", Op: routing.Matches, Value: "("}), routing.InvalidCondition, "match.headers[1]", "missing closing )"},
		{"query name", query(routing.Condition{}), routing.InvalidCondition, "match.query[0]", "no name"},
		{"query operator", query(routing.Condition{Name: "q", Op: 9}), routing.InvalidCondition, "match.query[0]", "unknown operator 9"},
		{"query expression that breaks out", query(routing.Condition{Name: "q", Op: routing.Matches, Value: "a)|(b"}), routing.InvalidCondition, "match.query[0]", "unexpected )"},
		{"header key", keys(routing.Key{Kind: routing.KeyHeader, Name: "X User"}), routing.InvalidKey, "keys[0]", "header name"},
		{"cookie key", keys(routing.Key{Kind: routing.KeyCookie}), routing.InvalidKey, "keys[0]", "cookie name"},
		{"claim key", keys(routing.Key{Kind: routing.KeyClaim}), routing.InvalidKey, "keys[0]", "no name"},
		{"mint before the end", keys(routing.Key{Kind: routing.KeyMint}, routing.Key{Kind: routing.KeyClientAddress}), routing.InvalidKey, "keys[0]", "put it last"},
		{"unknown key", keys(routing.Key{Kind: routing.KeyClientAddress}, routing.Key{Kind: 77}), routing.InvalidKey, "keys[1]", "unknown key kind 77"},
		{"no legacy", stands(routing.StageLegacy, 0, "", "next"), routing.InvalidLegacyMissing, "legacy", "in stage legacy"},
		{"no legacy in new", stands(routing.StageNew, 10000, "", "next"), routing.InvalidLegacyMissing, "legacy", "retire the route first"},
		{"shadow without new", stands(routing.StageShadow, 0, "monolith", ""), routing.InvalidNewMissing, "new", "in stage shadow"},
		{"canary without new", stands(routing.StageCanary, 100, "monolith", ""), routing.InvalidNewMissing, "new", "in stage canary"},
		{"new without new", stands(routing.StageNew, 10000, "monolith", ""), routing.InvalidNewMissing, "new", "in stage new"},
		{"retired without new", stands(routing.StageRetired, 10000, "monolith", ""), routing.InvalidNewMissing, "new", "in stage retired"},
		{"unknown stage", stands(9, 0, "monolith", "next"), routing.InvalidStage, "stage", "stage(9)"},
		{"weight above all", stands(routing.StageCanary, 10001, "monolith", "next"), routing.InvalidStage, "weight", "100.01%"},
	} {
		t.Run(c.name, func(t *testing.T) {
			table := routing.Compile(1, []routing.Definition{define("other", match{Path: "/other"}), c.def})
			invalid := table.Invalid()
			if len(invalid) != 1 {
				t.Fatalf("%d faults, want 1: %+v", len(invalid), invalid)
			}
			got := invalid[0]
			if got.Index != 1 || got.Name != c.def.Name || got.Code != c.code || got.Field != c.field || !strings.Contains(got.Message, c.says) {
				t.Errorf("got %+v; want code %s at %s, saying %q", got, c.code, c.field, c.says)
			}
			if table.Len() != 1 || nameOf(table.Match(get(t, "/other"))) != "other" {
				t.Errorf("the other route does not apply any more")
			}
		})
	}
}

func TestEveryFaultOfADefinitionIsNamed(t *testing.T) {
	def := define("r", routing.Match{Host: "a:1", Path: "x", Methods: []string{"get", "put"}, Query: []routing.Condition{{}}})
	def.Legacy = ""
	var fields []string
	for _, invalid := range routing.Compile(1, []routing.Definition{def}).Invalid() {
		fields = append(fields, invalid.Field)
	}
	if want := []string{"match.host", "match.path", "match.methods[0]", "match.methods[1]", "match.query[0]", "legacy"}; !slices.Equal(fields, want) {
		t.Errorf("faults at %q, want %q", fields, want)
	}
}

func TestTwoRoutesOfOneName(t *testing.T) {
	table := routing.Compile(1, []routing.Definition{
		define("r", routing.Match{Path: "/a"}), define("s", routing.Match{Path: "/b"}), define("r", routing.Match{Path: "/c"}),
	})
	invalid := table.Invalid()
	if len(invalid) != 2 || invalid[0].Index != 0 || invalid[1].Index != 2 || invalid[0].Code != routing.InvalidName || table.Len() != 1 {
		t.Errorf("got %+v", invalid)
	}
}

func TestTies(t *testing.T) {
	type match = routing.Match
	one := []routing.Condition{{Name: "X-A"}}
	other := []routing.Condition{{Name: "X-B"}}
	for _, c := range []struct {
		name string
		a, b match
		tie  bool
	}{
		{"same path", match{Path: "/a"}, match{Path: "/a"}, true},
		{"same path, written otherwise", match{Path: "/~a"}, match{Path: "/%7ea"}, true},
		{"names of parameters", match{Path: "/{a}"}, match{Path: "/{b}"}, true},
		{"whatever the patterns", match{Path: "/{a:[0-9]+}"}, match{Path: "/{a:[a-z]+}"}, true},
		{"either and strict", match{Path: "/a"}, match{Path: "/a", TrailingSlash: true}, true},
		{"either and slash", match{Path: "/a/"}, match{Path: "/a", TrailingSlash: true}, false},
		{"same prefix", match{Prefix: "/a"}, match{Prefix: "/a"}, true},
		{"path and prefix", match{Path: "/a"}, match{Prefix: "/a"}, false},
		{"literals", match{Path: "/{x}/a"}, match{Path: "/{x}/b"}, false},
		{"pattern and plain", match{Path: "/{x:[0-9]+}"}, match{Path: "/{x}"}, false},
		{"endings that differ", match{Path: "/{x}.pdf"}, match{Path: "/{x}.csv"}, false},
		{"beginnings that differ", match{Path: "/a-{x}"}, match{Path: "/b-{x}"}, false},
		{"same ending", match{Path: "/{x:[a-z]+}.pdf"}, match{Path: "/{x:[0-9]+}.pdf"}, true},
		{"beginning against ending", match{Path: "/a{x}"}, match{Path: "/{x}b"}, true},
		{"more literal", match{Path: "/{x}.gz"}, match{Path: "/{x}.tar.gz"}, false},
		{"methods apart", match{Path: "/a", Methods: []string{"GET"}}, match{Path: "/a", Methods: []string{"POST"}}, false},
		{"methods overlap", match{Path: "/a", Methods: []string{"GET", "PUT"}}, match{Path: "/a", Methods: []string{"PUT", "POST"}}, true},
		{"methods and none", match{Path: "/a", Methods: []string{"GET"}}, match{Path: "/a"}, false},
		{"conditions of equal number", match{Path: "/a", Headers: one}, match{Path: "/a", Query: other}, true},
		{"more conditions", match{Path: "/a", Headers: one}, match{Path: "/a"}, false},
		{"same host", match{Host: "A.example", Path: "/"}, match{Host: "a.example.", Path: "/"}, true},
		{"other host", match{Host: "a.example", Path: "/"}, match{Host: "b.example", Path: "/"}, false},
		{"other suffix", match{Host: "*.a.example", Path: "/"}, match{Host: "*.b.example", Path: "/"}, false},
		{"exact and suffix", match{Host: "a.example", Path: "/"}, match{Host: "*.a.example", Path: "/"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			first, second := define("first", c.a), define("second", c.b)
			for i, defs := range [][]routing.Definition{{first, second}, {second, first}} {
				table := routing.Compile(1, defs)
				if !c.tie {
					if table.Len() != 2 {
						t.Fatalf("refused: %+v", table.Invalid())
					}
					continue
				}
				want := routing.Invalid{Index: 1 - i, Name: "second", Code: routing.InvalidTie, Field: "match"}
				invalid := slices.Clone(table.Invalid())
				if len(invalid) != 1 || table.Route("first") == nil {
					t.Fatalf("got %+v, want the second refused", invalid)
				}
				if m := invalid[0].Message; !strings.Contains(m, `"first"`) || !strings.Contains(m, `"second"`) {
					t.Errorf("the message does not name both: %s", m)
				}
				if invalid[0].Message = ""; invalid[0] != want {
					t.Errorf("got %+v, want %+v", invalid[0], want)
				}
			}
			second.Priority = 1
			if table := routing.Compile(1, []routing.Definition{first, second}); table.Len() != 2 {
				t.Errorf("still a tie with another priority")
			}
		})
	}
}

// Many routes at one place are told apart without comparing each with each.
func TestTenThousandTies(t *testing.T) {
	defs := make([]routing.Definition, 10000)
	for i := range defs {
		defs[i] = define(fmt.Sprintf("r%05d", i), routing.Match{Path: "/same"})
	}
	table := routing.Compile(1, defs)
	if table.Len() != 1 || len(table.Invalid()) != 9999 || table.Route("r00000") == nil {
		t.Errorf("%d valid, %d invalid", table.Len(), len(table.Invalid()))
	}
}
