package exchange_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/routing"
)

func TestRewriteFaults(t *testing.T) {
	const theirs = ", so no route may change it"
	path := routing.Match{Path: "/t/{tenant}/orders/{id:[0-9]+}"}
	prefix := routing.Match{Prefix: "/api"}
	host := func(text string) exchange.RewriteDefinition {
		return exchange.RewriteDefinition{Match: prefix, Host: text}
	}
	set := func(name, value string) exchange.RewriteDefinition {
		return exchange.RewriteDefinition{Match: prefix, SetHeaders: map[string]string{name: value}}
	}
	for name, c := range map[string]struct {
		def  exchange.RewriteDefinition
		want []exchange.RewriteFault
	}{
		"unknown parameters": {
			exchange.RewriteDefinition{Match: path, Path: "/v2/{order}"},
			[]exchange.RewriteFault{{"path", `path: template "/v2/{order}" has the parameter "order", which "/t/{tenant}/orders/{id:[0-9]+}" does not have: it has tenant, id`}},
		},
		"unknown parameters, of none": {
			exchange.RewriteDefinition{Match: prefix, AddPrefix: "/{id}"},
			[]exchange.RewriteFault{{"add_prefix", `add_prefix: template "/{id}" has the parameter "id", which "/api" does not have: it has none at all`}},
		},
		"a pattern": {
			exchange.RewriteDefinition{Match: path, Path: "/{id:[0-9]+}"},
			[]exchange.RewriteFault{{"path", `path: template "/{id:[0-9]+}" has a pattern for the parameter "id": the one in match counts, write {id}`}},
		},
		"a parameter twice": {
			exchange.RewriteDefinition{Match: path, Path: "/{id}/{id}"},
			[]exchange.RewriteFault{{"path", `path: template "/{id}/{id}" has two parameters named "id": give one another name`}},
		},
		"path and prefixes": {
			exchange.RewriteDefinition{Match: prefix, Path: "/v2", StripPrefix: "/api"},
			[]exchange.RewriteFault{{"path", `path is "/v2", which says all about the path: leave strip_prefix and add_prefix out`}},
		},
		"a query": {
			exchange.RewriteDefinition{Match: path, Path: "/v2?id={id}"},
			[]exchange.RewriteFault{{"path", `path is "/v2?id={id}": a path has no query and no fragment; the client's query is passed on as it is`}},
		},
		"a line end": {
			exchange.RewriteDefinition{Match: path, Path: "/v2\r\nHost: evil"},
			[]exchange.RewriteFault{{"path", `path: template "/v2\r\nHost: evil": in "v2\r\nHost: evil": carriage return at byte 2; a template holds a path alone, conditions on the query go to match.query`}},
		},
		"a host": {
			exchange.RewriteDefinition{Match: path, Path: "//evil.example/x"},
			[]exchange.RewriteFault{{"path", `path is "//evil.example/x": what begins with two slashes is taken for a host, write one`}},
		},
		"no slash": {
			exchange.RewriteDefinition{Match: prefix, AddPrefix: "v2"},
			[]exchange.RewriteFault{{"add_prefix", `add_prefix: template "v2" does not begin with a slash: write "/v2"`}},
		},
		"a slash too many": {
			exchange.RewriteDefinition{Match: prefix, AddPrefix: "/v2/", Path: ""},
			[]exchange.RewriteFault{{"add_prefix", `add_prefix: prefix "/v2/" ends in a slash: write "/v2", which covers itself and everything below`}},
		},
		"nothing to strip or add": {
			exchange.RewriteDefinition{Match: prefix, StripPrefix: "/", AddPrefix: "/"},
			[]exchange.RewriteFault{
				{"strip_prefix", `strip_prefix is "/", which changes nothing: leave it out`},
				{"add_prefix", `add_prefix is "/", which changes nothing: leave it out`},
			},
		},
		"stripping what need not be there": {
			exchange.RewriteDefinition{Match: prefix, StripPrefix: "/api/v1"},
			[]exchange.RewriteFault{{"strip_prefix", `strip_prefix is "/api/v1", but the route matches "/api", which does not begin with it: strip only what every request has`}},
		},
		"stripping a value": {
			exchange.RewriteDefinition{Match: path, StripPrefix: "/t/acme"},
			[]exchange.RewriteFault{{"strip_prefix", `strip_prefix is "/t/acme", but the route matches "/t/{tenant}/orders/{id:[0-9]+}", which does not begin with it: strip only what every request has`}},
		},
		"dot segments": {
			exchange.RewriteDefinition{Match: path, Path: "/v2/../{id}"},
			[]exchange.RewriteFault{{"path", `path: template "/v2/../{id}" has the dot segment "..": requests are matched after dot segments are resolved, so it would never match; write the path it leads to`}},
		},
		"host: path":        {host("a/b"), []exchange.RewriteFault{{"host", `the host is "a/b": host "a/b": '/' may not stand in a host name`}}},
		"host: star":        {host("*.example"), []exchange.RewriteFault{{"host", `the host is "*.example": host "*.example" is not one host: write a name like shop.example`}}},
		"host: line end":    {host("a\r\nb"), []exchange.RewriteFault{{"host", `the host is "a\r\nb": host "a\r\nb": '\r' may not stand in a host name`}}},
		"host: port":        {host("a:99999"), []exchange.RewriteFault{{"host", `the host is "a:99999": a port is a number from 1 to 65535`}}},
		"host: no port":     {host("a:"), []exchange.RewriteFault{{"host", `the host is "a:": a port is a number from 1 to 65535`}}},
		"host: bare IPv6":   {host("2001:db8::1"), []exchange.RewriteFault{{"host", `the host is "2001:db8::1": write a name like orders.internal, or an IPv6 address in brackets`}}},
		"host: zone":        {host("[fe80::1%25eth0]"), []exchange.RewriteFault{{"host", `the host is "[fe80::1%25eth0]": write a name like orders.internal, or an IPv6 address in brackets`}}},
		"host: IPv4 mended": {host("[10.0.0.1]"), []exchange.RewriteFault{{"host", `the host is "[10.0.0.1]": write a name like orders.internal, or an IPv6 address in brackets`}}},
		"header: no name":   {set("", "a"), []exchange.RewriteFault{{"set_headers.", `"" is no header name: write one like X-Tenant`}}},
		"header: bad name":  {set("X A", "a"), []exchange.RewriteFault{{"set_headers.X A", `"X A" is no header name: write one like X-Tenant`}}},
		"header: Host":      {set("host", "a"), []exchange.RewriteFault{{"set_headers.host", `the header host has a key of its own: write host`}}},
		"header: hop by hop": {
			set("connection", "close"),
			[]exchange.RewriteFault{{"set_headers.connection", `the header connection is the router's: it says how this one message travels, or where it came from`}},
		},
		"header: length": {
			set("Content-Length", "0"),
			[]exchange.RewriteFault{{"set_headers.Content-Length", `the header Content-Length is the router's: it says how this one message travels, or where it came from`}},
		},
		"header: ours":      {set("X-Forwarded-For", "::1"), []exchange.RewriteFault{{"set_headers.X-Forwarded-For", `the header X-Forwarded-For is the router's: backends believe it` + theirs}}},
		"header: disguised": {set("X_Forwarded_For", "::1"), []exchange.RewriteFault{{"set_headers.X_Forwarded_For", `the header X_Forwarded_For is the router's: backends believe it` + theirs}}},
		"value: line end":   {set("X-A", "secret\r\nX-B: c"), []exchange.RewriteFault{{"set_headers.X-A", `the value for the header X-A contains a line end or another control character`}}},
		"value: spaces":     {set("X-A", " secret"), []exchange.RewriteFault{{"set_headers.X-A", `the value for the header X-A begins or ends with a space, which no server ever sees: leave it out`}}},
		"value: long":       {set("X-A", strings.Repeat("a", 4097)), []exchange.RewriteFault{{"set_headers.X-A", `the value for the header X-A has 4097 bytes: at most 4096 are allowed`}}},
		"removed: ours, twice and set": {
			exchange.RewriteDefinition{Match: prefix, SetHeaders: map[string]string{"X-A": "1"}, RemoveHeaders: []string{"Strangler-Side", "x-a", "B", "b"}},
			[]exchange.RewriteFault{
				{"remove_headers[0]", `the header Strangler-Side is the router's: backends believe it` + theirs},
				{"remove_headers[1]", `the header x-a is named twice, here and as X-A: what is set replaces what the client sent, so once is enough`},
				{"remove_headers[3]", `the header b is named twice, here and as B: what is set replaces what the client sent, so once is enough`},
			},
		},
	} {
		_, faults := exchange.CompileRewrite(c.def)
		if diff := cmp.Diff(c.want, faults); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestRewritesWithoutFaults(t *testing.T) {
	for _, host := range []string{"orders.internal", "Orders.Internal.:80", "a_b", "10.0.0.1", "10.0.0.1:65535", "[2001:db8::1]", "[::1]:8080", "xn--bcher-kva.example"} {
		if _, faults := exchange.CompileRewrite(exchange.RewriteDefinition{Match: routing.Match{Prefix: "/"}, Host: host}); len(faults) > 0 {
			t.Errorf("host %s: %+v", host, faults)
		}
	}
	def := exchange.RewriteDefinition{
		Match:      routing.Match{Prefix: "/"},
		SetHeaders: map[string]string{"X-A": "", "x.b~": "a\tb é", "Authorization": "Basic YTpi", "Cookie": "a=b"}, RemoveHeaders: []string{"User-Agent", "X_Y"},
	}
	if _, faults := exchange.CompileRewrite(def); len(faults) > 0 {
		t.Errorf("%+v", faults)
	}
}
