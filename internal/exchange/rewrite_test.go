package exchange_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
)

// rewritten sends a request to rawPath through a rewrite, as a client of
// https://shop.example by the endpoint http://10.0.0.7:4000.
func rewritten(t testing.TB, def exchange.RewriteDefinition, rawPath string) *exchange.Rewritten {
	t.Helper()
	w, problem := tryRewrite(t, def, rawPath)
	if problem != nil {
		t.Fatalf("%s: %+v", rawPath, problem)
	}
	return w
}

func tryRewrite(t testing.TB, def exchange.RewriteDefinition, rawPath string) (*exchange.Rewritten, *exchange.Problem) {
	t.Helper()
	rule, faults := exchange.CompileRewrite(def)
	if len(faults) > 0 {
		t.Fatalf("%+v", faults)
	}
	x := &exchange.Exchange{Host: "shop.example", Scheme: "https", Endpoint: "http://10.0.0.7:4000"}
	target, problem := exchange.Inspect(exchange.Head{Method: "GET", Target: rawPath, Host: x.Host})
	if problem != nil {
		t.Fatalf("%s: %+v", rawPath, problem)
	}
	return x.Rewrite(rule, target)
}

// Short forms of what the tables below are full of.
func stripping(prefix, strip, add string) exchange.RewriteDefinition {
	return exchange.RewriteDefinition{Match: routing.Match{Prefix: prefix}, StripPrefix: strip, AddPrefix: add}
}

func leading(path, to string) exchange.RewriteDefinition {
	return exchange.RewriteDefinition{Match: routing.Match{Path: path}, Path: to}
}

func TestRewrittenPath(t *testing.T) {
	either := leading("/orders", "/v2/orders/")
	either.Match.TrailingSlash = true
	below := exchange.RewriteDefinition{Match: routing.Match{Prefix: "/t/{tenant}"}, Path: "/tenants/{tenant}"}
	for name, c := range map[string]struct {
		def      exchange.RewriteDefinition
		raw      string
		want     string
		wantPath string // in normal form, where it is not want
	}{
		"strip":                         {stripping("/api", "/api", ""), "/api/orders", "/orders", ""},
		"strip everything":              {stripping("/api", "/api", ""), "/api", "/", ""},
		"strip up to the slash":         {stripping("/api", "/api", ""), "/api/", "/", ""},
		"strip a part":                  {stripping("/api/v1", "/api", ""), "/api/v1/x", "/v1/x", ""},
		"strip a parameter":             {stripping("/t/{tenant:[a-z]+}", "/t/{tenant}", ""), "/t/acme/x", "/x", ""},
		"add":                           {stripping("/", "", "/v2"), "/orders/", "/v2/orders/", ""},
		"add to the root":               {stripping("/", "", "/v2"), "/", "/v2/", ""},
		"exchange":                      {stripping("/api", "/api", "/v2"), "/api", "/v2", ""},
		"exchange and keep the slash":   {stripping("/api", "/api", "/v2"), "/api/", "/v2/", ""},
		"add a parameter":               {stripping("/t/{tenant}", "/t", "/x-{tenant}"), "/t/acme/a", "/x-acme/acme/a", ""},
		"template":                      {leading("/orders/{id}", "/v2/orders/{id}"), "/orders/42", "/v2/orders/42", ""},
		"template, another order":       {leading("/{a}/of/{b}", "/{b}/{a}"), "/x/of/y", "/y/x", ""},
		"template, a parameter dropped": {leading("/t/{tenant}/orders/{id}", "/orders/{id}"), "/t/acme/orders/42", "/orders/42", ""},
		"template, pieces":              {leading("/{name}.{ext:[a-z]+}", "/{ext}/{name}"), "/a.b.json", "/json/a.b", ""},
		"template, to the root":         {leading("/login", "/"), "/login", "/", ""},
		"template, from the root":       {leading("/", "/home"), "/", "/home", ""},
		"template, slash as it came":    {either, "/orders", "/v2/orders", ""},
		"template, with the slash":      {either, "/orders/", "/v2/orders/", ""},
		"template, final slash":         {leading("/orders", "/v2/orders/"), "/orders", "/v2/orders/", ""},
		"prefix template":               {below, "/t/acme/a/b/", "/tenants/acme/a/b/", ""},
		"prefix template itself":        {below, "/t/acme", "/tenants/acme", ""},
		"encoded slash":                 {leading("/files/{name}", "/v2/{name}"), "/files/a%2fb", "/v2/a%2Fb", ""},
		"encoded slash below":           {stripping("/api", "/api", "/v2"), "/api/a%2Fb/%2F", "/v2/a%2Fb/%2F", ""},
		"encoded prefix":                {stripping("/api", "/api", ""), "/%61pi/caf%c3%a9", "/caf%C3%A9", ""},
		"template with other letters":   {leading("/cafe", "/café"), "/cafe", "/caf%C3%A9", ""},
		"double slash below":            {stripping("/api", "/api", "/v2"), "/api//a//b", "/v2//a//b", ""},
		"double slash at the beginning": {stripping("/api", "/api", ""), "/api//a", "//a", ""},
		"dot segments are resolved":     {stripping("/api", "/api", "/v2"), "/api/a/../b/./c", "/v2/b/c", ""},
		"matrix parameters":             {stripping("/api", "/api", ""), "/api/a;v=1/b;x", "/a;v=1/b;x", ""},
		"only headers: byte for byte": {
			exchange.RewriteDefinition{Match: routing.Match{Prefix: "/"}, Host: "h"}, "/a/../%6frders", "/a/../%6frders", "/orders",
		},
		"the same template: byte for byte": {leading("/a/{id}", "/a/{id}"), "/a/%62", "/a/%62", "/a/b"},
	} {
		got := rewritten(t, c.def, c.raw+"?a=%zz;b")
		if c.wantPath == "" {
			c.wantPath = c.want
		}
		want := exchange.Target{Raw: c.want, Query: "a=%zz;b", HasQuery: true, Path: c.wantPath}
		if got.Target != want {
			t.Errorf("%s: %s became %+v, want %+v", name, c.raw, got.Target, want)
		}
	}
}

