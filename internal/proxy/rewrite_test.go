package proxy_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/proxy"
	"github.com/stranglerfig/strangler/internal/routing"
)

// rewriting installs one route, of which one side rewrites.
func (r *router) rewriting(revision routing.Revision, route routing.Definition, side routing.Side, def exchange.RewriteDefinition) {
	r.t.Helper()
	def.Match = route.Match
	rewrite, faults := exchange.CompileRewrite(def)
	if len(faults) > 0 {
		r.t.Fatalf("%+v", faults)
	}
	table := routing.Compile(revision, []routing.Definition{route})
	if bad := table.Invalid(); len(bad) > 0 {
		r.t.Fatalf("invalid definition: %+v", bad)
	}
	lanes := r.proxy.BuildLanes(table, r.backends, []proxy.Policies{r.limits})
	lanes.Rewrite(0, side, rewrite)
	<-r.proxy.Install(table, lanes)
}

// versioned sends everything of the new side below /v2, to a host of its own.
func versioned() exchange.RewriteDefinition {
	return exchange.RewriteDefinition{
		StripPrefix: "/shop", AddPrefix: "/v2", Host: "orders.internal",
		SetHeaders: map[string]string{"X-Tenant": "acme"}, RemoveHeaders: []string{"X-Debug", "User-Agent"},
	}
}

func TestRewrittenRequest(t *testing.T) {
	legacy, old := seen(t)
	fresh, requests := seen(t)
	r := start(t, map[string]string{"legacy": legacy, "new": fresh})
	r.rewriting(1, canary("/shop", routing.FullWeight), routing.New, versioned())
	for target, want := range map[string]string{
		"/shop":                           "/v2",
		"/shop/a%2fb//c/?x=%zz;y&":        "/v2/a%2Fb//c/?x=%zz;y&",
		"/shop/?":                         "/v2/?",
		"/shop/../shop/a":                 "/v2/a",
		"http://shop.example/shop//a?b=c": "/v2//a?b=c",
	} {
		r.raw("GET " + target + " HTTP/1.1\r\nHost: shop.example\r\nX-Tenant: evil\r\nX_Tenant: evil\r\nX-Debug: 1\r\nUser-Agent: u\r\n" +
			"Connection: close, X-Tenant\r\n\r\n")
		got := <-requests
		if got.RequestURI != want || got.Host != "orders.internal" || got.Header.Get("X-Forwarded-Host") != "shop.example" {
			t.Errorf("%s arrived as %s for host %s, client's host %s", target, got.RequestURI, got.Host, got.Header.Get("X-Forwarded-Host"))
		}
		for name, want := range map[string][]string{"X-Tenant": {"acme"}, "X_tenant": nil, "X_Tenant": nil, "X-Debug": nil, "User-Agent": nil} {
			if have := got.Header[name]; strings.Join(have, "|") != strings.Join(want, "|") {
				t.Errorf("%s: %s is %q", target, name, have)
			}
		}
	}

	// The other side gets what the client sent.
	back := canary("/shop", routing.FullWeight)
	back.Assigned = routing.Assigned{Stage: routing.StageLegacy}
	r.rewriting(2, back, routing.New, versioned())
	r.raw("GET /shop/../shop/%61 HTTP/1.1\r\nHost: shop.example\r\nX-Tenant: mine\r\nConnection: close\r\n\r\n")
	if got := <-old; got.RequestURI != "/shop/../shop/%61" || got.Host != "shop.example" || got.Header.Get("X-Tenant") != "mine" {
		t.Errorf("legacy got %s for host %s: %v", got.RequestURI, got.Host, got.Header)
	}
}

// TestRewrittenHeadersAreNoTrailers: servers that take trailers for fields of
// the head would believe the client's, announced or not.
func TestRewrittenHeadersAreNoTrailers(t *testing.T) {
	trailers := make(chan http.Header, 1)
	url := backend(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		trailers <- r.Trailer
	})
	r := start(t, map[string]string{"legacy": url, "new": url})
	r.rewriting(1, canary("/shop", routing.FullWeight), routing.New, versioned())
	for _, announced := range []string{"", "Trailer: Checksum, X-Tenant, X_Tenant, X-Debug\r\n"} {
		r.raw("POST /shop HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n" + announced +
			"\r\n0\r\nChecksum: 1\r\nX-Tenant: evil\r\nX_Tenant: evil\r\nX-Debug: 1\r\n\r\n")
		got := <-trailers
		for name := range got {
			if name != "Checksum" {
				t.Errorf("announced %q: the backend got the trailer %s", announced, name)
			}
		}
		if announced != "" && got.Get("Checksum") != "1" {
			t.Errorf("trailers %v", got)
		}
	}
}

