package exchange_test

import (
	"slices"
	"testing"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/routing"
)

// answered maps one field of an answer back, for a request to rawPath.
func answered(t testing.TB, def exchange.RewriteDefinition, rawPath, field, value string) string {
	t.Helper()
	w := rewritten(t, def, rawPath)
	backend := []string{"#first", value}
	out := exchange.Fields{field: backend, "Other": {value}}
	w.Response(out)
	if !slices.Equal(backend, []string{"#first", value}) || out["Other"][0] != value {
		t.Errorf("%s %q: the backend's own fields were changed: %q, %q", field, value, backend, out["Other"])
	}
	if out[field][0] != "#first" || len(out[field]) != 2 {
		t.Errorf("%s %q: %q", field, value, out[field])
	}
	return out[field][1]
}

func hosted(def exchange.RewriteDefinition) exchange.RewriteDefinition {
	def.Host = "orders.internal:8080"
	return def
}

func TestLocationIsMappedBack(t *testing.T) {
	versioned := leading("/orders/{id:[0-9]+}", "/v2/orders/{id}")
	tenant := leading("/t/{tenant}/orders/{id}", "/orders/{id}/of/{tenant}")
	dropped := leading("/t/{tenant}/orders", "/orders")
	for name, c := range map[string]struct {
		def          exchange.RewriteDefinition
		path         string
		given, wants string
	}{
		"absolute path":                    {versioned, "/orders/42", "/v2/orders/43", "/orders/43"},
		"query and fragment stay":          {versioned, "/orders/42", "/v2/orders/43?a=/v2/x#/v2/y", "/orders/43?a=/v2/x#/v2/y"},
		"what lies above":                  {versioned, "/orders/42", "/v2/orders?page=2", "/orders?page=2"},
		"what lies below":                  {versioned, "/orders/42", "/v2/orders/42/items//7/", "/orders/42/items//7/"},
		"a created one":                    {leading("/orders", "/v2/orders"), "/orders", "/v2/orders/42", "/orders/42"},
		"a created one behind a slash":     {leading("/orders/", "/v2"), "/orders/", "/v2/42", "/orders/42"},
		"not below":                        {versioned, "/orders/42", "/login", "/login"},
		"only alike":                       {versioned, "/orders/42", "/v2x/orders", "/v2x/orders"},
		"out of it again":                  {versioned, "/orders/42", "/v2/../login", "/v2/../login"},
		"encoded slash":                    {versioned, "/orders/42", "/v2/orders/a%2fb", "/orders/a%2Fb"},
		"encoded prefix":                   {versioned, "/orders/42", "/%762/orders/1", "/orders/1"},
		"unescaped text":                   {versioned, "/orders/42", "/v2/my café", "/my%20caf%C3%A9"},
		"parameters exchanged":             {tenant, "/t/acme/orders/1", "/orders/2/of/emca", "/t/emca/orders/2"},
		"parameters of the request":        {dropped, "/t/acme/orders", "/orders/2", "/t/acme/orders/2"},
		"to the root":                      {stripping("/api", "/api", ""), "/api/x", "/", "/api/"},
		"from the root":                    {stripping("/", "", "/v2"), "/x", "/v2", "/"},
		"strip":                            {stripping("/api", "/api", ""), "/api/x", "/login", "/api/login"},
		"root to root":                     {leading("/login", "/"), "/login", "/", "/login"},
		"two slashes are no host":          {stripping("/", "", "/v2"), "/x", "/v2//evil.example/x", "/.//evil.example/x"},
		"absolute URL, the client's host":  {versioned, "/orders/42", "http://shop.example/v2/orders/1?q", "http://shop.example/orders/1?q"},
		"the client's host, default port":  {versioned, "/orders/42", "HTTPS://Shop.Example:443/v2/orders/1", "HTTPS://Shop.Example:443/orders/1"},
		"the client's host, another port":  {versioned, "/orders/42", "https://shop.example:8443/v2/orders/1", "https://shop.example:8443/v2/orders/1"},
		"the client's host, another path":  {versioned, "/orders/42", "http://shop.example/login", "http://shop.example/login"},
		"scheme-relative":                  {versioned, "/orders/42", "//shop.example/v2/orders/1", "//shop.example/orders/1"},
		"scheme-relative, two slashes":     {stripping("/", "", "/v2"), "/x", "//shop.example/v2//a", "//shop.example//a"},
		"another host":                     {versioned, "/orders/42", "https://pay.example/v2/orders/1", "https://pay.example/v2/orders/1"},
		"another host, scheme-relative":    {versioned, "/orders/42", "//pay.example/v2/orders/1", "//pay.example/v2/orders/1"},
		"another host, our user":           {versioned, "/orders/42", "http://shop.example@pay.example/v2/1", "http://shop.example@pay.example/v2/1"},
		"the endpoint":                     {versioned, "/orders/42", "http://10.0.0.7:4000/v2/orders/1", "https://shop.example/orders/1"},
		"the endpoint, scheme-relative":    {versioned, "/orders/42", "//10.0.0.7:4000/v2/orders/1", "//shop.example/orders/1"},
		"the endpoint, another port":       {versioned, "/orders/42", "http://10.0.0.7/v2/orders/1", "http://10.0.0.7/v2/orders/1"},
		"the host sent":                    {hosted(versioned), "/orders/42", "http://orders.internal:8080/v2/orders/1#f", "https://shop.example/orders/1#f"},
		"the host sent, another path":      {hosted(versioned), "/orders/42", "http://orders.internal:8080/login", "https://shop.example/login"},
		"the host sent, no path":           {hosted(versioned), "/orders/42", "http://orders.internal:8080?q", "https://shop.example?q"},
		"the host alone":                   {hosted(stripping("/", "", "")), "/x", "http://Orders.internal:8080/%61", "https://shop.example/%61"},
		"the host alone, other references": {hosted(stripping("/", "", "")), "/x", "/a/../b", "/a/../b"},
		"relative, the same place":         {versioned, "/orders/42", "43?x", "43?x"},
		"relative, upwards":                {versioned, "/orders/42", "../orders/43", "../orders/43"},
		"relative, another depth":          {leading("/o/{id}", "/v2/orders/by/{id}/show"), "/o/42", "../../by/43/show", "/o/43"},
		"relative, out of it":              {leading("/a/b/c", "/c"), "/a/b/c", "../login", "/a/b/login"},
		"relative, beyond it":              {leading("/a/b/c", "/x/c"), "/a/b/c", "../login?a", "/login?a"},
		"query alone":                      {versioned, "/orders/42", "?page=2", "?page=2"},
		"fragment alone":                   {versioned, "/orders/42", "#top", "#top"},
		"empty":                            {versioned, "/orders/42", "", ""},
		"another scheme":                   {versioned, "/orders/42", "mailto:a@b", "mailto:a@b"},
		"another scheme with a host":       {versioned, "/orders/42", "app://shop.example/v2/1", "app://shop.example/v2/1"},
		"scheme without a host":            {versioned, "/orders/42", "http:/v2/orders/1", "http:/v2/orders/1"},
		"backslashes":                      {versioned, "/orders/42", `/v2\..\..//evil.example`, `/v2\..\..//evil.example`},
		"control characters":               {versioned, "/orders/42", "/v2/\torders", "/v2/\torders"},
		"malformed escape":                 {versioned, "/orders/42", "/v2/orders/%zz", "/v2/orders/%zz"},
		"the endpoint, malformed escape":   {versioned, "/orders/42", "http://10.0.0.7:4000/v2/%0", "http://10.0.0.7:4000/v2/%0"},
		"relative, malformed escape":       {versioned, "/orders/42", "%zz", "%zz"},
	} {
		for _, field := range []string{"Location", "Content-Location"} {
			if got := answered(t, c.def, c.path, field, c.given); got != c.wants {
				t.Errorf("%s: %s: %q became %q, want %q", name, field, c.given, got, c.wants)
			}
		}
	}
}