// TestNoRewriteLeavesItsFolder: a value that is part of a segment may be "..",
// and must not become a segment of its own.
func TestNoRewriteLeavesItsFolder(t *testing.T) {
	for path, def := range map[string]exchange.RewriteDefinition{
		"/files/x..":     leading("/files/x{name}", "/private/{name}"),
		"/files/x..;a":   leading("/files/x{name}", "/private/{name}/b"),
		"/files/x.-.":    leading("/files/x{a}-{b}", "/private/{a}{b}"),
		"/files/;a":      leading("/files/{name}", "/private/..{name}"),
		"/files/x%2e%2E": leading("/files/x{name}", "/private/{name}"),
	} {
		_, problem := tryRewrite(t, def, path)
		if problem == nil || problem.Code != "bad_target" || problem.Status != 400 {
			t.Errorf("%s: %+v", path, problem)
		}
	}
	x := exchange.Exchange{}
	refusal := &exchange.Problem{Code: "bad_target"}
	if next := x.Refused(refusal); next.Do != exchange.Answer || next.Problem != refusal || x.Class != guard.ClientFault || x.Class.BackendFault() {
		t.Errorf("%+v, class %s", next, x.Class)
	}
}

// TestFaultyRewriteForwardsNothing: what was stored by a newer version and
// cannot be read here is not the same as no rewrite.
func TestFaultyRewriteForwardsNothing(t *testing.T) {
	for _, def := range []exchange.RewriteDefinition{
		{Match: routing.Match{Prefix: "/"}, StripPrefix: "/api"},
		{Match: routing.Match{Prefix: "no slash"}, Host: "h"},
	} {
		rule, _ := exchange.CompileRewrite(def)
		x := exchange.Exchange{Assignment: routing.Assignment{Side: routing.New}}
		w, problem := x.Rewrite(rule, exchange.Target{Raw: "/api", Path: "/api"})
		if w != nil || problem == nil || problem.Code != "rewrite_invalid" || problem.Status != 500 || !strings.Contains(problem.Title, "new side") {
			t.Errorf("%+v: %+v, %+v", def, w, problem)
		}
	}
}

