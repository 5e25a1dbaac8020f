package exchange_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/routing"
)

// FuzzAnswer: whatever a backend answers, mapping it back leads nobody to a
// host that the backend did not name, and gives no cookie another attribute.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		"/v2/a?b#c", "//shop.example/v2//x", "http://orders.internal/v2/x", "/v2//evil.example/x", "/v2/../..//x", "../../x", "a=b; Path=/v2/x; Domain=.internal",
		"http://orders.internal//x", "/v2/.//evil.example", "/v2/%2e%2e//x", "v2//evil.example", "/v2/\\evil.example", "?a", "a;path;domain=;=",
	} {
		f.Add("/shop/a/b", seed)
	}
	rules := compiledRules(f)
	f.Fuzz(func(t *testing.T, path, value string) {
		target, problem := exchange.Inspect(exchange.Head{Method: "GET", Target: path, Host: "shop.example"})
		if problem != nil {
			return
		}
		x := exchange.Exchange{Host: "shop.example", Scheme: "https", Endpoint: "http://10.0.0.7:4000"}
		for _, rule := range rules {
			w, problem := x.Rewrite(rule, target)
			if problem != nil {
				continue // the path is not one of this rule's route
			}
			out := exchange.Fields{"Location": {value}, "Set-Cookie": {value}}
			w.Response(out)
			if got := out["Set-Cookie"][0]; strings.Count(got, ";") != strings.Count(value, ";") {
				t.Errorf("cookie %q became %q", value, got)
			}
			checkHosts(t, value, out["Location"][0])
		}
	})
}

func compiledRules(f *testing.F) []*exchange.Rewrite {
	var rules []*exchange.Rewrite
	for _, def := range []exchange.RewriteDefinition{
		{Match: routing.Match{Prefix: "/"}, AddPrefix: "/v2", Host: "orders.internal"},
		{Match: routing.Match{Prefix: "/shop"}, StripPrefix: "/shop"},
		{Match: routing.Match{Prefix: "/shop/{a}"}, Path: "/v2/x{a}"},
		{Match: routing.Match{Path: "/shop/{a}/{b}"}, Path: "/{b}"},
	} {
		rule, faults := exchange.CompileRewrite(def)
		if len(faults) > 0 {
			f.Fatalf("%+v", faults)
		}
		rules = append(rules, rule)
	}
	return rules
}

// beforeTail is a URL without query and fragment, which pass as they are.
func beforeTail(text string) string {
	if i := strings.IndexAny(text, "?#"); i >= 0 {
		return text[:i]
	}
	return text
}

// checkHosts reads both URLs as a browser at the client's would.
func checkHosts(t *testing.T, given, mapped string) {
	t.Helper()
	if mapped == given {
		return
	}
	from, err := url.Parse(beforeTail(given))
	if err != nil {
		from = &url.URL{} // sloppy ones are mended on the way: they name no host
	}
	to, err := url.Parse(beforeTail(mapped))
	if err != nil {
		t.Errorf("%q became %q, which is no URL: %v", given, mapped, err)
		return
	}
	if !strings.EqualFold(to.Host, from.Host) && to.Host != "shop.example" || from.Host == "" && to.Host != "" {
		t.Errorf("%q became %q: another host", given, mapped)
	}
}
