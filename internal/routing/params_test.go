package routing_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/routing"
)

func template(t *testing.T, m routing.Match) routing.Template {
	t.Helper()
	parsed, err := m.Template()
	if err != nil {
		t.Fatalf("%+v: %v", m, err)
	}
	return parsed
}

func TestTemplateReadsAndWritesPaths(t *testing.T) {
	for name, c := range map[string]struct {
		match  routing.Match
		path   string
		want   routing.Parameters // nil: the path does not fit
		rest   string
		writes string
	}{
		"literals":              {routing.Match{Path: "/a/b"}, "/a/b", routing.Parameters{}, "", "/a/b"},
		"a parameter":           {routing.Match{Path: "/a/{id}"}, "/a/a%2Fb;x", routing.Parameters{"id": "a%2Fb;x"}, "", "/a/a%2Fb;x"},
		"a pattern":             {routing.Match{Path: "/a/{id:[0-9]+}"}, "/a/42", routing.Parameters{"id": "42"}, "", "/a/42"},
		"an alternative":        {routing.Match{Path: "/{a:x|xy}{b:y?z}"}, "/xyz", routing.Parameters{"a": "x", "b": "yz"}, "", "/xyz"},
		"pieces":                {routing.Match{Path: "/{name}.{ext}-{n:[0-9]}"}, "/a.b.c-1", routing.Parameters{"name": "a.b", "ext": "c", "n": "1"}, "", "/a.b.c-1"},
		"a literal in normal":   {routing.Match{Path: "/%61é"}, "/a%C3%A9", routing.Parameters{}, "", "/a%C3%A9"},
		"a prefix":              {routing.Match{Prefix: "/a/{id}"}, "/a/1/b//c/", routing.Parameters{"id": "1"}, "/b//c/", "/a/1"},
		"the prefix of all":     {routing.Match{Prefix: "/"}, "/x", routing.Parameters{}, "/x", ""},
		"the root":              {routing.Match{Path: "/"}, "/", routing.Parameters{}, "", "/"},
		"the slash at the end":  {routing.Match{Path: "/a/"}, "/a/", routing.Parameters{}, "", "/a/"},
		"either slash":          {routing.Match{Path: "/a/", TrailingSlash: true}, "/a/", routing.Parameters{}, "/", "/a"},
		"double slashes":        {routing.Match{Path: "/a//b"}, "/a//b", routing.Parameters{}, "", "/a//b"},
		"another literal":       {routing.Match{Path: "/a/b"}, "/a/c", nil, "", ""},
		"too short":             {routing.Match{Path: "/a/b"}, "/a", nil, "", ""},
		"an empty value":        {routing.Match{Path: "/a/{id}"}, "/a/", nil, "", ""},
		"against the pattern":   {routing.Match{Path: "/a/{id:[0-9]+}"}, "/a/x", nil, "", ""},
		"against a piece":       {routing.Match{Path: "/a/x{id}"}, "/a/x", nil, "", ""},
		"no slash where it was": {routing.Match{Path: "/a//b"}, "/a/b", nil, "", ""},
	} {
		parsed := template(t, c.match)
		values := routing.Parameters{}
		rest, ok := parsed.Read(c.path, values)
		if ok != (c.want != nil) || rest != c.rest {
			t.Errorf("%s: read %q: %v, rest %q", name, c.path, ok, rest)
		}
		if !ok {
			continue
		}
		if diff := cmp.Diff(c.want, values); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if got := parsed.Write(values); got != c.writes {
			t.Errorf("%s: wrote %q, want %q", name, got, c.writes)
		}
	}
}

// TestTemplateAgreesWithTheTable: a request that a route wins can always be read.
func TestTemplateAgreesWithTheTable(t *testing.T) {
	for path, match := range map[string]routing.Match{
		"/t/acme/orders/42": {Path: "/t/{tenant}/orders/{id:[0-9]{1,3}}"},
		"/f/x.tar.gz":       {Path: "/f/{name}.{ext:[a-z]+}"},
		"/o/":               {Path: "/o", TrailingSlash: true},
		"/p//q":             {Prefix: "/p"},
	} {
		table := routing.Compile(1, []routing.Definition{{Name: "r", Match: match, Legacy: "l"}})
		if table.Match(&routing.Request{Method: "GET", Path: path}) == nil {
			t.Errorf("%s is not matched by %+v", path, match)
		}
		if _, ok := template(t, match).Read(path, routing.Parameters{}); !ok {
			t.Errorf("%s is not read by %+v", path, match)
		}
	}
}

func TestTemplateRefusesWhatCompileRefuses(t *testing.T) {
	for _, match := range []routing.Match{
		{},
		{Path: "/a", Prefix: "/a"},
		{Path: "a"},
		{Prefix: "/a/"},
		{Path: "/{a"},
		{Path: "/{a}/{a}"},
		{Path: "/{a:(b)}"},
		{Path: "/{a:.}"},
		{Path: "/.."},
		{Path: "/a?b"},
		{Path: "/{a:[}"},
	} {
		_, err := match.Template()
		invalid := routing.Compile(1, []routing.Definition{{Name: "r", Match: match, Legacy: "l"}}).Invalid()
		if err == nil || len(invalid) != 1 || invalid[0].Message != err.Error() {
			t.Errorf("%+v: %v, but Compile says %+v", match, err, invalid)
		}
	}
}

func TestTemplatesAreTakenApart(t *testing.T) {
	match := template(t, routing.Match{Path: "/v1/t/{tenant}/x/{id:[0-9]+}"})
	if diff := cmp.Diff([]string{"tenant", "id"}, match.Names()); diff != "" || match.Depth() != 5 || match.Fixed() != "/v1/t" {
		t.Errorf("names %v, depth %d, fixed %q", match.Names(), match.Depth(), match.Fixed())
	}
	head, ok := match.Head(template(t, routing.Match{Prefix: "/v1/t/{tenant}"}))
	if !ok || head.Depth() != 3 || head.String() != "/v1/t/{tenant}" {
		t.Errorf("%v %q", ok, head)
	}
	for _, other := range []string{"/v1/t/acme", "/v1/t/{id}", "/v2", "/v1/t/{tenant}/x/{id}/y"} {
		if _, ok := match.Head(template(t, routing.Match{Prefix: other})); ok {
			t.Errorf("%s passes for a head of %s", other, match)
		}
	}
	to, err := template(t, routing.Match{Path: "/v2/x/{id}"}).Within(match)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := to.Read("/v2/x/y", routing.Parameters{}); ok {
		t.Error("the pattern of the outer template was not taken over")
	}
	from, to := routing.WithoutCommonTail(match, to)
	if from.Write(routing.Parameters{"tenant": "a"}) != "/v1/t/a" || to.Write(nil) != "/v2" {
		t.Errorf("%q and %q", from.Write(routing.Parameters{"tenant": "a"}), to.Write(nil))
	}
}

func TestCheckHost(t *testing.T) {
	for _, host := range []string{"shop.example", "SHOP.example.", "10.0.0.1", "[2001:db8::1]", "a_b"} {
		if err := routing.CheckHost(host); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	for host, want := range map[string]string{
		"":               `host "" is not one host: write a name like shop.example`,
		"*.shop.example": `host "*.shop.example" is not one host: write a name like shop.example`,
		"a:80":           `host "a:80" has a port: a route matches host names on every port, write "a"`,
		"a..b":           `host "a..b" has an empty label: write names like shop.example or *.shop.example`,
	} {
		if err := routing.CheckHost(host); err == nil || err.Error() != want {
			t.Errorf("%s: %v", host, err)
		}
	}
}