func TestRewrittenHeaders(t *testing.T) {
	def := exchange.RewriteDefinition{
		Match: routing.Match{Prefix: "/"}, SetHeaders: map[string]string{"x-tenant": "acme", "Accept": ""},
		RemoveHeaders: []string{"cookie", "User-Agent", "X-Absent"},
	}
	out := exchange.Fields{
		"X-Tenant": {"evil", "evil2"}, "X_tenant": {"evil"}, "X_Tenant": {"evil"}, "X.tenant": {"evil"}, "Cookie": {"a"}, "Accept": {"*/*"}, "Other": {"kept"}, "Odd_name": {"kept"},
	}
	w := rewritten(t, def, "/")
	w.Request(out)
	want := exchange.Fields{
		"X-Tenant": {"acme"}, "Accept": {""}, "User-Agent": nil, "Other": {"kept"}, "Odd_name": {"kept"},
	}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, passes := range map[string]bool{"X-Tenant": false, "X_tenant": false, "X.tenant": false, "User-Agent": false, "Other": true} {
		if got := w.TrailerPasses(name); got != passes {
			t.Errorf("the trailer %s passes: %v", name, got)
		}
	}
	if none := (*exchange.Rewritten)(nil); !none.TrailerPasses("X-Tenant") {
		t.Error("without a rewrite a trailer does not pass")
	}
	if w.Host != "shop.example" {
		t.Errorf("host %q", w.Host)
	}
	answer := exchange.Fields{"Location": {"http://10.0.0.7:4000/a"}, "Set-Cookie": {"a=b; Domain=10.0.0.7"}}
	w.Response(answer)
	if answer["Location"][0] != "http://10.0.0.7:4000/a" || answer["Set-Cookie"][0] != "a=b; Domain=10.0.0.7" {
		t.Errorf("a rewrite of headers alone changed an answer: %v", answer)
	}
	def.Host = "orders.internal:81"
	if w := rewritten(t, def, "/"); w.Host != "orders.internal:81" {
		t.Errorf("host %q", w.Host)
	}
}

// TestThereAndBack: what a backend redirects to within its own URLs leads the
// client to where the request came from.
func TestThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		segment := rapid.StringMatching(`[a-z0-9%~;=-]{1,6}`).Filter(func(s string) bool { return !strings.Contains(s, "%") })
		templates := map[string]string{ // values, by parameter
			"a": segment.Draw(t, "a"), "b": segment.Draw(t, "b") + "%2F", "c": segment.Draw(t, "c"),
		}
		names := rapid.Permutation([]string{"a", "b", "c"})
		template := func(label string, prefix string) string {
			text := prefix
			for _, name := range names.Draw(t, label) {
				text += rapid.SampledFrom([]string{"/x-", "/y/z/", "/", "//"}).Draw(t, label+" literal") + "{" + name + "}"
			}
			return text
		}
		match, to := template("match", "/m"), template("to", "/t")
		def := exchange.RewriteDefinition{Match: routing.Match{Prefix: match}, Path: to}
		rest := rapid.SampledFrom([]string{"", "/", "/more", "//more/", "/%2F"}).Draw(t, "rest")
		path := match + rest
		for name, value := range templates {
			path = strings.ReplaceAll(path, "{"+name+"}", value)
		}
		rule, faults := exchange.CompileRewrite(def)
		if len(faults) > 0 {
			t.Fatalf("%+v: %+v", def, faults)
		}
		x := exchange.Exchange{Host: "shop.example", Scheme: "http"}
		w, problem := x.Rewrite(rule, exchange.Target{Raw: path, Path: path})
		if problem != nil {
			t.Fatalf("%s: %+v", path, problem)
		}
		answer := exchange.Fields{"Location": {w.Target.Raw + "?q", "//shop.example" + w.Target.Raw}, "Set-Cookie": {"a=b; Path=" + w.Target.Raw}}
		w.Response(answer)
		want := exchange.Fields{"Location": {path + "?q", "//shop.example" + path}, "Set-Cookie": {"a=b; Path=" + path}}
		if strings.Contains(path, ";") {
			want["Set-Cookie"] = answer["Set-Cookie"]
		}
		if diff := cmp.Diff(want, answer); diff != "" {
			t.Fatalf("%s as %s, answered (-want +got):\n%s", path, w.Target.Raw, diff)
		}
	})
}
