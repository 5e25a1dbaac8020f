package exchange_test

import (
	"testing"

	"github.com/stranglerfig/strangler/internal/exchange"
)

// TestInspectRefusesAURLOverHTTP2: it may name another host than :authority.
func TestInspectRefusesAURLOverHTTP2(t *testing.T) {
	for target, code := range map[string]string{
		"http://shop/a": "bad_target", "https://other/": "bad_target", "a": "bad_target", "": "bad_target", "*": "bad_target",
		"/a": "", "//shop/a": "", "/http://shop/a": "",
	} {
		_, problem := exchange.Inspect(exchange.Head{Method: "GET", Target: target, Host: "shop", HTTP2: true})
		if got := codeOf(problem); got != code {
			t.Errorf("%q: %q, want %q", target, got, code)
		}
	}
	if _, problem := exchange.Inspect(exchange.Head{Method: "GET", Target: "http://shop/a", Host: "shop"}); problem != nil {
		t.Errorf("over HTTP/1: %+v", problem)
	}
}

func codeOf(p *exchange.Problem) string {
	if p == nil {
		return ""
	}
	return p.Code
}

// TestInspectRefuses what a server that reads HTTP/1 behind us would read as
// another request than the one that was matched.
func TestInspectRefuses(t *testing.T) {
	for name, c := range map[string]struct{ target, host, code string }{
		"space in the path":     {"/a HTTP/1.1", "shop", "bad_target"},
		"space in the query":    {"/a?x HTTP/1.1", "shop", "bad_target"},
		"space after slashes":   {"//a b", "shop", "bad_target"},
		"space in a URL":        {"http://shop/a b", "shop", "bad_target"},
		"quote in the host":     {"/", `a"b`, "bad_host"},
		"host outside of ASCII": {"/", "bücher.example", "bad_host"},
		"not even UTF-8":        {"/", "a\xff", "bad_host"},
		"angle bracket":         {"/", "a<b", "bad_host"},
		"two headers in one":    {"/", "a b", "bad_host"},
		"userinfo":              {"/", "user@shop", "bad_host"},
		"path in the host":      {"/", "shop/admin", "bad_host"},
		"backslash":             {"/", `shop\admin`, "bad_host"},
	} {
		_, problem := exchange.Inspect(exchange.Head{Method: "GET", Target: c.target, Host: c.host})
		if problem == nil || problem.Code != c.code || problem.Status != 400 {
			t.Errorf("%s: %+v, want %s", name, problem, c.code)
		}
	}
	for _, host := range []string{"", "shop.example:8443", "[2001:db8::1]:80", "xn--bcher-kva.example", "under_score.example"} {
		if _, problem := exchange.Inspect(exchange.Head{Method: "GET", Target: "/a%20b?c%20d", Host: host}); problem != nil {
			t.Errorf("host %q: %+v", host, problem)
		}
	}
}