func TestCookiesAreMappedBack(t *testing.T) {
	versioned := stripping("/orders", "", "/v2")
	tenant := leading("/t/{tenant}/x", "/{tenant}/y")
	for name, c := range map[string]struct {
		def          exchange.RewriteDefinition
		path         string
		given, wants string
	}{
		"path":                             {versioned, "/orders", "a=b; Path=/v2/orders", "a=b; Path=/orders"},
		"spaces, case and order stay":      {versioned, "/orders", "a=b=c;HttpOnly ;pAtH = /v2/orders ;; Odd=/v2/x;Max-Age=1", "a=b=c;HttpOnly ;pAtH = /orders ;; Odd=/v2/x;Max-Age=1"},
		"every path":                       {versioned, "/orders", "a=b; Path=/v2/a; Path=/v2/b", "a=b; Path=/a; Path=/b"},
		"a value that looks like one":      {versioned, "/orders", "path=/v2/orders", "path=/v2/orders"},
		"no path":                          {versioned, "/orders", "a=b; Secure", "a=b; Secure"},
		"empty path":                       {versioned, "/orders", "a=b; Path=; Secure", "a=b; Path=; Secure"},
		"path without a value":             {versioned, "/orders", "a=b; Path", "a=b; Path"},
		"relative path":                    {versioned, "/orders", "a=b; Path=v2", "a=b; Path=v2"},
		"malformed path":                   {versioned, "/orders", "a=b; Path=/v2/%zz", "a=b; Path=/v2/%zz"},
		"the whole backend":                {versioned, "/orders", "__Host-a=b; Path=/; Secure", "__Host-a=b; Path=/; Secure"},
		"the whole backend, stripped":      {stripping("/api", "/api", ""), "/api", "a=b; Path=/", "a=b; Path=/"},
		"stripped":                         {stripping("/api", "/api", ""), "/api", "a=b; Path=/x", "a=b; Path=/api/x"},
		"another part of the backend":      {versioned, "/orders", "a=b; Path=/v3", "a=b; Path=/v3"},
		"above, to the root":               {stripping("/", "", "/v2/shop"), "/x", "a=b; Path=/v2", "a=b; Path=/"},
		"above":                            {stripping("/api", "/api", "/v2/shop"), "/api/x", "a=b; Path=/v2/", "a=b; Path=/api"},
		"above a parameter":                {tenant, "/t/acme/x", "a=b; Path=/acme", "a=b; Path=/t"},
		"a parameter of another request":   {tenant, "/t/acme/x", "a=b; Path=/other/y/z", "a=b; Path=/t/other/x/z"},
		"semicolons begin no attribute":    {tenant, "/t/a;Domain=evil/x", "a=b; Path=/a;Domain=evil/y", "a=b; Path=/a;Domain=evil/y"},
		"without a host: no domain":        {versioned, "/orders", "a=b; Domain=orders.internal", "a=b; Domain=orders.internal"},
		"no domain":                        {hosted(versioned), "/orders", "a=b; Path=/v2", "a=b; Path=/"},
		"domain":                           {hosted(versioned), "/orders", "a=b; Domain=Orders.Internal; Path=/v2/x; HttpOnly", "a=b; Domain=shop.example; Path=/x; HttpOnly"},
		"domain with a dot":                {hosted(versioned), "/orders", "a=b;domain = .orders.internal", "a=b;domain = shop.example"},
		"the domain above":                 {hosted(versioned), "/orders", "a=b; Domain=internal", "a=b; Domain=shop.example"},
		"the endpoint's domain":            {hosted(versioned), "/orders", "a=b; Domain=10.0.0.7", "a=b; Domain=shop.example"},
		"a domain the client is in":        {hosted(versioned), "/orders", "a=b; Domain=.shop.example", "a=b; Domain=.shop.example"},
		"a domain below the client's":      {hosted(versioned), "/orders", "a=b; Domain=pay.shop.example", "a=b; Domain=pay.shop.example"},
		"a foreign domain":                 {hosted(versioned), "/orders", "a=b; Domain=evil.example", "a=b; Domain=evil.example"},
		"a domain that only ends the same": {hosted(versioned), "/orders", "a=b; Domain=rders.internal", "a=b; Domain=rders.internal"},
		"empty domain":                     {hosted(versioned), "/orders", "a=b; Domain=", "a=b; Domain="},
		"no attribute at all":              {hosted(versioned), "/orders", "a=b", "a=b"},
	} {
		if got := answered(t, c.def, c.path, "Set-Cookie", c.given); got != c.wants {
			t.Errorf("%s: %q became %q, want %q", name, c.given, got, c.wants)
		}
	}
}

// TestNoHostIsInvented: an HTTP/1.0 client may send no Host, and then there is
// none to send it to.
func TestNoHostIsInvented(t *testing.T) {
	rule, faults := exchange.CompileRewrite(exchange.RewriteDefinition{Match: routing.Match{Prefix: "/"}, Host: "orders.internal"})
	if len(faults) > 0 {
		t.Fatalf("%+v", faults)
	}
	x := exchange.Exchange{Scheme: "http", Endpoint: "http://10.0.0.7:4000"}
	w, _ := x.Rewrite(rule, exchange.Target{Raw: "/", Path: "/"})
	out := exchange.Fields{"Location": {"http://orders.internal/a"}, "Set-Cookie": {"a=b; Domain=orders.internal"}}
	w.Response(out)
	if out["Location"][0] != "http://orders.internal/a" || out["Set-Cookie"][0] != "a=b; Domain=orders.internal" {
		t.Errorf("%v", out)
	}
}