// TestStrippedPathMayBeginWithTwoSlashes: net/http would take them for a host.
func TestStrippedPathMayBeginWithTwoSlashes(t *testing.T) {
	url, requests := seen(t)
	r := start(t, map[string]string{"legacy": url, "new": url})
	r.rewriting(1, canary("/shop", routing.FullWeight), routing.New, exchange.RewriteDefinition{StripPrefix: "/shop"})
	for target, want := range map[string]string{"/shop//evil.example/a%2Fb?q": "//evil.example/a%2Fb?q", "/shop": "/", "/shop?": "/?"} {
		r.raw("GET " + target + " HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")
		if got := <-requests; got.RequestURI != want || got.Host != "shop.example" {
			t.Errorf("%s arrived as %s for host %s", target, got.RequestURI, got.Host)
		}
	}
}

// TestRewriteOverHTTP2: path and host are pseudo-header fields there, and the
// host sent is not the name that TLS verifies.
func TestRewriteOverHTTP2(t *testing.T) {
	secure, ca := secureServer(t, http.HandlerFunc(echoProto), nil, "h2")
	for name, backend := range map[string]proxy.Backend{
		"h2":  {Endpoints: []string{secure}, Protocol: proxy.H2, TLS: proxy.BackendTLS{CA: ca}},
		"h2c": {Endpoints: []string{plainServer(t, http.HandlerFunc(echoProto))}, Protocol: proxy.H2C},
	} {
		r := start(t, nil)
		r.backends["legacy"], r.backends["new"] = backend, backend
		r.rewriting(1, canary("/shop", routing.FullWeight), routing.New, exchange.RewriteDefinition{StripPrefix: "/shop", Host: "orders.internal"})
		for target, want := range map[string]string{
			"/shop/a%2fb?q=%zz": "HTTP/2.0 orders.internal /a%2Fb?q=%zz ",
			"/shop//a//?":       "HTTP/2.0 orders.internal //a//? ",
		} {
			if _, body := r.get(target); body != want {
				t.Errorf("%s: %s: got %q, want %q", name, target, body, want)
			}
		}
	}
}

// TestClientFollowsAMappedRedirect lets an ordinary browser-like client talk to
// a backend that knows nothing of the router: redirects in every form, and a
// session kept by a cookie for the backend's own path and host.
func TestClientFollowsAMappedRedirect(t *testing.T) {
	var self string
	fresh := backend(t, func(w http.ResponseWriter, r *http.Request) {
		switch cookie, _ := r.Cookie("session"); {
		case r.URL.Path == "/v2/login":
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "s1", Path: "/v2/", Domain: "orders.internal", HttpOnly: true})
			w.Header().Add("Set-Cookie", "theme=dark; Path=/")
			w.Header().Set("Location", r.URL.Query().Get("to"))
			w.WriteHeader(http.StatusSeeOther)
		case cookie == nil || cookie.Value != "s1":
			w.WriteHeader(http.StatusUnauthorized)
		default:
			w.Header().Set("Content-Location", "/v2/orders/42.json")
			_, _ = io.WriteString(w, r.RequestURI)
		}
	})
	self = fresh
	r := start(t, map[string]string{"legacy": named(t, "legacy"), "new": fresh})
	r.rewriting(1, canary("/shop", routing.FullWeight), routing.New, versioned())
	for _, location := range []string{"/v2/orders/42?a=b", "orders/42?a=b", "./x/../orders/42?a=b", "http://orders.internal/v2/orders/42?a=b", "//orders.internal/v2/orders/42?a=b", self + "/v2/orders/42?a=b"} {
		jar, _ := cookiejar.New(nil)
		browser := &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}}
		res, err := browser.Get("http://" + r.addr + "/shop/login?to=" + url.QueryEscape(location))
		if err != nil {
			t.Fatalf("%s: %v", location, err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != 200 || string(body) != "/v2/orders/42?a=b" || res.Request.URL.String() != "http://"+r.addr+"/shop/orders/42?a=b" {
			t.Errorf("%s: %d %s at %s", location, res.StatusCode, body, res.Request.URL)
		}
		if got := res.Header.Get("Content-Location"); got != "/shop/orders/42.json" {
			t.Errorf("Content-Location %s", got)
		}
		if names := cookieNames(jar, "http://"+r.addr+"/"); names != "theme" {
			t.Errorf("%s: cookies at /: %s", location, names)
		}
	}
}

func cookieNames(jar http.CookieJar, at string) string {
	where, _ := url.Parse(at)
	var names []string
	for _, cookie := range jar.Cookies(where) {
		names = append(names, cookie.Name)
	}
	return strings.Join(names, " ")
}

// TestMintedCookieIsNotMapped: it is ours, and for the whole site.
func TestMintedCookieIsNotMapped(t *testing.T) {
	legacy := backend(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Add("Set-Cookie", "a=b; Path=/old/x") })
	r := start(t, map[string]string{"legacy": legacy, "new": legacy})
	r.rewriting(1, canary("/", 5000), routing.Legacy, exchange.RewriteDefinition{AddPrefix: "/old"})
	res, _ := r.do(http.MethodGet, "/", http.Header{"Accept": {"text/html"}}, nil)
	cookies := res.Header["Set-Cookie"]
	if len(cookies) != 2 || cookies[0] != "a=b; Path=/x" ||
		!strings.HasPrefix(cookies[1], "strangler_cohort=") || !strings.Contains(cookies[1], "; Path=/;") {
		t.Errorf("%q", cookies)
	}
}

func TestRewrittenUpgrade(t *testing.T) {
	heads := make(chan *http.Request, 1)
	fresh := rawBackend(t, func(conn net.Conn, request *http.Request) {
		heads <- request
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\nSet-Cookie: a=b; Path=/v2/ws\r\n\r\n")
		_, _ = io.Copy(conn, conn)
	})
	r := start(t, map[string]string{"legacy": fresh, "new": fresh})
	r.rewriting(1, canary("/shop", routing.FullWeight), routing.New, versioned())
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "GET /shop/ws HTTP/1.1\r\nHost: shop.example\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	reader := bufio.NewReader(conn)
	res, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := <-heads; got.RequestURI != "/v2/ws" || got.Host != "orders.internal" || got.Header.Get("X-Tenant") != "acme" || got.Header.Get("Upgrade") != "echo" {
		t.Errorf("%s for host %s: %v", got.RequestURI, got.Host, got.Header)
	}
	if res.StatusCode != 101 || res.Header.Get("Set-Cookie") != "a=b; Path=/shop/ws" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	_, _ = io.WriteString(conn, "ping\n")
	if line, err := reader.ReadString('\n'); line != "ping\n" {
		t.Errorf("%q, %v", line, err)
	}
}

// TestRefusedRewrite: what cannot be rewritten safely reaches no backend, and is no failure of one.
func TestRefusedRewrite(t *testing.T) {
	url := backend(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s reached the backend", r.RequestURI) })
	r := start(t, map[string]string{"legacy": url, "new": url})
	route := canary("", routing.FullWeight)
	route.Match = routing.Match{Path: "/files/x{name}"}
	r.rewriting(1, route, routing.New, exchange.RewriteDefinition{Path: "/private/{name}"})
	res, body := r.get("/files/x..")
	if code := problem(t, res, body); code != "bad_target" || res.StatusCode != 400 {
		t.Errorf("%d %s", res.StatusCode, code)
	}
	entry := r.log.entries(t, 1)[0]
	if entry["strangler.class"] != "client_fault" || entry["url.path"] != "/files/x.." || entry["strangler.side"] != "new" || entry["strangler.endpoint"] != nil {
		t.Errorf("%v", entry)
	}
}

// TestRewriteOfAnInvalidRoute: it has no lanes, and its neighbours still apply.
func TestRewriteOfAnInvalidRoute(t *testing.T) {
	r := start(t, map[string]string{"legacy": named(t, "legacy")})
	table := routing.Compile(1, []routing.Definition{{Name: "bad", Match: routing.Match{Path: "bad"}, Legacy: "legacy"}, legacyOnly()})
	lanes := r.proxy.BuildLanes(table, r.backends, []proxy.Policies{r.limits, r.limits})
	rewrite, _ := exchange.CompileRewrite(exchange.RewriteDefinition{Match: routing.Match{Path: "bad"}, Path: "/"})
	lanes.Rewrite(0, routing.Legacy, rewrite)
	<-r.proxy.Install(table, lanes)
	if _, body := r.get("/"); body != "legacy" {
		t.Errorf("%q", body)
	}
}

// BenchmarkRewrittenRequest shows what a lane pays that rewrites, and that one
// that does not pays nothing: compare "none" with BenchmarkProxiedRequest/strangler
// of a version without rewriting.
func BenchmarkRewrittenRequest(b *testing.B) {
	target := cheapBackend(b)
	for name, def := range map[string]*exchange.RewriteDefinition{
		"none":    nil,
		"headers": {SetHeaders: map[string]string{"X-Tenant": "acme"}, RemoveHeaders: []string{"Cookie"}},
		"path":    {StripPrefix: "/orders", AddPrefix: "/v2/orders", Host: "orders.internal"},
	} {
		b.Run(name, func(b *testing.B) {
			r := start(b, map[string]string{"legacy": target.String(), "new": target.String()})
			route := canary("/orders", routing.FullWeight)
			if def == nil {
				r.install(1, route)
			} else {
				r.rewriting(1, route, routing.New, *def)
			}
			sends := connect(b, serveBench(b, r.proxy))
			b.ReportAllocs()
			b.ResetTimer()
			drive(b, sends, b.N)
		})
	}
}
